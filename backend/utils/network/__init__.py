"""Formats of the network."""
