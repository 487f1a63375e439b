"""Published variants of the family: what there is, how it is fetched, and how it is deleted."""
