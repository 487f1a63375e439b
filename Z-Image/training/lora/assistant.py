"""A training adapter: a LoRA that acts while another one is trained, and is not in the result.

Turbo is distilled to eight steps. What is trained on it directly undoes that first; an adapter that has undone it
already leaves the new one nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zimage.transformer import ZImageTransformer2DModel

from training.lora.errors import TrainingError


class Assistant:
    """A LoRA beside the transformer; none without a path."""

    def __init__(self, transformer: ZImageTransformer2DModel, path: Path | None) -> None:
        if path is not None:
            raise TrainingError("--assistant is not there yet")

    @contextmanager
    def off(self) -> Iterator[None]:
        """Lets the base draw alone for a while."""
        yield
