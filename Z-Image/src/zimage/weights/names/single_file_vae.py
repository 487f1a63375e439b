"""The autoencoder's key layout in single files: that of latent diffusion, in which ComfyUI's `ae.safetensors` comes.

Levels of the decoder are counted from the finest, in the published layout from the coarsest; projections of the
attention are 1×1 convolutions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from zimage.errors import WeightsError
from zimage.weights.quantized import AnyTensor

PREFIXES = ("first_stage_model.", "vae.")
MARK = ".mid.block_1."
ATTENTION = ".mid.attn_1."
LEVEL = re.compile(r"(encoder\.down|decoder\.up)\.(\d+)\.")
RENAMED = (
    (".block.", ".resnets."),
    (".nin_shortcut.", ".conv_shortcut."),
    (".downsample.", ".downsamplers.0."),
    (".upsample.", ".upsamplers.0."),
    (".norm_out.", ".conv_norm_out."),
    (".mid.block_1.", ".mid_block.resnets.0."),
    (".mid.block_2.", ".mid_block.resnets.1."),
    (f"{ATTENTION}norm.", ".mid_block.attentions.0.group_norm."),
    (f"{ATTENTION}q.", ".mid_block.attentions.0.to_q."),
    (f"{ATTENTION}k.", ".mid_block.attentions.0.to_k."),
    (f"{ATTENTION}v.", ".mid_block.attentions.0.to_v."),
    (f"{ATTENTION}proj_out.", ".mid_block.attentions.0.to_out.0."),
)


def is_vae_single_file(names: Iterable[str]) -> bool:
    """Whether the names are those of a single-file autoencoder."""
    return any(MARK in name for name in names)


def vae_to_published(tensors: Mapping[str, AnyTensor]) -> dict[str, AnyTensor]:
    """Renames tensors of a single-file autoencoder; squeezes its 1 × 1 projections.

    Raises:
        WeightsError: names collide.
    """
    prefix = next((prefix for prefix in PREFIXES if any(name.startswith(prefix) for name in tensors)), "")
    own = {name.removeprefix(prefix): stored for name, stored in tensors.items()}
    coarsest = max((int(match[2]) for name in own if (match := LEVEL.match(name)) and "up" in match[1]), default=0)
    published: dict[str, AnyTensor] = {}
    for name, stored in own.items():
        new_name = _published_name(name, coarsest)
        if new_name in published:
            raise WeightsError(f"{stored.path} holds {new_name} twice, under names of both layouts")
        is_projection = ATTENTION in name and stored.shape[2:] == (1, 1)
        published[new_name] = stored.reshaped(stored.shape[:2]) if is_projection else stored
    return published


def _published_name(name: str, coarsest: int) -> str:
    level = LEVEL.match(name)
    if level is not None:
        number = coarsest - int(level[2]) if "up" in level[1] else int(level[2])
        name = f"{level[1]}_blocks.{number}.{name[level.end() :]}"
    for single, published in RENAMED:
        name = name.replace(single, published)
    return name
