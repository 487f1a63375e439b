"""A request with everything decided: all that a worker needs, as plain data."""

from __future__ import annotations

from pydantic import Field

from backend.models.recipe import MAX_SEED, Frozen, Recipe


class Job(Frozen):
    """What a worker draws. Serialisable, so that it may wait on the disk and travel to another machine."""

    recipe: Recipe
    """Of the first image."""
    num_images: int = Field(default=1, ge=1)
    use_gpu: bool = False
    """Whether it runs on an accelerator."""
    note: str = ""
    """What differs from the request, in words; empty when nothing does."""

    def recipe_of(self, index: int) -> Recipe:
        """Returns the recipe of image `index`: seeds count up from the first one and wrap around."""
        if index == 0:
            return self.recipe
        return self.recipe.model_copy(update={"seed": (self.recipe.seed + index) % (MAX_SEED + 1)})
