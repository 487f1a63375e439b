"""The same random weights in diffusers' models and in ours."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from zimage.transformer import ZImageTransformer2DModel

TINY: dict[str, Any] = {
    "dim": 64, "n_layers": 2, "n_refiner_layers": 1, "n_heads": 2, "n_kv_heads": 2, "cap_feat_dim": 24,
    "axes_dims": (8, 12, 12), "axes_lens": (512, 64, 64),
}  # fmt: skip
MEDIUM: dict[str, Any] = {
    "dim": 384, "n_layers": 3, "n_refiner_layers": 2, "n_heads": 3, "n_kv_heads": 3, "cap_feat_dim": 96,
    "axes_dims": (32, 48, 48), "axes_lens": (1536, 512, 512),
}  # fmt: skip
TOLERANCE = 1e-5


def both_transformers(**config: Any) -> tuple[nn.Module, ZImageTransformer2DModel]:
    """Returns diffusers' transformer and ours; outputs are of the order of 1, and the pads are not zero."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers' and its dependencies' own
        from diffusers import ZImageTransformer2DModel as Peer
    torch.manual_seed(0)
    peer, ours = Peer(**config).eval(), ZImageTransformer2DModel(**config).eval()
    randomise(peer)
    ours.load_state_dict(peer.state_dict())
    return peer, ours


def randomise(peer: nn.Module) -> None:
    """Draws weights that keep activations at the order of 1."""
    with torch.no_grad():
        for name, parameter in peer.named_parameters():
            if "norm" in name:
                parameter.uniform_(0.5, 1.5)
            elif parameter.ndim == 1 or "pad_token" in name:
                parameter.normal_(std=0.2)
            else:
                parameter.normal_(std=parameter.shape[-1] ** -0.5)


def largest_difference(some: list[Tensor], others: list[Tensor]) -> float:
    assert [x.shape for x in some] == [x.shape for x in others]
    return max(float((a.float() - b.float()).abs().max()) for a, b in zip(some, others, strict=True))
