"""Jobs as actors of a Ray cluster, one a card; nothing of Ray is imported before `RayExecutor.prepare`."""
