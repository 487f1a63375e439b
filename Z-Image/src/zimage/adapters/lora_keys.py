"""Keys of LoRA files: which module of the transformer one means, and which part of a change it is.

A key is `prefix + module + part`. Trainers write the module in the published or in the packed layout, with dots or
with underscores, below prefixes that come in any combination. So known prefixes are stripped, and the rest, dots as
underscores, is looked up among the real modules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from zimage.config import TransformerConfig
from zimage.layers import TIME_FREQUENCIES, TIME_HIDDEN, modulation_dim
from zimage.sequence import Patch
from zimage.weights.names.single_file import HEADS, PACKED, RENAMED, SPLIT


class Role(StrEnum):
    """What a tensor of a file is for its module; formulas are in `lora_kinds.py`."""

    DOWN = "lora_down"
    UP = "lora_up"
    UP_BIAS = "lora_up.bias"
    W1 = "lokr_w1"
    W1_A = "lokr_w1_a"
    W1_B = "lokr_w1_b"
    W2 = "lokr_w2"
    W2_A = "lokr_w2_a"
    W2_B = "lokr_w2_b"
    HADA_1A = "hada_w1_a"
    HADA_1B = "hada_w1_b"
    HADA_2A = "hada_w2_a"
    HADA_2B = "hada_w2_b"
    DIFF = "diff"
    DIFF_BIAS = "diff_b"
    ALPHA = "alpha"
    MAGNITUDE = "dora_scale"


@dataclass(frozen=True)
class Target:
    """A tensor of the transformer that a LoRA may change.

    Attributes:
        module: published name of the module; empty for the transformer itself.
        shape: (out_features, in_features) of a matrix, (width,) of anything else.
        parameter: name of the tensor in the module.
    """

    module: str
    shape: tuple[int, ...]
    parameter: str = "weight"

    @property
    def is_matrix(self) -> bool:
        """Whether it is the matrix of a linear layer."""
        return len(self.shape) == 2

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.module or self.parameter


Table = Mapping[str, tuple[Target, ...]]
"""Modules by flat name; one that packs q, k and v has three, whose rows follow each other."""

PREFIXES = (
    "base_model_", "model_", "diffusion_model_", "transformer_", "pipe_", "dit_", "unet_", "lora_", "lora_unet_",
    "lora_transformer_", "lycoris_",
)  # fmt: skip
_ADAPTER = r"(\.(?!weight$|bias$)[^.]+)?"  # PEFT's name of the adapter, `default` as a rule
_PARTS = (
    (rf"\.(lora_A|lora_down|lora\.down|lora_linear_layer\.down){_ADAPTER}(\.weight)?", Role.DOWN),
    (rf"\.(lora_B|lora_up|lora\.up|lora_linear_layer\.up){_ADAPTER}(\.weight)?", Role.UP),
    (rf"\.(lora_B|lora_up){_ADAPTER}\.bias", Role.UP_BIAS),
    (r"\.(alpha|lora_alpha)", Role.ALPHA),
    (rf"\.(dora_scale|lora_magnitude_vector{_ADAPTER}(\.weight)?)", Role.MAGNITUDE),
    (r"\.(diff|w_norm)", Role.DIFF),
    (r"\.(diff_b|b_norm)", Role.DIFF_BIAS),
    *((rf"\.{role.value}", role) for role in Role if role.value.startswith(("lokr_", "hada_"))),
)
_ROLES = tuple((re.compile(pattern + "$"), role) for pattern, role in _PARTS)
_OTHER_KINDS = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"\.(oft_blocks|oft_diag|oft_[rR])(\.|$)", "OFT"),
        (r"\.boft_", "BOFT"),
        (r"\.([ab][12]\.weight|glora_\w+)$", "GLoRA"),
        (r"\.(ia3_\w+|on_input)(\.|$)", "IA3"),
        (r"\.vera_lambda_", "VeRA"),
        (r"\.lora_embedding_[AB]", "LoRA of an embedding"),
        (r"\.(hada_t[12]|lokr_t[12]|lora_mid)(\.|$)", "Tucker factors of a convolution"),
        (r"\.(set_weight|reshape_weight)$", "whole weights in place of the model's"),
        (r"\.fourierft_", "FourierFT"),
        (r"\.hra_u", "HRA"),
        (r"\.bias_(indices|values|size)$", "sparse biases"),
    )
)
_ENCODER = re.compile(
    r"^(base_model\.model\.)?(text_encoders?[._0-9]|lora_te\d*_|lora_text_encoder|te\d?\.|conditioner\.|text_model\.)"
    r"|lora_qwen3|self_attn[._][qkvo]_proj|mlp[._](gate|up|down)_proj"
)
_FAMILIES = (
    (r"double_blocks|single_blocks", "Flux, Hunyuan or Chroma"),
    (r"down_blocks|up_blocks|input_blocks|lora_te[12]_|mid_block", "Stable Diffusion 1 or XL"),
    (r"single_transformer_blocks", "Flux"),
    (r"joint_blocks", "Stable Diffusion 3"),
    (r"transformer_blocks", "Qwen-Image, Stable Diffusion 3 or LTX"),
    (r"double_stream_blocks", "HiDream"),
    (r"blocks[._]\d+[._](cross_attn|self_attn)", "Wan"),
    (r"layers[._]\d+[._]attention", "Lumina or Z-Image of another size"),
)


def flat(name: str) -> str:
    """Returns a name as it is looked up: one word, whatever separates its parts."""
    return name.replace(".", "_").replace("-", "_")


@lru_cache(maxsize=8)  # a listing of a thousand files asks for one a thousand times
def module_table(config: TransformerConfig) -> Table:
    """Returns the modules of a transformer by all names that files have for them."""
    table: dict[str, tuple[Target, ...]] = {}
    for target in _targets(config):
        for name in {target.name, *_aliases(target.name)}:
            table[flat(name)] = (target,)
    first = SPLIT[0].rstrip(".")
    for target in [entry[0] for entry in table.values() if entry[0].module.endswith(first)]:
        stem = target.module.removesuffix(first)
        packed = tuple(Target(stem + part.rstrip("."), target.shape) for part in SPLIT)
        table[flat(stem + PACKED.rstrip("."))] = packed
    return table


def find_module(path: str, table: Table) -> str | None:
    """Returns the name in the table of a module as a file names it; None where there is none."""
    name = flat(path)
    while name not in table:
        prefix = max((prefix for prefix in PREFIXES if name.startswith(prefix)), key=len, default=None)
        if prefix is None:
            return None
        name = name.removeprefix(prefix)
    return name


def split_key(key: str) -> tuple[str, Role] | None:
    """Splits a key into the module's path and the part; None where it is no part that is read."""
    for pattern, role in _ROLES:
        match = pattern.search(key)
        if match is not None and match.start():
            return key[: match.start()], role
    return None


