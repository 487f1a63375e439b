"""Depth of an image by a model of transformers, as the grey that ControlNets know: near is bright."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from zimage.annotators.folders import CONFIG, AnnotatorFolder, is_metric, read_json
from zimage.annotators.loading import load_model, load_processor, usable
from zimage.errors import NotFiniteError

Margins = tuple[int, int]

NEAREST = 0.01
"""Of the farthest distance: what is nearer counts as that near, so that a speck does not darken all else."""
MAX_SIDE_PX = 1024
"""Of what is shown to a model whose processor leaves images as large as they are."""
EVEN = 1e-6
"""Of the values: what differs by less is rounding, and no depth."""


class DepthModel:
    """Estimates how near each pixel is."""

    def __init__(self, model: Any, processor: Any, *, metric: bool) -> None:
        """Joins transformers' model with its processor of images.

        Args:
            model: gives `predicted_depth`.
            processor: of images.
            metric: whether that is a distance, and not what grows towards the camera.
        """
        self.model = model
        self.processor = processor
        self.metric = metric

    @classmethod
    def load(cls, folder: AnnotatorFolder, device: str | torch.device = "cpu") -> DepthModel:
        """Loads a folder.

        Raises:
            WeightsError: a file is missing or damaged.
        """
        processor = load_processor(folder)
        return cls(load_model(folder, device), processor, metric=is_metric(read_json(folder.path / CONFIG)))

    @torch.inference_mode()
    def estimate(self, image: Image.Image) -> Tensor:
        """Returns what the model says of an RGB image, (height, width) of the image, float32 on the processor."""
        takes_any = self.model.config.model_type == "glpn" or not getattr(self.processor, "do_resize", True)
        seen = usable(image, MAX_SIDE_PX if takes_any else None)
        inputs = self.processor(images=[seen], return_tensors="pt")
        pixels = inputs["pixel_values"].to(self.model.device, torch.float32)
        predicted = self.model(pixel_values=pixels).predicted_depth.float().cpu()
        padding = self._padding((seen.height, seen.width), takes_any=takes_any)
        return enlarge(without(predicted[0], padding, (seen.height, seen.width)), (image.height, image.width))

    def _padding(self, size: tuple[int, int], *, takes_any: bool) -> tuple[Margins, Margins] | None:
        """Returns what the processor puts around an image of a height and width: above and below, left and right."""
        if not getattr(self.processor, "do_pad", False):
            return None
        if self.model.config.model_type == "zoedepth":
            reach = [int(math.sqrt(side / 2) * 3) for side in size]
            return (reach[0], reach[0]), (reach[1], reach[1])
        divisor = getattr(self.processor, "size_divisor", None)
        if not (divisor and takes_any):
            return None
        missing = [-side % int(divisor) for side in size]
        return (missing[0] // 2, missing[0] - missing[0] // 2), (missing[1] // 2, missing[1] - missing[1] // 2)

    def annotate(self, image: Image.Image) -> Image.Image:
        """Returns the depth of an RGB image as a control image of its size.

        Raises:
            NotFiniteError: the model gave NaN.
        """
        return to_grey(nearness(self.estimate(image)) if self.metric else self.estimate(image))


def enlarge(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Brings a map (h, w) to a height and width, bicubic as transformers does."""
    return F.interpolate(values[None, None], size=size, mode="bicubic", align_corners=False)[0, 0]


def without(values: Tensor, padding: tuple[Margins, Margins] | None, size: tuple[int, int]) -> Tensor:
    """Cuts off of a map (h, w) what a processor has put around an image of a height and width."""
    if padding is None:
        return values
    (top, bottom), (left, right) = padding
    padded = enlarge(values, (size[0] + top + bottom, size[1] + left + right))
    return padded[top : top + size[0], left : left + size[1]]


def nearness(distance: Tensor) -> Tensor:
    """Turns distances into inverse depth, which relative models give."""
    farthest = float(distance.max())
    if not math.isfinite(farthest):
        raise NotFiniteError("the depth model gave NaN or infinity")
    return 1.0 / distance.clamp(min=NEAREST * farthest) if farthest > 0 else torch.zeros_like(distance)


def to_grey(near: Tensor) -> Image.Image:
    """Spreads a map (h, w) over all greys, in RGB: the largest is white, the smallest black, an even one is black.

    Raises:
        NotFiniteError: there is NaN in it.
    """
    low, high = float(near.min()), float(near.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise NotFiniteError("the depth model gave NaN or infinity")
    span = high - low
    unit = (near - low) / span if span > EVEN * max(abs(low), abs(high)) else torch.zeros_like(near)
    return Image.fromarray((unit * 255).round().to(torch.uint8).numpy()).convert("RGB")
