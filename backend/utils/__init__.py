"""Small leaf helpers without domain words."""
