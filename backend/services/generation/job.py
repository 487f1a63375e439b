"""A request with everything decided: all that a worker needs, as plain data."""

from __future__ import annotations

from pydantic import Field

from backend.models.recipe import MAX_SEED, Frozen, Recipe

MAX_PARTIAL_IMAGES = 3


class Job(Frozen):
    """What a worker draws. Serialisable, so that it may wait on the disk and travel to another machine."""

    recipe: Recipe
    """Of the first image."""
    num_images: int = Field(default=1, ge=1)
    use_gpu: bool = False
    """Whether it runs on an accelerator."""
    partial_images: int = Field(default=0, ge=0, le=MAX_PARTIAL_IMAGES)
    """How often each image is shown in full size while it is drawn."""
    note: str = ""
    """What differs from the request, in words; empty when nothing does."""

    def recipe_of(self, index: int) -> Recipe:
        """Returns the recipe of image `index`: seeds count up from the first one and wrap around."""
        if index == 0:
            return self.recipe
        return self.recipe.model_copy(update={"seed": (self.recipe.seed + index) % (MAX_SEED + 1)})

    def index_of(self, seed: int) -> int:
        """Returns which image has this seed; see `recipe_of`."""
        return (seed - self.recipe.seed) % (MAX_SEED + 1)

    def part(self, index: int, num_images: int) -> Job:
        """Returns the job of some of the images, from `index` on."""
        return self.model_copy(update={"recipe": self.recipe_of(index), "num_images": num_images})
