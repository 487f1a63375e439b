"""Where the tasks run: which slot takes which task, and what happens there."""
