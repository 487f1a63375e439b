"""Doors: protocols of other programs, translated to our own requests and back."""
