"""A lack of memory as an error that people understand, memory given back, and memory measured."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

from backend.services.errors import OutOfMemory
from backend.services.generation.engines.faults import is_lack_of_memory
from backend.services.generation.engines.process_memory import held_bytes, peak_bytes, reset_peak
from backend.services.generation.planning.program_memory import MemorySeen

T = TypeVar("T")


def translate_oom(work: Callable[[], T]) -> T:
    """Does the work; a lack of memory becomes `OutOfMemory`, after what the work held has been freed.

    Not a context manager: in one the first exception, and with it every tensor of its traceback, would live on.
    """
    try:
        return work()
    except Exception as error:
        if not is_lack_of_memory(error):
            raise
        message = "main memory is exhausted" if "DefaultCPUAllocator" in str(error) else first_line(error)
    free_memory()
    raise OutOfMemory(f"The picture does not fit into memory ({message}). Try a smaller size.")


class MemoryMeter:
    """Measures what a device holds: of a card what torch has given out, elsewhere what the process has."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._is_reset = False
        self._is_card = device.startswith("cuda") and _has_card()

    def held(self) -> int | None:
        """Returns the bytes that are held now; None where nobody tells."""
        if not self._is_card:
            return held_bytes()
        import torch

        return torch.cuda.memory_allocated(self._device)

    def reset(self) -> int | None:
        """Lets the peak begin anew; returns what is held."""
        if not self._is_card:
            self._is_reset = reset_peak()
            return self.held()
        import torch

        torch.cuda.reset_peak_memory_stats(self._device)
        return self.held()

    def seen(self, before: int | None) -> MemorySeen | None:
        """Returns what was held since the last reset, which gave `before`; None where nobody tells."""
        peak, after = self.peak(), self.held()
        return None if before is None or peak is None or after is None else MemorySeen(before, peak, after)

    def peak(self) -> int | None:
        """Returns the most bytes that were held since the last reset; None where nobody tells."""
        if not self._is_card:
            return peak_bytes() if self._is_reset else None
        import torch

        return torch.cuda.max_memory_allocated(self._device)


def _has_card() -> bool:
    import torch

    return torch.cuda.is_available()


def free_memory() -> None:
    """Gives unused memory back to the device."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def first_line(error: Exception) -> str:
    """Returns what fits into a sentence of an error whose text may be long, or empty."""
    return (str(error).splitlines() or [type(error).__name__])[0]
