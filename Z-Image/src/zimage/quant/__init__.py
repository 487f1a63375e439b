"""Quantised weights: how each format stores a matrix, and how its values are found again."""
