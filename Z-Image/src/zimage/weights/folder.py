"""A model folder in the published layout: `transformer/`, `text_encoder/`, `tokenizer/`, `vae/` and `scheduler/`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from zimage.adapters.siglip import MODEL, PROCESSOR, SiglipEncoder
from zimage.config import SchedulerConfig, TextEncoderConfig, TransformerConfig, VaeConfig
from zimage.config.base import read_object
from zimage.errors import ConfigError, PartError, WeightsError
from zimage.precision import activation_dtype
from zimage.quant.linear import Quantization
from zimage.residency.levels import WHOLE, Residency
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.text.encoder import PromptEncoder, load_text_model
from zimage.text.tokenizer import TOKENIZER_FILE, load_tokenizer
from zimage.weights.building import Parts, build_transformer, build_vae
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.names.single_file import to_published
from zimage.weights.quantized import AnyTensor

INDEX = "model_index.json"
PIPELINE = "ZImagePipeline"
OMNI_PIPELINE = "ZImageOmniPipeline"
PARTS = ("transformer", "text_encoder", "tokenizer", "vae", "scheduler")
PARTS_WITH_WEIGHTS = ("text_encoder", "transformer", "vae")
CLASSES = {  # of the tokenizer its own files decide
    "transformer": ("ZImageTransformer2DModel",),
    "text_encoder": ("Qwen3Model", "Qwen3ForCausalLM"),
    "vae": ("AutoencoderKL",),
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
}


@dataclass(frozen=True)
class FolderConfig:
    """Configurations of a model folder."""

    transformer: TransformerConfig
    vae: VaeConfig
    scheduler: SchedulerConfig
    is_omni: bool = False


def read_config(path: Path) -> FolderConfig:
    """Reads the configurations of a folder; no weights are opened.

    Raises:
        PartError: a part is missing, or its configuration is invalid or of another model.
    """
    with _part_errors(INDEX):
        index = read_object(path / INDEX)
        _require_class(INDEX, index.get("_class_name"), (PIPELINE, OMNI_PIPELINE))
    for part in PARTS:
        if not (path / part).is_dir():
            raise PartError(part, f"{path} lacks it")
    is_omni = index.get("_class_name") == OMNI_PIPELINE
    for part in (MODEL, PROCESSOR) if is_omni else ():
        if not (path / part).is_dir():
            raise PartError(part, f"{path} lacks it, and the Omni variant reads images with it")
    for part, classes in CLASSES.items():
        with _part_errors(part):
            _require_class(INDEX, _class_in_index(index, part), classes)
    with _part_errors("text_encoder"):
        text_encoder = TextEncoderConfig.from_file(path / "text_encoder" / "config.json")
    with _part_errors("tokenizer"):
        if not (path / "tokenizer" / TOKENIZER_FILE).is_file():
            raise ConfigError(f"{TOKENIZER_FILE} is missing")
    with _part_errors("scheduler"):
        scheduler = SchedulerConfig.from_file(_own_file(path, "scheduler", "scheduler_config.json"))
        FlowMatchEulerDiscreteScheduler(**scheduler.to_dict())
    with _part_errors("vae"):
        vae = VaeConfig.from_file(_own_file(path, "vae"))
    with _part_errors("transformer"):
        transformer = TransformerConfig.from_file(_own_file(path, "transformer"))
        if transformer.cap_feat_dim != (width := text_encoder.hidden_size):
            raise ConfigError(f"cap_feat_dim {transformer.cap_feat_dim} is not the text encoder's width {width}")
        if is_omni != (transformer.siglip_feat_dim is not None):
            raise ConfigError("the Omni variant, and it alone, has a siglip_feat_dim")
    return FolderConfig(transformer, vae, scheduler, is_omni)


def check_weight_files(path: Path) -> None:
    """Checks from headers that each part has exactly one complete checkpoint.

    Raises:
        PartError: files of a part are missing, damaged or ambiguous.
    """
    for part in PARTS_WITH_WEIGHTS:
        with _part_errors(part):
            open_checkpoint(path / part)


def load_parts(
    path: Path,
    config: FolderConfig,
    *,
    dtype: torch.dtype,
    device: torch.device,
    compute_dtype: torch.dtype | None = None,
    quantization: Quantization | None = None,
    residency: Residency = WHOLE,
) -> Parts:
    """Loads every part of a folder; downloads nothing and runs no remote code.

    Args:
        path: the folder.
        config: result of `read_config`.
        dtype: dtype of the weights.
        device: device of the weights.
        compute_dtype: dtype to compute in; default: `dtype`. See `zimage.precision`.
        quantization: what the matrices of transformer and text encoder are held in; None for `dtype`.
        residency: what stays on the device; the rest is loaded into the main memory at once.

    Raises:
        PartError: files of a part are missing, damaged, or do not fit; the message names them.
    """
    with _part_errors("tokenizer"):
        tokenizer = load_tokenizer(path / "tokenizer")
    with _part_errors("text_encoder"):
        text_model = load_text_model(
            path / "text_encoder",
            dtype=dtype,
            device=device,
            compute_dtype=compute_dtype,
            quantization=quantization,
            residency=residency,
        )
    with _part_errors("transformer"):
        dit = path / "transformer"
        transformer = build_transformer(
            config.transformer,
            dit,
            _published(dit),
            dtype=dtype,
            device=device,
            quantization=quantization,
            residency=residency,
        )
        transformer.set_compute_dtype(compute_dtype)
    with _part_errors("vae"):  # small: its weights are cast at once
        folder = path / "vae"
        vae = build_vae(
            config.vae,
            folder,
            _published(folder),
            dtype=activation_dtype(compute_dtype or dtype),
            device=device,
            residency=residency,
        )
    scheduler = FlowMatchEulerDiscreteScheduler(**config.scheduler.to_dict())
    siglip = _load_siglip(path, config, compute_dtype or dtype, device, residency) if config.is_omni else None
    return Parts(transformer, vae, PromptEncoder(text_model, tokenizer), scheduler, siglip)


def _load_siglip(
    path: Path, config: FolderConfig, dtype: torch.dtype, device: torch.device, residency: Residency
) -> SiglipEncoder:
    with _part_errors(MODEL):
        siglip = SiglipEncoder.load(path, dtype, device, stays=residency == WHOLE)
        if siglip.width != config.transformer.siglip_feat_dim:
            expected = config.transformer.siglip_feat_dim
            raise ConfigError(f"its width {siglip.width} is not the transformer's siglip_feat_dim {expected}")
    return siglip


def _published(folder: Path) -> dict[str, AnyTensor]:
    return to_published(open_checkpoint(folder))


def _own_file(path: Path, part: str, name: str = "config.json") -> Path:
    """Returns a part's configuration, once it is known to be of the right class; a file need not name it."""
    file = path / part / name
    if (kind := read_object(file).get("_class_name")) is not None:
        _require_class(str(file), kind, CLASSES[part])
    return file


def _class_in_index(index: dict[str, Any], part: str) -> object:
    """Returns the class that the index names: an entry is a pair of library and class."""
    entry = index.get(part)
    return entry[1] if isinstance(entry, list) and len(entry) == 2 else entry


def _require_class(where: str, kind: object, allowed: tuple[str, ...]) -> None:
    if kind not in allowed:
        raise ConfigError(f"{where}: a {kind!r} is not one of {', '.join(allowed)}")


@contextlib.contextmanager
def _part_errors(part: str) -> Iterator[None]:
    """Raises configuration, weight and file errors as `PartError`; out of memory passes."""
    try:
        yield
    except (ConfigError, WeightsError, OSError, ValueError) as error:
        raise PartError(part, error) from error
