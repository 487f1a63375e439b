"""Where and how a model computes: what is not asked for follows from the environment and the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypedDict

import torch

from zimage.config import TransformerConfig
from zimage.precision import choose_compute_dtype
from zimage.quant.linear import Quantization
from zimage.residency.levels import WHOLE, Residency
from zimage.utils.attention import AUTO, AttentionChoice, choose_attention

ATTENTION_VARIABLE = "ZIMAGE_ATTENTION"
COMPUTE_DTYPE_VARIABLE = "ZIMAGE_PRODUCTS"
BFLOAT16_CAPABILITY = (8, 0)  # Ampere; Turing and Volta emulate bfloat16, and have float16


class PlacementOptions(TypedDict):
    """Keyword arguments of loaders."""

    dtype: torch.dtype
    device: torch.device
    compute_dtype: torch.dtype
    quantization: Quantization | None
    residency: Residency


@dataclass(frozen=True)
class Placement:
    """Device and dtypes of a model, and its attention kernel.

    Attributes:
        dtype: of the weights.
        compute_dtype: what is computed in, see `zimage.precision`.
        quantization: what matrices are held in and how they are multiplied; None for plain ones in `dtype`.
        residency: what stays on the device.
    """

    device: torch.device
    dtype: torch.dtype
    compute_dtype: torch.dtype
    attention: AttentionChoice
    quantization: Quantization | None = None
    residency: Residency = WHOLE

    @classmethod
    def choose(
        cls,
        config: TransformerConfig,
        device: str | torch.device | None,
        dtype: torch.dtype | None,
        attention: str | None,
        compute_dtype: str | None,
        quantization: str | None = None,
        residency: Residency | None = None,
    ) -> Placement:
        """Fills in what is None; loads nothing.

        Raises:
            ConfigError: `compute_dtype` or `quantization` is unknown.
            AttentionUnavailable: the requested kernel does not work here.
        """
        device = torch.device(device or default_device())
        dtype = dtype or default_dtype(device)
        computed = choose_compute_dtype(dtype, device, compute_dtype or os.environ.get(COMPUTE_DTYPE_VARIABLE) or AUTO)
        requested = attention or os.environ.get(ATTENTION_VARIABLE) or AUTO
        choice = choose_attention(requested, device, computed, n_heads=config.n_heads, head_dim=config.head_dim)
        held = None if quantization is None else Quantization.choose(quantization, device, computed)
        return cls(device, dtype, computed, choice, held, residency or WHOLE)

    def for_loading(self) -> PlacementOptions:
        """Returns what loaders are told."""
        return {
            "dtype": self.dtype,
            "device": self.device,
            "compute_dtype": self.compute_dtype,
            "quantization": self.quantization,
            "residency": self.residency,
        }


def default_device() -> str:
    """Returns the best device present: `cuda`, `mps` or `cpu`."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def default_dtype(device: torch.device) -> torch.dtype:
    """Returns the dtype of weights: float32 on a CPU, float16 on a CUDA card before Ampere, else bfloat16."""
    if device.type == "cpu":
        return torch.float32
    is_old = device.type == "cuda" and torch.cuda.get_device_capability(device) < BFLOAT16_CAPABILITY
    return torch.float16 if is_old else torch.bfloat16
