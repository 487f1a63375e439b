"""What a pipeline gives: images, and the events of their steps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zimage.errors import NotFiniteError
from zimage.sampling import Step

logger = logging.getLogger(__name__)

OutputType = Literal["pil", "np", "pt", "latent"]
Images = list[Image.Image] | np.ndarray[Any, np.dtype[np.float32]] | Tensor


@dataclass(frozen=True)
class PipelineOutput:
    """Generated images.

    Attributes:
        images: PIL images, an array (B, H, W, 3) or tensor (B, 3, H, W) in 0…1, or latents.
    """

    images: Images


@dataclass(frozen=True)
class StepEvent:
    """A finished denoising step, with its preview."""

    step: Step
    draw: Callable[[Tensor], list[Image.Image]]

    @property
    def done(self) -> int:
        """Number of finished forwards."""
        return self.step.done

    @property
    def total(self) -> int:
        """Number of forwards in total."""
        return self.step.total

    def preview(self) -> list[Image.Image]:
        """Decodes small previews of the estimated images.

        Returns no image when memory runs out or the estimate is not finite; the generation goes on.
        """
        try:
            return self.draw(self.step.estimate)
        except (NotFiniteError, torch.OutOfMemoryError) as error:
            logger.warning("there is no preview of step %d: %s", self.done, error)
            return []
