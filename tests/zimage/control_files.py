"""ControlNets of diffusers with random weights, and the same weights in files as they are published."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from zimage.adapters.control_kinds import KINDS

from tests.zimage.peers import TINY, randomise

SMALL: dict[str, Any] = {**TINY, "n_layers": 10, "n_refiner_layers": 2}
"""A transformer of so many layers that each kind has a number of control layers of its own."""
NAMES = [kind.name for kind in KINDS]
PLACES = {"v1": [0, 5], "2.0": [0, 2, 4, 6, 8], "2.1": [0, 2, 4, 6, 8], "2.1-lite": [0]}
CHANNELS = {"v1": 16, "2.0": 33, "2.1": 33, "2.1-lite": 33}
REFINERS = {"v1": None, "2.0": "control_layers", "2.1": "control_noise_refiner", "2.1-lite": "control_noise_refiner"}
WIDTHS = ("dim", "n_heads", "n_kv_heads", "n_refiner_layers")


def make_peer(name: str, config: dict[str, Any] = SMALL, places: list[int] | None = None) -> nn.Module:
    """Returns diffusers' ControlNet of a kind for a transformer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import ZImageControlNetModel as Peer
    torch.manual_seed(7)
    peer = Peer(
        control_layers_places=PLACES[name] if places is None else places,
        control_refiner_layers_places=list(range(config["n_refiner_layers"])),
        control_in_dim=CHANNELS[name],
        add_control_noise_refiner=REFINERS[name],
        **{key: config[key] for key in WIDTHS},
    ).eval()
    randomise(peer)
    return peer


def published(name: str, peer: nn.Module) -> dict[str, Tensor]:
    """Returns the tensors as in the published file: that of 2.0 carries a refiner that was never trained."""
    own = {key: value.clone() for key, value in peer.state_dict().items() if key.startswith("control_")}
    if name == "2.0":
        for index in range(2):
            for key in [key for key in own if key.startswith(f"control_layers.{index}.")]:
                own[key.replace("control_layers", "control_noise_refiner")] = torch.zeros_like(own[key])
    return own


def save(folder: Path, name: str, tensors: dict[str, Tensor]) -> Path:
    path = folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)
    return path


def fused(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors in the key layout of single files."""
    joined: dict[str, Tensor] = {}
    for key, value in tensors.items():
        if ".to_q." in key:
            parts = [tensors[key.replace(".to_q.", f".{part}.")] for part in ("to_q", "to_k", "to_v")]
            joined[key.replace(".to_q.", ".qkv.")] = torch.cat(parts)
        elif ".to_k." not in key and ".to_v." not in key:
            key = key.replace(".to_out.0.", ".out.").replace(".norm_q.", ".q_norm.").replace(".norm_k.", ".k_norm.")
            joined[key] = value
    return joined
