"""What the program itself takes of the main memory, learned from what it held around each image."""

from __future__ import annotations

import threading
from dataclasses import dataclass

RISE = 1.01
"""Least peak in multiples of what was held before that tells anything: memory that was freed is used again unseen."""


@dataclass(frozen=True)
class MemorySeen:
    """Bytes that a device held around an image: a card those of tensors, elsewhere those of the process.

    Attributes:
        before: when it began.
        peak: the most meanwhile.
        after: when it had ended.
    """

    before: int
    peak: int
    after: int


class ProgramMemory:
    """Main memory of the program without weights. Safe for several threads.

    What it holds when a model was loaded is less than what it needs: kernels and tables come with the first image.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unloaded = 0
        self._warm = 0

    @property
    def base_bytes(self) -> int:
        """Bytes as far as is known; 0 before anything was loaded."""
        with self._lock:
            return self._warm or self._unloaded

    def learn_load(self, held: int) -> None:
        """Takes in what was held before a model was loaded."""
        with self._lock:
            self._unloaded = min(self._unloaded or held, held)

    def learn_image(self, weights: int, seen: MemorySeen) -> int | None:
        """Takes in what was held around an image.

        Args:
            weights: bytes of the model's.
            seen: of the process.

        Returns:
            Bytes of the image's activations; None where the image has raised nothing.
        """
        with self._lock:
            warm = max(seen.after - weights, self._unloaded, 1)
            self._warm = min(self._warm or warm, warm)
            return max(0, seen.peak - weights - self._warm) if seen.peak > seen.before * RISE else None
