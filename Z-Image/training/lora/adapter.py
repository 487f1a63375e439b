"""The trainable side paths of a LoRA (arXiv 2106.09685): y += alpha / rank · B · A · x.

They hang on the layers as hooks. The model keeps its modules and their names, in whatever format its matrices are held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from zimage.quant.linear import BlockLinear, QuantLinear
from zimage.transformer import ZImageTransformer2DModel

from training.lora.errors import TrainingError

ATTENTION = ("attention.to_q", "attention.to_k", "attention.to_v", "attention.to_out.0")
MLP = ("feed_forward.w1", "feed_forward.w2", "feed_forward.w3")
TARGETS: Mapping[str, tuple[str, ...]] = {
    "attention": ATTENTION,
    "attention+mlp": (*ATTENTION, *MLP),
    "all": ("",),
}
"""Sets of layers by name → ends of the layers' names."""

_LAYERS = (nn.Linear, QuantLinear, BlockLinear)
AnyLinear = nn.Linear | QuantLinear | BlockLinear


class SidePath(nn.Module):
    """Two thin matrices beside a layer; nothing at first, since B is zero."""

    def __init__(self, layer: AnyLinear, rank: int, scale: float, generator: torch.Generator) -> None:
        super().__init__()
        self.scale = scale
        bound = 1 / math.sqrt(layer.in_features)
        down = torch.empty(rank, layer.in_features).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(down)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (..., in_features) → (..., out_features) in the dtype of x."""
        inner = F.linear(x, self.down.to(x.dtype))
        return F.linear(inner, self.up.to(x.dtype)) * self.scale


class Adapter(nn.Module):
    """The side paths of a transformer.

    Attributes:
        rank: inner width of each.
        alpha: their products are scaled by alpha / rank.
        is_on: whether they take part.
    """

    def __init__(
        self, transformer: ZImageTransformer2DModel, targets: str, rank: int, alpha: float, generator: torch.Generator
    ) -> None:
        """Makes a path for each target; `attached` lets them take part.

        Args:
            transformer: the frozen base.
            targets: one of `TARGETS`.
            rank: inner width, at most that of the narrowest layer.
            alpha: see above.
            generator: draws the start of A.

        Raises:
            TrainingError: the targets are unknown, or the rank does not fit.
        """
        super().__init__()
        self.rank, self.alpha, self.is_on = rank, alpha, True
        layers = target_layers(transformer, targets)
        narrowest = min(min(layer.in_features, layer.out_features) for layer in layers.values())
        if not 1 <= rank <= narrowest:
            raise TrainingError(f"--rank must be from 1 to {narrowest}, the narrowest layer's width, got {rank}")
        self.names = tuple(layers)
        self.paths = nn.ModuleList(SidePath(layer, rank, alpha / rank, generator) for layer in layers.values())
        self.to(transformer.device)

    def by_name(self) -> Iterator[tuple[str, SidePath]]:
        """Yields each layer's name with its path."""
        yield from zip(self.names, self.paths, strict=True)

    @contextmanager
    def attached(self, transformer: ZImageTransformer2DModel) -> Iterator[None]:
        """Lets the paths take part in the transformer's forwards, while `is_on`."""
        handles = [
            transformer.get_submodule(name).register_forward_hook(self._beside(path)) for name, path in self.by_name()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def off(self) -> Iterator[None]:
        """Lets the base draw alone for a while."""
        before, self.is_on = self.is_on, False
        try:
            yield
        finally:
            self.is_on = before

    def _beside(self, path: SidePath) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
        def add(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            return output + path(inputs[0]) if self.is_on else None

        return add


def target_layers(transformer: ZImageTransformer2DModel, targets: str) -> dict[str, AnyLinear]:
    """Returns the layers that get a side path, by their published names.

    Raises:
        TrainingError: the targets are unknown.
    """
    if targets not in TARGETS:
        raise TrainingError(f"--targets must be one of {', '.join(TARGETS)}, got {targets!r}")
    return {
        name: layer
        for name, layer in transformer.named_modules()
        if isinstance(layer, _LAYERS) and name.endswith(TARGETS[targets])
    }
