"""Weights on a disk: folders, single files, key layouts and safetensors, read as named tensors."""
