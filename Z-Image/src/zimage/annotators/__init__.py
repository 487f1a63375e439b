"""Models that see depth and people in an image, as transformers publishes them; loaded from folders, never fetched."""
