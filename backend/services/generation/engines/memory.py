"""A lack of memory as an error that people understand, and memory given back."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

from backend.services.errors import OutOfMemory
from backend.services.generation.engines.faults import is_lack_of_memory

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


def free_memory() -> None:
    """Gives unused memory back to the device."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def first_line(error: Exception) -> str:
    """Returns what fits into a sentence of an error whose text may be long, or empty."""
    return (str(error).splitlines() or [type(error).__name__])[0]