def is_native(name: str, table: Table) -> bool:
    """Whether a name of the table is the published one of its module."""
    targets = table[name]
    return len(targets) == 1 and flat(targets[0].name) == name


def is_encoder(key: str) -> bool:
    """Whether a key belongs to a text encoder."""
    return _ENCODER.search(key) is not None


def name_other_kind(key: str) -> str | None:
    """Names the kind of adapter that a key shows, where it is one that is not read."""
    return next((kind for pattern, kind in _OTHER_KINDS if pattern.search(key)), None)


def guess_family(keys: Iterable[str]) -> str | None:
    """Guesses the family of models that keys are for; None where nothing shows it."""
    keys = list(keys)
    return next((family for mark, family in _FAMILIES if any(re.search(mark, key) for key in keys)), None)


def _aliases(module: str) -> Iterator[str]:
    """Yields the other names of a module, as single files and their trainers have them."""
    for published, own in ((f".{new.strip('.')}", f".{old.strip('.')}") for old, new in RENAMED):
        if module.endswith(published):
            yield module.removesuffix(published) + own
    if module.endswith(".to_out.0"):
        yield module.removesuffix(".0")
    for own, published in HEADS:
        if f"{module}.".startswith(published):
            yield (own + f"{module}.".removeprefix(published)).rstrip(".")


def _targets(config: TransformerConfig) -> Iterator[Target]:
    dim, width = config.dim, modulation_dim(config.dim)
    for side, frames in zip(config.all_patch_size, config.all_f_patch_size, strict=True):
        key, values = Patch(side, frames).key, config.in_channels * frames * side**2
        yield Target(f"all_x_embedder.{key}", (dim, values))
        yield Target(f"all_final_layer.{key}.linear", (values, dim))
        yield Target(f"all_final_layer.{key}.adaLN_modulation.1", (dim, width))
    yield Target("t_embedder.mlp.0", (TIME_HIDDEN, TIME_FREQUENCIES))
    yield Target("t_embedder.mlp.2", (width, TIME_HIDDEN))
    stacks = [("noise_refiner", config.n_refiner_layers, True), ("context_refiner", config.n_refiner_layers, False)]
    stacks.append(("layers", config.n_layers, True))
    features = [("cap", config.cap_feat_dim)]
    if config.siglip_feat_dim is not None:
        stacks.append(("siglip_refiner", config.n_refiner_layers, False))
        features.append(("siglip", config.siglip_feat_dim))
    for name, n_features in features:
        yield Target(f"{name}_embedder.0", (n_features,))
        yield Target(f"{name}_embedder.1", (dim, n_features))
        yield Target("", (dim,), f"{name}_pad_token")
    yield Target("", (dim,), "x_pad_token")
    for stack, length, modulated in stacks:
        for index in range(length):
            yield from _block(f"{stack}.{index}", config, modulated=modulated)


def _block(block: str, config: TransformerConfig, *, modulated: bool) -> Iterator[Target]:
    dim, hidden = config.dim, int(config.dim / 3 * 8)
    for name in ("to_q", "to_k", "to_v", "to_out.0"):
        yield Target(f"{block}.attention.{name}", (dim, dim))
    if config.qk_norm:
        yield from (Target(f"{block}.attention.{name}", (config.head_dim,)) for name in ("norm_q", "norm_k"))
    yield Target(f"{block}.feed_forward.w1", (hidden, dim))
    yield Target(f"{block}.feed_forward.w2", (dim, hidden))
    yield Target(f"{block}.feed_forward.w3", (hidden, dim))
    for name in ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"):
        yield Target(f"{block}.{name}", (dim,))
    if modulated:
        yield Target(f"{block}.adaLN_modulation.0", (4 * dim, modulation_dim(dim)))
