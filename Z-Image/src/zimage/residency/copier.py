"""Copies from the main memory to a device, beside what the device computes where it can do both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


class Copier(Protocol):
    """Copies weights to a device."""

    def copy(self, sources: Sequence[Tensor], targets: Sequence[Tensor]) -> object:
        """Begins to copy, once all that was queued for the device so far is done; returns what `wait` takes."""

    def wait(self, copied: object) -> None:
        """Lets what is queued from now on come after a copy."""

    def finish(self) -> None:
        """Lets what is queued from now on come after all copies, so that their targets may be freed."""


class DirectCopier:
    """Copies at once: for devices without streams."""

    def copy(self, sources: Sequence[Tensor], targets: Sequence[Tensor]) -> object:
        """Copies."""
        for source, target in zip(sources, targets, strict=True):
            target.copy_(source)
        return None

    def wait(self, copied: object) -> None:
        """Does nothing."""

    def finish(self) -> None:
        """Does nothing."""


class CudaCopier:
    """Copies on a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def copy(self, sources: Sequence[Tensor], targets: Sequence[Tensor]) -> object:
        """Begins to copy; from memory that is not page-locked it returns when the copy is done."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            for source, target in zip(sources, targets, strict=True):
                target.copy_(source, non_blocking=True)
        return self._stream.record_event()

    def wait(self, copied: object) -> None:
        """Lets the current stream wait for a copy."""
        if isinstance(copied, torch.cuda.Event):
            torch.cuda.current_stream(self._device).wait_event(copied)

    def finish(self) -> None:
        """Lets the current stream wait for all copies."""
        torch.cuda.current_stream(self._device).wait_stream(self._stream)


def choose_copier(device: torch.device) -> Copier:
    """Returns what copies to a device best."""
    return CudaCopier(device) if device.type == "cuda" else DirectCopier()
