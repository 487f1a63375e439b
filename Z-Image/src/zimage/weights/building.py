"""Models built from tensors by published names: first without memory, then filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from zimage.adapters.siglip import SiglipEncoder
from zimage.autoencoder import AutoencoderKL
from zimage.config import TransformerConfig, VaeConfig
from zimage.quant.linear import Quantization
from zimage.residency.host_part import HostPart, host_part_of_transformer, host_part_of_vae
from zimage.residency.levels import WHOLE, Residency
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.text.encoder import PromptEncoder
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.loader import load_tensors
from zimage.weights.quantized import AnyTensor


@dataclass(frozen=True)
class Parts:
    """Loaded parts of a pipeline."""

    transformer: ZImageTransformer2DModel
    vae: AutoencoderKL
    text_encoder: PromptEncoder
    scheduler: FlowMatchEulerDiscreteScheduler
    siglip: SiglipEncoder | None = None
    """Sees reference images; of the Omni variant alone."""


def build_transformer(
    config: TransformerConfig,
    source: Path,
    tensors: Mapping[str, AnyTensor],
    *,
    dtype: torch.dtype,
    device: torch.device,
    quantization: Quantization | None = None,
    residency: Residency = WHOLE,
) -> ZImageTransformer2DModel:
    """Builds the transformer and fills it with tensors by published names; see `load_tensors` and `load_files`.

    Raises:
        WeightsError: tensors are damaged, or do not fit.
    """
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**config.to_dict())
    on_host = host_part_of_transformer(model, residency, device)
    _fill(model, source, tensors, dtype, device, quantization, on_host)
    model.set_stream(None if on_host is None else on_host.stream(model, device))
    return model


def build_vae(
    config: VaeConfig,
    source: Path,
    tensors: Mapping[str, AnyTensor],
    *,
    dtype: torch.dtype,
    device: torch.device,
    residency: Residency = WHOLE,
) -> AutoencoderKL:
    """Builds the autoencoder, channels last, and fills it with tensors by published names.

    Raises:
        WeightsError: tensors are damaged, or do not fit.
    """
    with torch.device("meta"):
        model = AutoencoderKL(**config.to_dict())
    on_host = host_part_of_vae(model, residency, device)
    _fill(model, source, tensors, dtype, device if on_host is None else torch.device("cpu"))
    if device.type != "mps":  # never measured there
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch does not declare it
    if on_host is not None:
        for name in on_host.names:
            on_host.keep(model, name)
        model.stream = on_host.stream(model, device)
    return model


def _fill(
    model: nn.Module,
    source: Path,
    tensors: Mapping[str, AnyTensor],
    dtype: torch.dtype,
    device: torch.device,
    quantization: Quantization | None = None,
    on_host: HostPart | None = None,
) -> None:
    load_tensors(model, source, tensors, dtype=dtype, device=device, quantization=quantization, on_host=on_host)
    model.eval().requires_grad_(requires_grad=False)
