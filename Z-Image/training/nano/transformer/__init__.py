"""Flow matching of the transformer."""
