"""The domain: generate, queue, remember, watch. Knows no web framework."""
