"""Hubs of models: what they have, who may ask, what is here already."""
