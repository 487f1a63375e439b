"""Command-line tools around the model family; they may need the `train` extra."""
