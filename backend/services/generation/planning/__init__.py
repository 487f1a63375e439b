"""How a model is held in memory, and what an image of it will take."""
