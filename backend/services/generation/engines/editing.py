"""Images that begin from an image, the same way with every engine: all but the drawing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from backend.models.recipe import Outpaint, Recipe
from backend.services.errors import InputUnusable
from backend.services.generation.inputs import Inputs, refuse_contradictions

if TYPE_CHECKING:
    from torch import Tensor
    from zimage.conditions.window import Window


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


Finish = Callable[[Image.Image], Image.Image]
Cut = Callable[[Image.Image, bool], Image.Image]
"""Takes out of an image what is drawn of the canvas that it is laid on; told whether it is a finished control image."""


def whole(image: Image.Image, _is_finished: bool) -> Image.Image:
    """Takes all of an image: a `Cut`."""
    return image


@dataclass(frozen=True)
class Drawing:
    """One call of the model's whole schedule.

    Attributes:
        image: RGB, what it begins from, at the size that is drawn.
        noise: (1, C, h, w), float32, on the processor.
        mask: share of the strength, (1, 1, h, w) in 0…1; None for all of it.
        cut: cuts another image of the canvas, such as a control image, as this one was cut.
        forwards_before: of earlier drawings of the same image.
        finish: makes the result of what is drawn; None where that is a part of the result only.
    """

    image: Image.Image
    noise: Tensor
    mask: Tensor | None
    cut: Cut
    forwards_before: int = 0
    finish: Finish | None = None


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
    image = _decoded(inputs, recipe.init_image)
    mask = None if recipe.mask is None else _decoded(inputs, recipe.mask)
    work = _redraw_once if recipe.upscale is None else _redraw_in_tiles
    try:
        return work(recipe, image, mask, geometry, redraw)
    except ConditionError as error:
        raise InputUnusable(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def _decoded(inputs: Inputs, digest: str) -> Image.Image:
    image = inputs.image(digest)
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
        raise InputUnusable(f"The input image {digest[:12]}… cannot be decoded: {error}.") from error
    return image


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
    mask_of_latents = _latent_mask(edit.mask, geometry)
    cut = _cutter(edit.window, edit.canvas.size)
    if recipe.outpaint is not None:
        cut = _with_margins(cut, image.size, edit.canvas.size, recipe.outpaint)
    return edit.finish(redraw(Drawing(edit.image, noise, mask_of_latents, cut, finish=edit.finish)))


def _redraw_in_tiles(
    recipe: Recipe, image: Image.Image, mask: Image.Image | None, geometry: Geometry, redraw: Redraw
) -> Image.Image:
    from zimage.conditions.images import to_mask, to_rgb
    from zimage.conditions.upscale import Grid, Tile, redraw_in_tiles
    from zimage.conditions.window import Window

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
        cut = _cutter(Window(tile.box, tile.image.size), size)
        return redraw(Drawing(tile.image, part, _latent_mask(tile.mask, geometry), cut, before))

    whole_mask = None if mask is None else to_mask(to_mask(mask, upright.size), size)
    return redraw_in_tiles(upright, grid, redraw_tile, whole_mask)


def _cutter(window: Window, canvas_size: tuple[int, int]) -> Cut:
    """Returns what lays an image all over the canvas, cut where the shapes differ, and takes the window out of it."""
    from zimage.conditions.images import BLACK, WHITE, to_rgb

    def cut(other: Image.Image, is_finished: bool) -> Image.Image:
        upright = to_rgb(other, BLACK if is_finished else WHITE)
        fitted = (
            upright if upright.size == canvas_size else ImageOps.fit(upright, canvas_size, Image.Resampling.LANCZOS)
        )
        return window.cut(fitted)

    return cut


def _with_margins(cut: Cut, image_size: tuple[int, int], canvas_size: tuple[int, int], outpaint: Outpaint) -> Cut:
    """Returns a cut for which an image of the initial one's size lies where that lies."""
    from zimage.conditions.images import BLACK, to_rgb
    from zimage.conditions.outpaint import Margins, extend_image

    def cut_placed(other: Image.Image, is_finished: bool) -> Image.Image:
        if other.size != image_size:
            return cut(other, is_finished)
        if not is_finished:  # a border would be an edge to what looks for edges
            return cut(extend_image(to_rgb(other), Margins(**outpaint.model_dump())), False)
        grown = Image.new("RGB", canvas_size)
        grown.paste(to_rgb(other, BLACK), (outpaint.left, outpaint.top))
        return cut(grown, True)

    return cut_placed


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
