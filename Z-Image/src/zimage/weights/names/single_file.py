"""The key layouts of single files, as ComfyUI and most fine-tunes have them, and the published one.

A transformer's single file puts everything below an optional prefix, knows one patch size only, packs q, k and v into
one matrix and carries a norm that no layer uses. Both directions work on where tensors lie, so that nothing is read to
rename it. The autoencoder's layout is in `single_file_vae.py`, the text encoder's of GGUF files in `gguf.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from zimage.errors import WeightsError
from zimage.weights.names.gguf import is_language_model, language_model_to_published
from zimage.weights.names.single_file_vae import is_vae_single_file, vae_to_published
from zimage.weights.quantized import AnyTensor

PREFIXES = ("model.diffusion_model.", "diffusion_model.")
OTHER_PARTS = ("vae.", "first_stage_model.", "text_encoders.", "cond_stage_model.")
UNUSED = frozenset({"norm_final.weight"})
PAD_TOKENS = frozenset({"x_pad_token", "cap_pad_token", "siglip_pad_token"})
PATCH = "2-1"
PACKED = ".attention.qkv."
SPLIT = (".attention.to_q.", ".attention.to_k.", ".attention.to_v.")
RENAMED = (
    (".attention.out.", ".attention.to_out.0."),
    (".attention.q_norm.", ".attention.norm_q."),
    (".attention.k_norm.", ".attention.norm_k."),
)
Stored = TypeVar("Stored", bound=AnyTensor)
HEADS = (("x_embedder.", f"all_x_embedder.{PATCH}."), ("final_layer.", f"all_final_layer.{PATCH}."))


def is_single_file(names: Iterable[str]) -> bool:
    """Whether the names are in the key layout of single files."""
    return _is_transformer(names) or is_vae_single_file(names)


def _is_transformer(names: Iterable[str]) -> bool:
    return any(name.startswith((*PREFIXES, "x_embedder.", "final_layer.")) or PACKED in name for name in names)


def to_published(tensors: Mapping[str, AnyTensor]) -> dict[str, AnyTensor]:
    """Renames tensors of a single file to the published layout; splits packed q, k, v.

    Tensors in the published layout pass unchanged. Of a file with several parts the transformer is returned.

    Raises:
        WeightsError: a packed matrix cannot be split, or names collide.
    """
    if is_language_model(tensors):
        return language_model_to_published(tensors)
    if not _is_transformer(tensors):
        return vae_to_published(tensors) if is_vae_single_file(tensors) else dict(tensors)
    published: dict[str, AnyTensor] = {}
    for name, stored in _without_prefix(tensors).items():
        if name in UNUSED:
            continue
        for new_name, part in _unpacked(name, stored):
            if new_name in published:
                raise WeightsError(f"{stored.path} holds {new_name} twice, under names of both layouts")
            published[new_name] = part
    return published


def from_published(tensors: Mapping[str, Stored], prefix: str = "") -> dict[str, tuple[Stored, ...]]:
    """Renames tensors of a published transformer to the layout of single files.

    Args:
        tensors: in the published layout.
        prefix: prefix of every name, for example `model.diffusion_model.`.

    Returns:
        Parts of each tensor, to be concatenated along the first axis: three for packed q, k, v.

    Raises:
        WeightsError: q, k and v are incomplete, or a patch size is not expressible.
    """
    packed: dict[str, tuple[Stored, ...]] = {}
    for name, stored in tensors.items():
        head, found, tail = name.partition(SPLIT[0])
        if found:
            parts = [f"{head}{middle}{tail}" for middle in SPLIT]
            _require(tensors, parts)
            packed[f"{prefix}{head}{PACKED}{tail}"] = tuple(tensors[part] for part in parts)
        elif any(middle in name for middle in SPLIT[1:]):
            _require(tensors, [_first_of(name)])
        else:
            packed[prefix + _single_name(name)] = (stored,)
    return packed


def _without_prefix(tensors: Mapping[str, AnyTensor]) -> dict[str, AnyTensor]:
    prefix = next((prefix for prefix in PREFIXES if any(name.startswith(prefix) for name in tensors)), "")
    own = {name.removeprefix(prefix): stored for name, stored in tensors.items() if name.startswith(prefix)}
    strange = [name for name in tensors if not name.startswith((prefix, *OTHER_PARTS))]
    if strange:
        raise WeightsError(f"tensors belong to no part of a Z-Image checkpoint: {', '.join(strange)}")
    return own


def _unpacked(name: str, stored: AnyTensor) -> list[tuple[str, AnyTensor]]:
    if PACKED in name:
        rows, rest = divmod(stored.shape[0] if stored.shape else 1, len(SPLIT))
        if rest:
            raise WeightsError(f"{stored.path}: {name} {stored.shape} cannot be split into q, k and v")
        return [(name.replace(PACKED, one), stored.rows(i * rows, (i + 1) * rows)) for i, one in enumerate(SPLIT)]
    for single, published in RENAMED:
        name = name.replace(single, published)
    for single, published in HEADS:
        name = published + name.removeprefix(single) if name.startswith(single) else name
    if name in PAD_TOKENS and len(stored.shape) == 1:  # some converters drop the axis of length one
        stored = stored.reshaped((1, *stored.shape))
    return [(name, stored)]


def _single_name(name: str) -> str:
    for single, published in HEADS:
        if name.startswith(published):
            return single + name.removeprefix(published)
    if name.startswith(("all_x_embedder.", "all_final_layer.")):
        raise WeightsError(f"{name} cannot stand in a single file: those know the patch size {PATCH} only")
    for single, published in RENAMED:
        name = name.replace(published, single)
    return name


def _first_of(name: str) -> str:
    for middle in SPLIT[1:]:
        name = name.replace(middle, SPLIT[0])
    return name


def _require(tensors: Mapping[str, AnyTensor], names: list[str]) -> None:
    missing = [name for name in names if name not in tensors]
    if missing:
        raise WeightsError(f"q, k and v cannot be packed without {', '.join(missing)}")
