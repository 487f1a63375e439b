"""Status as it changes: streams, and polls that cost nothing."""
