"""A training adapter: a LoRA that acts while another one is trained, and is not in the result.

Turbo is distilled to eight steps. What is trained on it directly undoes that first; an adapter that has undone it
already leaves the new one nothing to undo.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zimage.adapters.lora import ActiveLora, Lora
from zimage.adapters.lora_stack import LoraStack
from zimage.transformer import ZImageTransformer2DModel


class Assistant:
    """A LoRA of any dialect beside the transformer, at full strength; nothing without a path."""

    def __init__(self, transformer: ZImageTransformer2DModel, path: Path | None) -> None:
        """Loads it, and lets it act.

        Raises:
            LoraError: the file is missing, damaged, or of another model.
        """
        self._stack = LoraStack(transformer, transformer.device, transformer.activation_dtype)
        if path is not None:
            self._stack.set([ActiveLora(Lora.load(path, transformer, transformer.config))])

    @contextmanager
    def off(self) -> Iterator[None]:
        """Takes it away for a while, as it is at inference."""
        self._stack.pause()
        try:
            yield
        finally:
            self._stack.rest()


def stamp_of(path: Path | None) -> str | None:
    """Returns name and size of the file, which a resumed training must find again."""
    return None if path is None or not path.is_file() else f"{path.name} of {path.stat().st_size} bytes"
