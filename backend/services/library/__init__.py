"""Models: catalogue, files on disk, downloads."""
