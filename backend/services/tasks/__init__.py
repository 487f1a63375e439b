"""The queue: who waits, who runs, what is remembered."""
