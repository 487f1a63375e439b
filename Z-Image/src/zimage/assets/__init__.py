"""Data of others that comes with the library; see NOTICE.md."""
