"""Attention kernels: those of PyTorch, and FlashAttention where installed.

A kernel is used only after its result on the device has matched the plain formula. Kernels without mask support never
get a mask: ragged batches go to `attend`.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from zimage.errors import ZImageError

Attend = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""(query, key, value, mask) → mixed values; all (B, S, heads, head_dim), the mask (B, S) or None."""

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor]
"""An `Attend` without a mask."""

AUTO = "auto"
_PROBE_LENGTH = 1024
_PROBE_ROUNDS = 5
_TOLERANCE = 0.02  # of the largest value: bf16 kernels add up in another order; a wrong kernel is off by far more
_CLEARLY = 1.1  # a kernel must be so much faster to be preferred


class AttentionUnavailable(ZImageError, RuntimeError):
    """The kernel is unknown, not installed, or fails on the device."""


@dataclass(frozen=True)
class AttentionChoice:
    """A working kernel.

    Attributes:
        name: one of `KERNELS`.
        attend: function for `set_attention`.
        milliseconds: duration of one probe call by tried kernel; None for a failed one.
    """

    name: str
    attend: Attend
    milliseconds: dict[str, float | None]


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention by PyTorch's own choice of kernel; works everywhere, with or without mask."""
    keep = None if mask is None else mask[:, None, None, :]
    query, key, value = (tensor.transpose(1, 2) for tensor in (query, key, value))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=keep).transpose(1, 2)


def choose_attention(
    requested: str,
    device: torch.device,
    dtype: torch.dtype,
    *,
    n_heads: int,
    head_dim: int,
) -> AttentionChoice:
    """Returns the fastest working kernel, or the requested one once tested.

    Among kernels of similar speed the first in `KERNELS` wins. A restart thus keeps the kernel, and with it the last
    bits of an image.

    Args:
        requested: `auto`, or one of `KERNELS`.
        device: device of the model.
        dtype: compute dtype.
        n_heads: number of heads.
        head_dim: width of a head.

    Raises:
        AttentionUnavailable: the requested kernel does not work here.
    """
    if requested not in (AUTO, *KERNELS):
        raise AttentionUnavailable(f"unknown attention {requested!r}; known are {', '.join((AUTO, *KERNELS))}")
    if requested == AUTO and device.type in ("cpu", "mps"):
        return AttentionChoice("sdpa", attend, {})  # there is no other kernel worth trying
    candidates = tuple(KERNELS) if requested == AUTO else (requested,)
    sample = _sample(device, dtype, n_heads, head_dim)
    milliseconds: dict[str, float | None] = {}
    working: dict[str, tuple[float, Attend]] = {}
    reason = ""
    for name in candidates:
        try:
            function = build_attend(name)
            took = _probe(function, sample)
        except Exception as error:  # noqa: BLE001 — foreign kernels raise what they like
            milliseconds[name], reason = None, f"{type(error).__name__}: {error}"
            continue
        milliseconds[name] = took
        working[name] = (took, function)
    if not working:
        raise AttentionUnavailable(f"attention {requested!r} does not work on {device} in {dtype}: {reason}")
    fastest = min(took for took, _ in working.values())
    name = next(name for name, (took, _) in working.items() if took <= _CLEARLY * fastest)
    return AttentionChoice(name, working[name][1], milliseconds)


def build_attend(name: str) -> Attend:
    """Returns the function of one of `KERNELS`.

    Raises:
        ImportError: its library is not installed.
    """
    kernel = KERNELS[name]()
    if kernel is None:
        return attend

    def attend_unmasked(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        return kernel(query, key, value) if mask is None else attend(query, key, value, mask)

    return attend_unmasked


def _sample(device: torch.device, dtype: torch.dtype, n_heads: int, head_dim: int) -> Sequence[Tensor]:
    generator = torch.Generator("cpu").manual_seed(0)
    shape = (1, _PROBE_LENGTH, n_heads, head_dim)
    return [torch.randn(shape, generator=generator).to(device, dtype) for _ in range(3)]


def _probe(function: Attend, sample: Sequence[Tensor]) -> float:
    """Checks a kernel against the formula, and returns the milliseconds of its quickest call."""
    query, key, value = sample
    took_s: list[float] = []
    with torch.no_grad():
        expected = _formula(query, key, value)
        error = (function(query, key, value, None).float() - expected).abs().max() / expected.abs().max()
        if not error.item() <= _TOLERANCE:  # also when it is NaN
            raise ValueError(f"the result is off by {error.item():.3g} of its largest value")
        for _ in range(_PROBE_ROUNDS):
            _synchronize(query.device)
            started = time.perf_counter()
            function(query, key, value, None)
            _synchronize(query.device)
            took_s.append(time.perf_counter() - started)
    return 1000 * min(took_s)


def _formula(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key, value = (tensor.float().transpose(1, 2) for tensor in (query, key, value))
    weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(-1)
    mixed: Tensor = (weights @ value).transpose(1, 2)
    return mixed


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _of_pytorch(backend: SDPBackend) -> Callable[[], Kernel]:
    def build() -> Kernel:
        def kernel(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            with sdpa_kernel(backend):
                return attend(query, key, value)

        return kernel

    return build


def _of_library(module_name: str) -> Callable[[], Kernel]:
    def build() -> Kernel:
        function: Any = importlib.import_module(module_name).flash_attn_func

        def kernel(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            result = function(query, key, value)
            mixed: Tensor = result[0] if isinstance(result, tuple) else result  # some versions add the log-sums
            return mixed

        return kernel

    return build


KERNELS: dict[str, Callable[[], Kernel | None]] = {
    "sdpa": lambda: None,
    "cudnn": _of_pytorch(SDPBackend.CUDNN_ATTENTION),
    "flash": _of_pytorch(SDPBackend.FLASH_ATTENTION),
    "efficient": _of_pytorch(SDPBackend.EFFICIENT_ATTENTION),
    "math": _of_pytorch(SDPBackend.MATH),
    "flash2": _of_library("flash_attn"),
    "flash3": _of_library("flash_attn_interface"),
}
