"""The Z-Image model family, without web, queue or globals."""

__version__ = "0.1.0"
