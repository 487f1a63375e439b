"""Programs for whoever prepares a model."""
