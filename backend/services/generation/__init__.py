"""From a request to a drawn image."""
