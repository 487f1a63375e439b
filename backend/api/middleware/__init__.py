"""What every request passes before a route: a class, a file, a test."""
