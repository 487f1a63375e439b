"""Images that begin from an image, the same way with every engine: all but the drawing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.errors import InputUnusable
from backend.services.generation.inputs import Inputs, refuse_contradictions

if TYPE_CHECKING:
    from torch import Tensor
    from zimage.conditions.masks import Box


@dataclass(frozen=True)
class Geometry:
    """How a model sees an image.

    Attributes:
        multiple: divisor of drawn sides, in pixels.
        cell: pixels along the side of a latent.
        channels: of the latents.
    """

    multiple: int
    cell: int
    channels: int


Cut = Callable[[Image.Image], Image.Image]
"""Takes out of an image that lies on the whole canvas what is drawn of it."""


def whole(image: Image.Image) -> Image.Image:
    """Takes all of an image: a `Cut`."""
    return image


@dataclass(frozen=True)
class Drawing:
    """One call of the model's whole schedule.

    Attributes:
        image: RGB, what it begins from, at the size that is drawn.
        noise: (1, C, h, w), float32, on the processor.
        mask: share of the strength, (1, 1, h, w) in 0…1; None for all of it.
        forwards_before: of earlier drawings of the same image.
        box: of the whole canvas, in pixels, where it is a tile of one.
        cut: of another image, for what guides the drawing.
    """

    image: Image.Image
    noise: Tensor
    mask: Tensor | None
    forwards_before: int = 0
    box: Box | None = None
    cut: Cut = whole


Redraw = Callable[[Drawing], Image.Image]


def edit_image(recipe: Recipe, inputs: Inputs, geometry: Geometry, redraw: Redraw) -> Image.Image:
    """Draws the image of a recipe that begins from one.

    Args:
        recipe: what to draw; it has an `init_image`.
        inputs: the images that it names.
        geometry: of the model.
        redraw: draws over an image; called once, or once a tile.

    Raises:
        InputUnusable: an image is not here, cannot be used, or does not go with the rest.
    """
    from zimage.errors import ConditionError

    refuse_contradictions(recipe)
    if recipe.init_image is None:
        raise RuntimeError("edit_image() is for recipes with an image to begin from")
    image = inputs.image(recipe.init_image)
    mask = None if recipe.mask is None else inputs.image(recipe.mask)
    work = _redraw_once if recipe.upscale is None else _redraw_in_tiles
    try:
        return work(recipe, image, mask, geometry, redraw)
    except ConditionError as error:
        raise InputUnusable(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def _redraw_once(
    recipe: Recipe, image: Image.Image, mask: Image.Image | None, geometry: Geometry, redraw: Redraw
) -> Image.Image:
    from zimage.conditions.edit import prepare_edit
    from zimage.conditions.outpaint import Margins

    edit = prepare_edit(
        image,
        (recipe.width, recipe.height),
        multiple=geometry.multiple,
        mask=mask,
        only_masked=recipe.mask_mode == "only_masked",
        feather_px=recipe.feather,
        margins=None if recipe.outpaint is None else Margins(**recipe.outpaint.model_dump()),
    )
    noise = _noise((recipe.width, recipe.height), recipe, geometry)

    def cut(other: Image.Image) -> Image.Image:
        return edit.window.cut(_on_canvas(other, image.size, edit.canvas.size, recipe))

    return edit.finish(redraw(Drawing(edit.image, noise, _latent_mask(edit.mask, geometry), cut=cut)))


def _on_canvas(other: Image.Image, size: tuple[int, int], canvas: tuple[int, int], recipe: Recipe) -> Image.Image:
    """Lays an image on a canvas: one of the initial image's size at its place, another all over it."""
    from zimage.conditions.images import to_rgb

    if recipe.outpaint is None or other.size != size:
        return to_rgb(other).resize(canvas, Image.Resampling.LANCZOS) if other.size != canvas else to_rgb(other)
    grown = Image.new("RGB", canvas)
    grown.paste(to_rgb(other), (recipe.outpaint.left, recipe.outpaint.top))
    return grown


def _redraw_in_tiles(
    recipe: Recipe, image: Image.Image, mask: Image.Image | None, geometry: Geometry, redraw: Redraw
) -> Image.Image:
    from zimage.conditions.images import to_mask, to_rgb
    from zimage.conditions.upscale import Grid, Tile, redraw_in_tiles

    if recipe.upscale is None:
        raise RuntimeError("only what is enlarged is drawn in tiles")
    upright = to_rgb(image)
    size = (recipe.upscale.width, recipe.upscale.height)
    grid = Grid(size, (recipe.width, recipe.height), recipe.tile_overlap, geometry.multiple)
    noise = _noise(grid.canvas_size, recipe, geometry)

    def redraw_tile(tile: Tile) -> Image.Image:
        left, top, right, bottom = (pixels // geometry.cell for pixels in tile.box)
        before = tile.index * recipe.forwards // tile.count
        part = noise[..., top:bottom, left:right]

        def cut(other: Image.Image) -> Image.Image:
            return to_rgb(other).resize(grid.canvas_size, Image.Resampling.LANCZOS).crop(tile.box)

        return redraw(Drawing(tile.image, part, _latent_mask(tile.mask, geometry), before, tile.box, cut))

    whole_mask = None if mask is None else to_mask(to_mask(mask, upright.size), size)
    return redraw_in_tiles(upright, grid, redraw_tile, whole_mask)


def _noise(size: tuple[int, int], recipe: Recipe, geometry: Geometry) -> Tensor:
    """Draws noise as text to image does: the same on every device."""
    import torch
    from zimage.utils.helpers import draw_noise

    shape = (1, geometry.channels, size[1] // geometry.cell, size[0] // geometry.cell)
    return draw_noise(shape, torch.Generator("cpu").manual_seed(recipe.seed), torch.device("cpu"))


def _latent_mask(mask: Image.Image | None, geometry: Geometry) -> Tensor | None:
    from zimage.conditions.masks import to_unit_mask
    from zimage.conditions.source import mask_to_latents

    return None if mask is None else mask_to_latents(to_unit_mask(mask), geometry.cell)
