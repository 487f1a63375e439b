"""Control images that need a model: an image → its depth, or its people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from PIL import Image

from zimage.annotators.depth import DepthModel
from zimage.annotators.folders import AnnotatorFiles
from zimage.annotators.pose import PoseModel
from zimage.conditions.images import WHITE, to_rgb
from zimage.errors import ConfigError

OPTIONS: Mapping[str, Mapping[str, float]] = {"depth": {}, "pose": {"min_score": 0.3, "min_person": 0.5}}
"""By kind, with their defaults: scores from which on a keypoint is drawn, and a box is a person's."""


def annotate(
    image: Image.Image, files: AnnotatorFiles, device: str | torch.device = "cpu", **options: float
) -> Image.Image:
    """Makes a control image: RGB, as large as the given one. The model is loaded for it, and let go.

    Args:
        image: of any mode and size.
        files: folders of what sees it.
        device: that it runs on.
        options: of the kind; see `OPTIONS`.

    Raises:
        ConfigError: an option is unknown or out of range.
        ConditionError: the image cannot be used, or shows nobody.
        WeightsError: a file is missing or damaged.
        NotFiniteError: the model gave NaN.
    """
    return open_annotator(files, device, **options)(to_rgb(image, WHITE))


def open_annotator(
    files: AnnotatorFiles, device: str | torch.device = "cpu", **options: float
) -> Callable[[Image.Image], Image.Image]:
    """Loads a model; returns what makes control images of RGB images. See `annotate`."""
    chosen = check_options(files, options)
    if files.kind == "depth":
        return DepthModel.load(files.model, device).annotate
    pose = PoseModel.load(files.model, files.detector, device)
    return partial(pose.annotate, min_score=chosen["min_score"], min_person=chosen["min_person"])


def check_options(files: AnnotatorFiles, options: Mapping[str, float]) -> dict[str, float]:
    """Returns the options of a kind with the defaults for what is left out.

    Raises:
        ConfigError: one is unknown or out of range, or needs a detector.
    """
    defaults = OPTIONS[files.kind]
    if unknown := sorted(options.keys() - defaults.keys()):
        raise ConfigError(f"{files.kind} takes {', '.join(defaults) or 'no options'}, got {', '.join(unknown)}")
    for name, value in options.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"{files.kind} needs a {name} from 0 to 1, got {value:g}")
    if "min_person" in options and files.detector is None:
        raise ConfigError("min_person is for a detector of people, and there is none: leave it out")
    return {**defaults, **options}
