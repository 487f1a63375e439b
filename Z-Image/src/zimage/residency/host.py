"""Main memory for weights: page-locked where a card copies from it, since only that goes on beside its work.

torch's own page-locked memory is rounded up to powers of two, which for blocks of this family is nearly half as much
again. Here each tensor has pages of its own, and CUDA is told of them.
"""

from __future__ import annotations

import logging
import mmap
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

PORTABLE = 1  # cudaHostRegisterPortable: for all cards, not only the current one


class Locker(Protocol):
    """Locks pages into the main memory, so that a device can read them itself."""

    def lock(self, address: int, size_bytes: int) -> bool:
        """Locks; tells whether it could."""

    def unlock(self, address: int) -> None:
        """Undoes `lock`."""


class CudaLocker:
    """Locks pages for CUDA."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def lock(self, address: int, size_bytes: int) -> bool:
        """Locks; a refusal, for lack of memory or of rights, leaves no error behind."""
        if int(_runtime().cudaHostRegister(address, size_bytes, PORTABLE)) == 0:
            return True
        try:
            torch.zeros(1, device=self._device).add_(1).item()  # the next kernel would report the refusal as its own
        except RuntimeError:
            logger.debug("the refusal to lock memory is taken back")
        return False

    def unlock(self, address: int) -> None:
        """Unlocks, once nothing copies from there any more."""
        torch.cuda.synchronize(self._device)
        _runtime().cudaHostUnregister(address)


def _runtime() -> Any:
    return torch.cuda.cudart()  # type: ignore[no-untyped-call]


class HostMemory:
    """Holds weights in the main memory."""

    def __init__(self, locker: Locker | None = None) -> None:
        """Takes what locks pages; None for memory as it is."""
        self._locker = locker

    @classmethod
    def of(cls, device: torch.device) -> HostMemory:
        """Returns memory that suits a device."""
        return cls(CudaLocker(device) if device.type == "cuda" else None)

    def keep(self, tensor: Tensor) -> Tensor:
        """Copies a tensor, of any device; a dense one keeps its strides."""
        if not tensor.numel():
            return tensor.cpu()
        pages = _Pages(-1, tensor.nbytes)
        flat = torch.frombuffer(pages, dtype=torch.uint8)
        kept = as_laid_out(flat, tensor)
        kept.copy_(tensor)
        self._lock(pages, flat.data_ptr())
        return kept

    def _lock(self, pages: _Pages, address: int) -> None:
        locker = self._locker
        if locker is None:
            return
        if locker.lock(address, len(pages)):
            pages.unlock = lambda: locker.unlock(address)
        else:
            logger.warning("no more memory can be page-locked: weights are copied to the card more slowly")
            self._locker = None


def as_laid_out(flat: Tensor, like: Tensor) -> Tensor:
    """Returns bytes (n,) as a tensor of the dtype, shape and, if it is dense, the strides of another."""
    strides = torch.empty_like(like, device="meta").stride()
    return flat[: like.nbytes].view(like.dtype).as_strided(like.shape, strides)


class _Pages(mmap.mmap):
    """Anonymous pages that are unlocked before they are given back."""

    unlock: Callable[[], None] | None = None

    def __del__(self) -> None:
        if self.unlock is not None:
            self.unlock()
