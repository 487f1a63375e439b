"""Names of tensors: the key layouts that are read, and those of other models."""
