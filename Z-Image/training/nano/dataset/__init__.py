"""The training set: things and their names, scenes, captions, cached latents, batches."""
