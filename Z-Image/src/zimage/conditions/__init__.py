"""Images that condition a generation, made into what the sampler needs."""
