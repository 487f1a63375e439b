"""Z-Image studio: the REST API and the services behind it."""

__version__ = "1.0.0"
