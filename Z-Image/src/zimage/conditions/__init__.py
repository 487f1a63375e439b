"""Images as input: what a source image, a mask, or a wish for more pixels means for the sampler, and for the result."""
