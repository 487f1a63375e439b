"""Webhooks: who is told by a request of ours that a task has ended."""
