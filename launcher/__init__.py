"""Sets Z-Image up and starts it, with nothing but the Python standard library."""
