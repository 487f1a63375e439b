"""Pictures with captions: found, sized, encoded, and drawn in batches."""
