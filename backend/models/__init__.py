"""Settings and wire schemas."""
