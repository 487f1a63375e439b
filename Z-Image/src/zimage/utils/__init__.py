"""Leaf helpers of the library: weights in files, attention kernels, small things."""
