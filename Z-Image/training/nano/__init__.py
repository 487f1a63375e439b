"""The training of zimage-nano, one idea a module."""
