"""Forms that are read as they come."""
