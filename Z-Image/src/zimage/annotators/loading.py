"""A model of transformers from a folder: without the network, without pickles, without code of others."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from zimage.annotators.folders import AnnotatorFolder
from zimage.errors import ConditionError, WeightsError

UNUSED = ("neck.fusion_stage.layers.0.residual_layer1.",)
"""Weights that DPT has and never uses: the first fusion has no residual. Some published files lack them."""
MIN_SIDE_PX = 64
MAX_ASPECT = 8


def load_model(folder: AnnotatorFolder, device: str | torch.device) -> Any:
    """Loads a model in float32.

    Raises:
        WeightsError: the folder cannot be used, or a weight is missing or damaged.
    """
    import transformers
    from safetensors import SafetensorError

    if folder.fault is not None:
        raise WeightsError(f"{folder.name} cannot be used: {folder.fault}")
    name = folder.architecture.model
    found = getattr(transformers, name, None)
    if found is None:
        raise WeightsError(f"{folder.name} is a {name}, which transformers {transformers.__version__} does not have")
    try:
        model, told = found.from_pretrained(
            folder.path, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False,
            output_loading_info=True,
        )  # fmt: skip
    except _FAULTS as error:
        raise _broken(folder, error) from error
    except SafetensorError as error:
        raise _broken(folder, error) from error
    missing = sorted(key for key in told["missing_keys"] if not key.startswith(UNUSED))
    if missing:
        raise WeightsError(f"{folder.name} lacks {len(missing)} weights, for example {missing[0]}")
    return model.to(device).eval()


def load_processor(folder: AnnotatorFolder) -> Any:
    """Loads what prepares images, in the form that needs no torchvision; older versions of transformers have one alone.

    Raises:
        WeightsError: its file is damaged, or transformers does not have it.
    """
    import transformers

    name = folder.architecture.processor
    found = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name, None)
    if found is None:
        raise WeightsError(f"{folder.name} needs a {name}, which transformers {transformers.__version__} does not have")
    try:
        return found.from_pretrained(folder.path, local_files_only=True)
    except _FAULTS as error:
        raise _broken(folder, error) from error


def usable(image: Image.Image, max_side: int | None = None) -> Image.Image:
    """Returns an image that is no smaller than models need, in its shape.

    Args:
        image: of any size.
        max_side: of what comes back, for a model that looks at images of any size; None where it resizes them itself.

    Raises:
        ConditionError: it is too narrow.
    """
    short, long = sorted(image.size)
    if long > MAX_ASPECT * short:
        raise ConditionError(
            f"depth and pose are seen in images up to {MAX_ASPECT} times as long as wide, got "
            f"{image.width}×{image.height}"
        )
    scale = max(1.0, MIN_SIDE_PX / short)
    if max_side is not None:
        scale = min(scale, max_side / long)
    if scale == 1:
        return image
    size = round(image.width * scale), round(image.height * scale)
    return image.resize(size, Image.Resampling.BICUBIC)


_FAULTS = (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, ImportError)
"""What transformers raises of files that it cannot use."""


def _broken(folder: AnnotatorFolder, error: Exception) -> WeightsError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(str(folder.path), folder.name)
    return WeightsError(f"{folder.name} cannot be loaded: {reason}")
