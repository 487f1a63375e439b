"""One edit, from the image that comes in to the one that goes out; what is between is drawn by somebody else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from zimage.conditions.images import to_mask, to_rgb
from zimage.conditions.masks import bounds, feather_mask
from zimage.conditions.outpaint import Margins, default_overlap, extend_image, extend_mask
from zimage.conditions.window import Window, whole_window, window_around
from zimage.errors import ConditionError

PADDING_PX = 32
"""Around a mask that is drawn alone, so that the model sees where it is."""


@dataclass(frozen=True)
class Edit:
    """What is to be drawn, and where it goes.

    Attributes:
        canvas: the image, margins included, in RGB.
        strengths: share of the strength for each pixel of the canvas, in 8-bit grey; None for all of it.
        share: how much of the new image each pixel of the canvas gets, in 8-bit grey; None for all of it.
        window: what is drawn of the canvas.
    """

    canvas: Image.Image
    strengths: Image.Image | None
    share: Image.Image | None
    window: Window

    @property
    def image(self) -> Image.Image:
        """What the drawing begins from, at the drawn size."""
        return self.window.cut(self.canvas)

    @property
    def mask(self) -> Image.Image | None:
        """Share of the strength for each drawn pixel; None for all of it."""
        return None if self.strengths is None else self.window.cut_mask(self.strengths)

    def finish(self, drawn: Image.Image, *, match_colours: bool = False) -> Image.Image:
        """Puts what was drawn into the canvas; where the share is 0 each byte stays.

        Args:
            drawn: RGB image of the drawn size.
            match_colours: whether to take out what the autoencoder does to the colours.
        """
        part, box = self.window.back(drawn, self.canvas.size)
        whole = self.canvas.copy()
        if self.share is None:
            whole.paste(part, box)
            return whole
        share = self.share.crop(box)
        if match_colours:
            part = _match_colours(part, self.canvas.crop(box), share)
        whole.paste(part, box, share)
        return whole


def prepare_edit(
    image: Image.Image,
    drawn_size: tuple[int, int],
    *,
    multiple: int,
    mask: Image.Image | None = None,
    only_masked: bool = False,
    feather_px: int | None = None,
    margins: Margins | None = None,
    padding_px: int = PADDING_PX,
) -> Edit:
    """Plans an edit.

    Args:
        image: of any mode and size.
        drawn_size: width and height that are drawn.
        multiple: divisor of drawn sides.
        mask: white is repainted, grey less so; of the image's shape. None for all of it.
        only_masked: draw what the mask covers, and what is around it, at the drawn size.
        feather_px: how far the new image fades out around the mask; default: 0, with margins `default_overlap`.
        margins: canvas to add. They are repainted, and the old image as far as the feather reaches.
        padding_px: around the mask when it is drawn alone.

    Raises:
        ConditionError: image or mask cannot be used, or the mask is missing or black.
    """
    canvas = to_rgb(image)
    wanted = None if mask is None else to_mask(mask, canvas.size)
    if margins is not None:
        feather_px = default_overlap(canvas.size) if feather_px is None else feather_px
        wanted = extend_mask(wanted, canvas.size, margins)
        canvas = extend_image(canvas, margins)
    if wanted is None:
        if only_masked:
            raise ConditionError("to draw only what is masked, a mask is needed")
        return Edit(canvas, None, None, whole_window(canvas.size, drawn_size, multiple))
    box = bounds(wanted)
    strengths, share = feather_mask(wanted, feather_px or 0)
    if not only_masked:
        return Edit(canvas, strengths, share, whole_window(canvas.size, drawn_size, multiple))
    faded = max(0, feather_px or 0)
    return Edit(canvas, strengths, share, window_around(box, canvas.size, drawn_size, padding_px + faded))


def _match_colours(new: Image.Image, old: Image.Image, share: Image.Image) -> Image.Image:
    """Shifts each channel by what it is off where nothing was to change."""
    kept = np.asarray(share) == 0
    if not kept.any():
        return new
    off = np.asarray(old)[kept].mean(0) - np.asarray(new)[kept].mean(0)
    return Image.fromarray(np.rint(np.asarray(new) + off).clip(0, 255).astype(np.uint8))
