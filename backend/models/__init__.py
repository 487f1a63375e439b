"""Settings and the schemas of what crosses the edge."""
