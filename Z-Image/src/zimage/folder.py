"""A model folder in the published layout: `transformer/`, `text_encoder/`, `tokenizer/`, `vae/` and `scheduler/`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from zimage.autoencoder import AutoencoderKL
from zimage.config import SchedulerConfig, TransformerConfig, VaeConfig
from zimage.errors import ConfigError, WeightsError
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.text_encoder import PromptEncoder, load_text_model, load_tokenizer
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.loader import load_weights

PIPELINES = ("ZImagePipeline", "ZImageOmniPipeline")
Model = TypeVar("Model", bound=nn.Module)

PARTS = ("transformer", "text_encoder", "tokenizer", "vae", "scheduler")


@dataclass(frozen=True)
class Parts:
    """Everything that a pipeline needs."""

    transformer: ZImageTransformer2DModel
    vae: AutoencoderKL
    text_encoder: PromptEncoder
    scheduler: FlowMatchEulerDiscreteScheduler


def load_parts(path: Path, *, dtype: torch.dtype, device: torch.device) -> Parts:
    """Loads every part of a folder; nothing is downloaded, and no code that comes with it is run.

    Raises:
        ConfigError: a configuration is missing, not understood, or of another kind of model.
        WeightsError: files are missing, damaged, or do not fit; the message names them.
    """
    _check_index(path)
    scheduler = SchedulerConfig.from_file(path / "scheduler" / "scheduler_config.json")
    tokenizer = load_tokenizer(path / "tokenizer")
    text_model = load_text_model(path / "text_encoder", dtype=dtype, device=device)
    return Parts(
        transformer=load_transformer(path / "transformer", dtype=dtype, device=device),
        vae=load_vae(path / "vae", dtype=dtype, device=device),
        text_encoder=PromptEncoder(text_model, tokenizer),
        scheduler=FlowMatchEulerDiscreteScheduler(**scheduler.to_dict()),
    )


def load_transformer(folder: Path, *, dtype: torch.dtype, device: torch.device) -> ZImageTransformer2DModel:
    """Loads `transformer/`; raises as `load_parts` does."""
    config = TransformerConfig.from_file(folder / "config.json")
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**config.to_dict())
    return _filled(model, folder, dtype, device)


def load_vae(folder: Path, *, dtype: torch.dtype, device: torch.device) -> AutoencoderKL:
    """Loads `vae/`, in the memory layout that its convolutions are fastest in; raises as `load_parts` does."""
    config = VaeConfig.from_file(folder / "config.json")
    with torch.device("meta"):
        model = AutoencoderKL(**config.to_dict())
    filled = _filled(model, folder, dtype, device)
    filled.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # an overload that torch does not declare
    return filled


def _filled(model: Model, folder: Path, dtype: torch.dtype, device: torch.device) -> Model:
    load_weights(model, folder, dtype=dtype, device=device)
    return model.eval().requires_grad_(requires_grad=False)


def _check_index(path: Path) -> None:
    index = _read_index(path / "model_index.json")
    kind = index.get("_class_name")
    if kind not in PIPELINES:
        raise ConfigError(f"{path} is a {kind!r}, not one of {', '.join(PIPELINES)}")
    missing = [part for part in PARTS if not (path / part).is_dir()]
    if missing:
        raise WeightsError(f"{path} lacks {', '.join(missing)}")


def _read_index(file: Path) -> dict[str, Any]:
    try:
        index = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    if not isinstance(index, dict):
        raise ConfigError(f"{file} must hold a JSON object")
    return index
