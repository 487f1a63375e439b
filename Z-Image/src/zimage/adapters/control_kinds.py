"""The kinds of ControlNet files of the family, told apart by names and shapes of their tensors.

They are those of alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union: v1, 2.0 and 2.1. Tile has the layout of 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from zimage.config import TransformerConfig
from zimage.errors import WeightsError
from zimage.sequence import Patch
from zimage.weights.quantized import AnyTensor

EMBEDDER = "control_all_x_embedder"
LAYERS = "control_layers"
REFINER = "control_noise_refiner"
PATCH = Patch()
_BLOCK = re.compile(rf"({LAYERS}|{REFINER})\.(\d+)\.")


class Refiner(StrEnum):
    """How a file refines the embedded control before the layers."""

    PLAIN = "plain blocks"
    LAYERS = "no blocks of its own"
    CONTROL = "control blocks"


@dataclass(frozen=True)
class ControlKind:
    """A kind of file.

    Attributes:
        name: as users know it.
        stride: layers of the model for each control layer, whose hint is added after the first of them.
        takes_mask: whether it reads a mask and a masked image beside the control image.
        refiner: what refines the control; `LAYERS` runs the control layers a second time.
    """

    name: str
    stride: int
    takes_mask: bool
    refiner: Refiner

    def places(self, n_layers: int) -> tuple[int, ...]:
        """Returns the layers of a model after which hints are added."""
        return tuple(range(0, n_layers, self.stride))

    def channels(self, latent_channels: int) -> int:
        """Returns the number of channels that it reads: the control, then a mask and the masked image."""
        return 2 * latent_channels + 1 if self.takes_mask else latent_channels

    def describe(self, n_layers: int, latent_channels: int) -> str:
        """Describes what a file of the kind has, for a model of so many layers."""
        return _describe(len(self.places(n_layers)), self.channels(latent_channels), self.refiner)


KINDS = (
    ControlKind("v1", 5, takes_mask=False, refiner=Refiner.PLAIN),
    ControlKind("2.0", 2, takes_mask=True, refiner=Refiner.LAYERS),
    ControlKind("2.1", 2, takes_mask=True, refiner=Refiner.CONTROL),
    ControlKind("2.1-lite", 10, takes_mask=True, refiner=Refiner.CONTROL),
)


@dataclass(frozen=True)
class ControlShape:
    """What the names and shapes of a file show.

    Attributes:
        dim: width of tokens.
        channels: of the control that it reads, for each place of the latents.
        n_layers: number of control layers.
        n_refiners: number of blocks of its refiner.
        refiner: their kind.
    """

    dim: int
    channels: int
    n_layers: int
    n_refiners: int
    refiner: Refiner


def is_control(tensors: Mapping[str, object]) -> bool:
    """Whether tensors, by their names, are those of a ControlNet of the family."""
    return any(name.startswith((f"{EMBEDDER}.", f"{LAYERS}.")) for name in tensors)


def read_shape(tensors: Mapping[str, AnyTensor]) -> ControlShape:
    """Reads off the shape of a ControlNet; no values are read.

    Raises:
        WeightsError: it is none, or a tensor is missing that would show a value; the message names it.
    """
    embedder = f"{EMBEDDER}.{PATCH.key}.weight"
    if embedder not in tensors:
        raise WeightsError(f"no ControlNet of the family: there is no {embedder}")
    shape = tensors[embedder].shape
    if len(shape) != 2 or not shape[0] or not shape[1] or shape[1] % PATCH.side**2:
        raise WeightsError(f"damaged: {embedder} has the shape {shape}, which is none of an embedder")
    n_refiners = _count(tensors, REFINER)
    refiner = Refiner.PLAIN
    if n_refiners == 0 or f"{REFINER}.0.after_proj.weight" in tensors:
        refiner = Refiner.CONTROL if n_refiners else Refiner.LAYERS
    return ControlShape(shape[0], shape[1] // PATCH.side**2, _count(tensors, LAYERS), n_refiners, refiner)


def choose_kind(shape: ControlShape, model: TransformerConfig, is_refiner_unused: Callable[[], bool]) -> ControlKind:
    """Returns the kind of a file for a model.

    Args:
        shape: what the file shows.
        model: the transformer that it is put beside.
        is_refiner_unused: tells whether the refiner was never trained, as in 2.0; asked only where it matters.

    Raises:
        WeightsError: it is of no known kind, or of another model; the message tells what is allowed.
    """
    if shape.dim != model.dim:
        raise WeightsError(f"it is {shape.dim} wide, the transformer {model.dim}: it is for another model")
    fitting = [kind for kind in KINDS if _fits(shape, kind, model)]
    by_name = {kind.name: kind for kind in fitting}
    if {"2.0", "2.1"} <= by_name.keys():
        return by_name["2.0" if is_refiner_unused() else "2.1"]
    if not fitting:
        known = "; ".join(f"{kind.name} with {kind.describe(model.n_layers, model.in_channels)}" for kind in KINDS)
        found = _describe(shape.n_layers, shape.channels, shape.refiner)
        raise WeightsError(f"it is of no known kind, with {found}; those read are {known}")
    chosen = fitting[0]
    if chosen.refiner is not Refiner.LAYERS and shape.n_refiners != model.n_refiner_layers:
        raise WeightsError(f"its refiner has {shape.n_refiners} blocks, the transformer's {model.n_refiner_layers}")
    return chosen


def name_layout(shape: ControlShape) -> str:
    """Names the kind of a file as far as its header shows, without the transformer that it is for.

    Raises:
        WeightsError: it is as wide as the published ones, and of no known kind.
    """
    published = TransformerConfig()
    if shape.dim != published.dim:
        return f"{shape.dim} wide, for a small model"
    chosen = choose_kind(shape, published, lambda: False)
    is_open = chosen.name == "2.1" and shape.refiner is Refiner.CONTROL
    return "2.0 or 2.1" if is_open else chosen.name


def _fits(shape: ControlShape, kind: ControlKind, model: TransformerConfig) -> bool:
    """Whether numbers and refiner are those of a kind; files of 2.0 may carry a refiner that is not used."""
    own = (shape.channels, shape.n_layers)
    is_unused = kind.refiner is Refiner.LAYERS and shape.refiner is Refiner.CONTROL
    is_same = shape.refiner is kind.refiner or is_unused
    return is_same and own == (kind.channels(model.in_channels), len(kind.places(model.n_layers)))


def _describe(n_layers: int, channels: int, refiner: Refiner) -> str:
    return f"{n_layers} control layers, {channels} channels and a refiner of {refiner.value}"


def _count(tensors: Mapping[str, AnyTensor], stack: str) -> int:
    numbers = {int(match[2]) for name in tensors if (match := _BLOCK.match(name)) and match[1] == stack}
    if numbers != set(range(len(numbers))):
        raise WeightsError(f"layers are missing: {stack} has only the numbers {sorted(numbers)}")
    return len(numbers)
