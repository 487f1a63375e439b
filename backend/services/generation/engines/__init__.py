"""Interchangeable ways to run a model, behind one protocol."""
