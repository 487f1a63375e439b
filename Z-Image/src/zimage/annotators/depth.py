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

NEAREST = 0.01
"""Of the farthest distance: what is nearer counts as that near, so that a speck does not darken all else."""
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
        seen = usable(image)
        inputs = self.processor(images=[seen], return_tensors="pt")
        pixels = inputs["pixel_values"].to(self.model.device, torch.float32)
        predicted = self.model(pixel_values=pixels).predicted_depth.float().cpu()
        is_padded = self.model.config.model_type == "zoedepth" and bool(getattr(self.processor, "do_pad", False))
        if is_padded:
            predicted = without_padding(predicted[0], (seen.height, seen.width))[None]
        return enlarge(predicted[0], (image.height, image.width))

    def annotate(self, image: Image.Image) -> Image.Image:
        """Returns the depth of an RGB image as a control image of its size.

        Raises:
            NotFiniteError: the model gave NaN.
        """
        return to_grey(nearness(self.estimate(image)) if self.metric else self.estimate(image))


def enlarge(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Brings a map (h, w) to a height and width, bicubic as transformers does."""
    return F.interpolate(values[None, None], size=size, mode="bicubic", align_corners=False)[0, 0]


def without_padding(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Cuts off what ZoeDepth's processor has put around an image of a height and width: 3·√(side / 2) pixels a side."""
    top, left = (int(math.sqrt(side / 2) * 3) for side in size)
    padded = enlarge(values, (size[0] + 2 * top, size[1] + 2 * left))
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
