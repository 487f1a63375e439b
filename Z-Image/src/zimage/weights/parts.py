"""The parts of a model in files of their own, or all in one.

ComfyUI keeps them in `diffusion_models/`, `text_encoders/`, `vae/` and `checkpoints/`. Such files bring no
configurations: those are inferred from shapes, and what shapes do not show is as published.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from zimage.config import SchedulerConfig, TextEncoderConfig, TransformerConfig, VaeConfig
from zimage.errors import ConfigError, PartError, WeightsError
from zimage.precision import activation_dtype
from zimage.quant.linear import Quantization
from zimage.residency.levels import WHOLE, Residency
from zimage.scheduler import FlowMatchEulerDiscreteScheduler
from zimage.text.encoder import PromptEncoder, build_text_model
from zimage.text.tokenizer import PromptTokenizer
from zimage.transformer import ZImageTransformer2DModel
from zimage.weights.building import Parts, build_transformer, build_vae
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.identify import (
    Part,
    identify_part,
    infer_text_encoder_config,
    infer_transformer_config,
    infer_vae_config,
)
from zimage.weights.names.foreign import name_foreign
from zimage.weights.names.single_file import to_published
from zimage.weights.quantized import AnyTensor

# Of checkpoints with all parts. The first one that any name has counts; a file of one part has none of them.
PREFIXES = {
    Part.TRANSFORMER: ("model.diffusion_model.",),
    Part.TEXT_ENCODER: ("text_encoders.qwen3_4b.transformer.", "text_encoders.qwen3_4b.", "text_encoders."),
    Part.VAE: ("vae.", "first_stage_model."),
}


C = TypeVar("C", TransformerConfig, TextEncoderConfig, VaeConfig)


@dataclass(frozen=True)
class PartFile:
    """One part in a file: its tensors by published names."""

    path: Path
    tensors: Mapping[str, AnyTensor]


@dataclass(frozen=True)
class ModelFiles:
    """The parts of a model and their configurations.

    Attributes:
        transformer: S3-DiT, with `transformer_config`; the others likewise.
    """

    transformer: PartFile
    text_encoder: PartFile
    vae: PartFile
    transformer_config: TransformerConfig
    text_encoder_config: TextEncoderConfig
    vae_config: VaeConfig


def open_part(path: Path, part: Part) -> PartFile:
    """Opens a file, or a folder as of a published part, and takes one part out of it. Only headers are read.

    Raises:
        PartError: the file is missing or damaged, or the part is not in it; the message says what it is instead.
    """
    try:
        tensors = open_checkpoint(path)
        own = to_published(_of_part(tensors, part))
        if identify_part(own) is not part:
            raise WeightsError(f"{path} holds no {part.value}: {_what(tensors)}")
    except WeightsError as error:
        raise PartError(part.name.lower(), error) from error
    return PartFile(path, own)


def find_parts(path: Path) -> dict[Part, PartFile]:
    """Returns the parts of a pipeline that a file holds, or a folder as of a published part. Only headers are read.

    Raises:
        WeightsError: the file is missing or damaged, or holds none; the message says what it is instead.
    """
    tensors = open_checkpoint(path)
    own = {part: to_published(_of_part(tensors, part)) for part in PREFIXES}
    found = {part: PartFile(path, own[part]) for part in PREFIXES if identify_part(own[part]) is part}
    if not found:
        raise WeightsError(f"{path} holds no part of a model of the family: {_what(tensors)}")
    if Part.TRANSFORMER in found and (foreign := name_foreign(own[Part.TRANSFORMER])):
        raise WeightsError(f"{path} holds no transformer of the family: it is {foreign}")
    return found


def open_model(transformer: Path, text_encoder: Path, vae: Path) -> ModelFiles:
    """Opens the three parts with weights, which may be one file, and infers their configurations.

    A folder as of a published part has its own configuration, which counts.

    Raises:
        PartError: a part is missing, damaged, or does not fit the others.
    """
    dit = open_part(transformer, Part.TRANSFORMER)
    text = open_part(text_encoder, Part.TEXT_ENCODER)
    autoencoder = open_part(vae, Part.VAE)
    try:
        transformer_config, text_config = transformer_config_of(dit), text_encoder_config_of(text)
        if transformer_config.cap_feat_dim != text_config.hidden_size:
            raise ConfigError(
                f"{text_encoder} is {text_config.hidden_size} wide, and the transformer reads "
                f"{transformer_config.cap_feat_dim}"
            )
        vae_config = vae_config_of(autoencoder)
    except (ConfigError, WeightsError) as error:
        raise PartError("the configuration", error) from error
    return ModelFiles(dit, text, autoencoder, transformer_config, text_config, vae_config)


def transformer_config_of(file: PartFile) -> TransformerConfig:
    """Reads the configuration beside a transformer, or infers it from the shapes.

    Raises:
        ConfigError: it is invalid, or none of the family.
        WeightsError: a tensor is missing that would show a value.
    """
    return _config_of(file, TransformerConfig, infer_transformer_config)


def text_encoder_config_of(file: PartFile) -> TextEncoderConfig:
    """Reads or infers the configuration of a text encoder; see `transformer_config_of`."""
    return _config_of(file, TextEncoderConfig, infer_text_encoder_config)


def vae_config_of(file: PartFile) -> VaeConfig:
    """Reads or infers the configuration of an autoencoder; see `transformer_config_of`."""
    return _config_of(file, VaeConfig, infer_vae_config)


def require_fit(transformer: PartFile, text_width: int, latent_channels: int) -> None:
    """Checks that a transformer reads what a text encoder says, and draws what an autoencoder decodes.

    Raises:
        PartError: it does not.
    """
    try:
        config = transformer_config_of(transformer)
    except (ConfigError, WeightsError) as error:
        raise PartError("the configuration", error) from error
    if (config.cap_feat_dim, config.in_channels) != (text_width, latent_channels):
        raise PartError(
            "transformer",
            f"{transformer.path} reads {config.cap_feat_dim} values a token and draws {config.in_channels} channels, "
            f"the other parts have {text_width} and {latent_channels}",
        )


def load_transformer(
    file: PartFile,
    *,
    dtype: torch.dtype,
    device: torch.device,
    compute_dtype: torch.dtype | None = None,
    quantization: Quantization | None = None,
    residency: Residency = WHOLE,
) -> ZImageTransformer2DModel:
    """Loads a transformer; see `load_files`.

    Raises:
        PartError: its file is damaged or does not fit; the message names it.
    """
    with _errors_of("transformer"):
        transformer = build_transformer(
            transformer_config_of(file),
            file.path,
            file.tensors,
            dtype=dtype,
            device=device,
            quantization=quantization,
            residency=residency,
        )
        transformer.set_compute_dtype(compute_dtype)
    return transformer


def load_files(
    files: ModelFiles,
    tokenizer: PromptTokenizer,
    scheduler: SchedulerConfig,
    *,
    dtype: torch.dtype,
    device: torch.device,
    compute_dtype: torch.dtype | None = None,
    quantization: Quantization | None = None,
    residency: Residency = WHOLE,
) -> Parts:
    """Loads the parts of a model that come in files without configurations.

    Args:
        files: result of `open_model`.
        tokenizer: of the text encoder.
        scheduler: noise schedule of the member of the family.
        dtype: dtype of the weights.
        device: device of the weights.
        compute_dtype: dtype to compute in; default: `dtype`.
        quantization: what the matrices of transformer and text encoder are held in; None for `dtype`.
        residency: what stays on the device; the rest is loaded into the main memory at once.

    Raises:
        PartError: a file is damaged or does not fit; the message names it.
    """
    text, dit, vae = files.text_encoder, files.transformer, files.vae
    if tokenizer.n_tokens > files.text_encoder_config.vocab_size:
        raise PartError(
            "text_encoder",
            f"{text.path} knows {files.text_encoder_config.vocab_size} tokens, the tokenizer has {tokenizer.n_tokens}",
        )
    with _errors_of("text_encoder"):
        text_model = build_text_model(
            files.text_encoder_config,
            text.path,
            text.tensors,
            dtype=dtype,
            device=device,
            compute_dtype=compute_dtype,
            quantization=quantization,
            residency=residency,
        )
    transformer = load_transformer(
        dit,
        dtype=dtype,
        device=device,
        compute_dtype=compute_dtype,
        quantization=quantization,
        residency=residency,
    )
    with _errors_of("vae"):
        autoencoder = build_vae(
            files.vae_config,
            vae.path,
            vae.tensors,
            dtype=activation_dtype(compute_dtype or dtype),
            device=device,
            residency=residency,
        )
    schedule = FlowMatchEulerDiscreteScheduler(**scheduler.to_dict())
    return Parts(transformer, autoencoder, PromptEncoder(text_model, tokenizer), schedule)


@contextlib.contextmanager
def _errors_of(part: str) -> Iterator[None]:
    try:
        yield
    except WeightsError as error:
        raise PartError(part, error) from error


def _config_of(file: PartFile, kind: type[C], infer: Callable[[Mapping[str, AnyTensor]], C]) -> C:
    config = file.path / "config.json"
    return kind.from_file(config) if config.is_file() else infer(file.tensors)


def _of_part(tensors: Mapping[str, AnyTensor], part: Part) -> Mapping[str, AnyTensor]:
    """Returns the tensors of a part of a checkpoint with all parts; all tensors of a file of one part."""
    prefixes = [prefix for of_part in PREFIXES.values() for prefix in of_part]
    if not any(name.startswith(prefix) for name in tensors for prefix in prefixes):
        return tensors
    for prefix in PREFIXES[part]:
        own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if own:
            return own
    return {}


def _what(tensors: Mapping[str, AnyTensor]) -> str:
    foreign = name_foreign(tensors)
    if foreign is not None:
        return f"it is {foreign}"
    found = [part for part in PREFIXES if identify_part(_of_part(tensors, part)) is part]
    return f"it is a {found[0].value}" if found else "its tensors are of no known kind"
