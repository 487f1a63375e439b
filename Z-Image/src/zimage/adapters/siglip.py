"""SigLIP 2, which sees the reference images of the Omni variant (arXiv 2502.14786); run by transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from zimage.errors import WeightsError

MODEL, PROCESSOR = "siglip", "siglip_processor"
"""Folders of a published model."""


class SiglipEncoder:
    """A vision tower in the NaFlex form: images keep their shape, within a number of patches."""

    def __init__(self, model: Any, processor: Any, device: torch.device, *, stays: bool = True) -> None:
        """Joins transformers' model with its processor of images.

        Args:
            model: vision tower.
            processor: of images.
            device: that it runs on.
            stays: whether it stays there between images, or in the main memory.
        """
        self.model = model.to(device if stays else "cpu")
        self.processor = processor
        self._device = device
        self._stays = stays

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype, device: torch.device, *, stays: bool = True) -> SiglipEncoder:
        """Loads `siglip/` and `siglip_processor/` of a folder; nothing is downloaded.

        Raises:
            WeightsError: a file is missing or damaged.
        """
        from safetensors import SafetensorError
        from transformers import Siglip2VisionModel

        try:
            processor = _processor_class().from_pretrained(folder / PROCESSOR, local_files_only=True)
            model = Siglip2VisionModel.from_pretrained(folder / MODEL, dtype=dtype, local_files_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"{MODEL} cannot be loaded: {error}") from error
        return cls(model.eval(), processor, device, stays=stays)

    @property
    def width(self) -> int:
        """Width of the features."""
        return int(self.model.config.hidden_size)

    @torch.inference_mode()
    def encode(self, image: Image.Image) -> Tensor:
        """Returns the features (rows, columns, width) of an RGB image."""
        inputs = self.processor(images=[image], return_tensors="pt").to(self._device)
        rows, columns = inputs["spatial_shapes"][0].tolist()
        inputs["pixel_values"] = inputs["pixel_values"].to(self.model.dtype)
        try:
            hidden: Tensor = self.model.to(self._device)(**inputs).last_hidden_state[0, : rows * columns]
        finally:
            if not self._stays:
                self.model.to("cpu")
        return hidden.view(rows, columns, -1)


def _processor_class() -> Any:
    """Returns the processor that needs no torchvision; older versions of transformers have one alone."""
    import transformers

    found = getattr(transformers, "Siglip2ImageProcessorPil", None)
    return transformers.Siglip2ImageProcessor if found is None else found
