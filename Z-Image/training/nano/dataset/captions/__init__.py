"""Captions as people write them, in English and Chinese, with the scenes that they ask for."""
