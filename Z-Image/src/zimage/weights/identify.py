"""Identification of checkpoints from tensor names and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from zimage.config import TextEncoderConfig, TransformerConfig, VaeConfig
from zimage.errors import WeightsError
from zimage.weights.names.foreign import name_foreign
from zimage.weights.names.single_file import to_published
from zimage.weights.quantized import AnyTensor

TURBO_SHIFT, BASE_SHIFT = 3.0, 6.0


class Part(StrEnum):
    """The parts of a pipeline that have weights."""

    TRANSFORMER = "transformer"
    VAE = "vae"
    TEXT_ENCODER = "text encoder"
    UNKNOWN = "of no known kind"


_MARKS = {
    Part.TRANSFORMER: re.compile(r"all_x_embedder\.\d+-\d+\.weight"),
    Part.VAE: re.compile(r"decoder\.mid_block\.resnets\.0\.conv1\.weight"),
    Part.TEXT_ENCODER: re.compile(r"(model\.)?layers\.0\.self_attn\.q_proj\.weight"),
}


def identify_part(tensors: Mapping[str, AnyTensor]) -> Part:
    """Identifies the part of a pipeline by tensor names, in either key layout."""
    names = to_published(tensors)
    found = (part for part, mark in _MARKS.items() if any(mark.fullmatch(name) for name in names))
    return next(found, Part.UNKNOWN)


def infer_transformer_config(tensors: Mapping[str, AnyTensor]) -> TransformerConfig:
    """Infers the configuration of a transformer from its shapes.

    What shapes do not show (frequencies, scales, epsilons, table lengths) is that of the published models; the axes
    share a head as they do there, a quarter and twice three eighths.

    Args:
        tensors: in either key layout.

    Raises:
        WeightsError: a tensor is missing that would show a value; the message names it.
    """
    published = to_published(tensors)
    patches = sorted(match.groups() for name in published if (match := _X_EMBEDDER.fullmatch(name)))
    if foreign := name_foreign(tensors):
        raise WeightsError(f"no transformer of the family: this is {foreign}")
    if not patches:
        raise WeightsError("no transformer of the family: there is no all_x_embedder.*.weight")
    patch, frames = (tuple(int(pair[i]) for pair in patches) for i in (0, 1))
    dim, token_width = _shape(published, f"all_x_embedder.{patch[0]}-{frames[0]}.weight", 2)
    (head_dim,) = _shape(published, "layers.0.attention.norm_q.weight", 1)
    (cap_feat_dim,) = _shape(published, "cap_embedder.0.weight", 1)
    siglip = "siglip_embedder.0.weight"
    return TransformerConfig(
        all_patch_size=patch,
        all_f_patch_size=frames,
        in_channels=token_width // (frames[0] * patch[0] ** 2),
        dim=dim,
        n_layers=_count(published, "layers"),
        n_refiner_layers=_count(published, "noise_refiner"),
        n_heads=dim // head_dim,
        n_kv_heads=dim // head_dim,
        cap_feat_dim=cap_feat_dim,
        siglip_feat_dim=_shape(published, siglip, 1)[0] if siglip in published else None,
        axes_dims=(head_dim // 4, head_dim * 3 // 8, head_dim * 3 // 8),
    )


def infer_text_encoder_config(tensors: Mapping[str, AnyTensor]) -> TextEncoderConfig:
    """Infers the configuration of a text encoder from its shapes; frequencies and epsilon are those of Qwen3.

    Args:
        tensors: by published names, with or without the prefix of a language model.

    Raises:
        WeightsError: a tensor is missing that would show a value; the message names it.
        ConfigError: the shapes are none of the family.
    """
    own = {name.removeprefix("model."): tensor for name, tensor in tensors.items()}
    vocab_size, hidden_size = _shape(own, "embed_tokens.weight", 2)
    (head_dim,) = _shape(own, "layers.0.self_attn.q_norm.weight", 1)
    return TextEncoderConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        intermediate_size=_shape(own, "layers.0.mlp.gate_proj.weight", 2)[0],
        num_hidden_layers=_count(own, "layers"),
        num_attention_heads=_shape(own, "layers.0.self_attn.q_proj.weight", 2)[0] // head_dim,
        num_key_value_heads=_shape(own, "layers.0.self_attn.k_proj.weight", 2)[0] // head_dim,
        head_dim=head_dim,
    )


def infer_vae_config(tensors: Mapping[str, AnyTensor]) -> VaeConfig:
    """Infers the configuration of an autoencoder from its shapes.

    The scaling of latents is that of the published model.

    Args:
        tensors: in either key layout.

    Raises:
        WeightsError: a tensor is missing that would show a value; the message names it.
        ConfigError: the shapes are none of the family.
    """
    published = to_published(tensors)
    first = "encoder.down_blocks.{}.resnets.0.conv1.weight"
    levels = _count(published, "encoder.down_blocks")
    return VaeConfig(
        in_channels=_shape(published, "encoder.conv_in.weight", 4)[1],
        out_channels=_shape(published, "decoder.conv_out.weight", 4)[0],
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=tuple(_shape(published, first.format(level), 4)[0] for level in range(levels)),
        layers_per_block=_count(published, "encoder.down_blocks.0.resnets"),
        latent_channels=_shape(published, "decoder.conv_in.weight", 4)[1],
        use_quant_conv="quant_conv.weight" in published,
        use_post_quant_conv="post_quant_conv.weight" in published,
        mid_block_add_attention="encoder.mid_block.attentions.0.to_q.weight" in published,
    )


def name_member(config: TransformerConfig, shift: float | None = None) -> str:
    """Returns the name of the member of the family.

    Args:
        config: configuration of the transformer.
        shift: shift of the scheduler beside it, which alone distinguishes Turbo from the base model.
    """
    if config.siglip_feat_dim is not None:
        return "Z-Image-Omni-Base or Z-Image-Edit"
    own = (config.dim, config.n_layers, config.n_refiner_layers)
    if own != (TransformerConfig.dim, TransformerConfig.n_layers, TransformerConfig.n_refiner_layers):
        return f"a small model of the Z-Image family ({config.dim} wide, {config.n_layers} layers)"
    names = {TURBO_SHIFT: "Z-Image-Turbo", BASE_SHIFT: "Z-Image"}
    return names.get(shift or 0.0, "Z-Image-Turbo or Z-Image, whose tensors have the same shapes")


_X_EMBEDDER = re.compile(r"all_x_embedder\.(\d+)-(\d+)\.weight")


def _shape(tensors: Mapping[str, AnyTensor], name: str, n_axes: int) -> tuple[int, ...]:
    if name not in tensors:
        raise WeightsError(f"the configuration cannot be read off the shapes: {name} is missing")
    shape = tensors[name].shape
    if len(shape) != n_axes or 0 in shape:
        raise WeightsError(f"the configuration cannot be read off the shapes: {name} has the shape {shape}")
    return shape


def _count(tensors: Mapping[str, AnyTensor], stack: str) -> int:
    numbers = {int(match[1]) for name in tensors if (match := re.match(rf"{re.escape(stack)}\.(\d+)\.", name))}
    if numbers != set(range(len(numbers))):
        raise WeightsError(f"layers are missing: {stack} has only the numbers {sorted(numbers)}")
    return len(numbers)
