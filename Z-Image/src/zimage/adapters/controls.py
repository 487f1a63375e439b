"""Controls of one generation: what is asked of ControlNets, embedded once, and their hints at each step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zimage.adapters.controlnet import ControlFactors, ControlNet
from zimage.errors import ConfigError
from zimage.transformer import AfterLayer, Prepared, Stack, ZImageTransformer2DModel

MAX_SCALE = 2.0
DEFAULT_SCALE = 0.75
SIZES = ("dim", "n_heads", "n_layers", "n_refiner_layers", "in_channels")
"""Of a transformer, on which a ControlNet depends."""


@dataclass(frozen=True)
class Control:
    """A control of a generation; at least one of control image and masked image is needed.

    Latents are the mode of the autoencoder's, normalised: (C, h, w) for all images, or (B, C, h, w) for each its own.
    What is not given is zeros, as in training.

    Attributes:
        net: the ControlNet; several controls may share one.
        image: latents of the control image.
        keep: 1 where the masked image is kept and 0 where it is repainted, (1, h, w) or (B, 1, h, w).
        masked: latents of the image whose repainted parts are grey.
        scale: of the hints, from 0 for no control to 2.
        start: fraction of the schedule before which it does not act.
        end: fraction of the schedule after which it does not act.
        as_diffusers: leaves the hints out of the noise refiner that the transformer sees, as diffusers does.
    """

    net: ControlNet
    image: Tensor | None = None
    keep: Tensor | None = None
    masked: Tensor | None = None
    scale: float = DEFAULT_SCALE
    start: float = 0.0
    end: float = 1.0
    as_diffusers: bool = False

    def __post_init__(self) -> None:
        """Validates numbers, and what is given."""
        if not math.isfinite(self.scale) or not 0 <= self.scale <= MAX_SCALE:
            raise ConfigError(f"the scale of a control must be from 0 to {MAX_SCALE:g}, got {self.scale}")
        if not 0 <= self.start < self.end <= 1:
            raise ConfigError(f"a control acts from 0 ≤ start < end ≤ 1, got {self.start} and {self.end}")
        if self.image is None and self.masked is None:
            raise ConfigError("a control needs a control image or a masked image")
        if (self.masked is None) != (self.keep is None):
            raise ConfigError("a masked image needs its mask, and a mask its image")
        if self.masked is not None and not self.net.takes_mask:
            raise ConfigError(f"a ControlNet of the kind {self.net.kind.name} reads no mask: use one of 2.0 or later")

    def acts_at(self, step: int, n_steps: int) -> bool:
        """Whether it acts at a step: whole steps between start and end do."""
        return self.scale > 0 and step / n_steps >= self.start and (step + 1) / n_steps <= self.end


class ControlRun:
    """Controls of a generation, embedded and modulated for all steps."""

    def __init__(
        self,
        controls: Sequence[Control],
        transformer: ZImageTransformer2DModel,
        times: Tensor,
        n_images: int,
        size: tuple[int, int],
    ) -> None:
        """Embeds each control once.

        Args:
            controls: what is asked for; those of scale 0 are left out.
            transformer: the model.
            times: of the steps, (steps,).
            n_images: number of images.
            size: rows and columns of the latents.

        Raises:
            ConfigError: a control is for another model or device, acts at no step, or its latents do not fit.
        """
        self.n_steps, self.n_images = len(times), n_images
        self._pad_token = transformer.x_pad_token
        active = [control for control in controls if control.scale > 0]
        for control in active:
            _require_fit(control.net, transformer)
            if not any(control.acts_at(step, self.n_steps) for step in range(self.n_steps)):
                raise ConfigError(
                    f"a control from {control.start:g} to {control.end:g} of {self.n_steps} steps acts at none of them"
                )
        condition = transformer.condition(times.to(transformer.device)) if active else None
        factors = {id(control.net): control.net.modulate(condition) for control in active if condition is not None}
        self._entries = [
            _Entry(control, _embed(control, transformer.activation_dtype, n_images, size), factors[id(control.net)])
            for control in active
        ]

    def place(self, images: Sequence[int], prepared: Prepared) -> PlacedControls:
        """Lays the controls out for a batch.

        Args:
            images: index of the image of each item; those of negative prompts go on after the last image.
            prepared: precomputed inputs of the batch.

        Raises:
            ConfigError: images are given beside the wanted ones.
        """
        if self._entries and prepared.is_noisy is not None:
            raise ConfigError("a control cannot be used beside given images (Omni)")
        tokens = []
        for entry in self._entries:
            own = [entry.tokens[index % self.n_images % len(entry.tokens)] for index in images]
            tokens.append(prepared.image.fill(torch.cat(own), self._pad_token))
        return PlacedControls(tuple(zip(self._entries, tokens, strict=True)), self.n_steps)


@dataclass(frozen=True)
class _Entry:
    """A control with the tokens of one image or of all, each (patches, dim), and the factors of all steps."""

    control: Control
    tokens: tuple[Tensor, ...]
    factors: ControlFactors


@dataclass(frozen=True)
class PlacedControls:
    """Controls, laid out for a batch: tokens (B, S_image, dim), pads included."""

    entries: tuple[tuple[_Entry, Tensor], ...]
    n_steps: int

    def at(self, step: int) -> ControlHints | None:
        """Returns the hints of a step; None where no control acts."""
        branches = [
            _Branch(entry.control, tokens, entry.factors.at(step))
            for entry, tokens in self.entries
            if entry.control.acts_at(step, self.n_steps)
        ]
        return ControlHints(branches) if branches else None


@dataclass
class _Branch:
    """A control at one step: its tokens, which are refined on the way.

    Attributes:
        image: refined image tokens of its own, where diffusers' way makes them differ from the transformer's.
    """

    control: Control
    tokens: Tensor
    factors: ControlFactors
    image: Tensor | None = None


class ControlHints:
    """Hints of all controls at one step, for one call of the transformer; see `zimage.transformer.Hints`."""

    def __init__(self, branches: Sequence[_Branch]) -> None:
        self._branches = branches

    def refine(self, x: Tensor, prepared: Prepared, run: Stack) -> Tensor:
        """Runs the noise refiner and adds the refiners' hints."""
        added: list[tuple[float, list[Tensor]]] = []
        for branch in self._branches:
            control = branch.control
            hints, branch.tokens = control.net.refine(branch.tokens, x, branch.factors, prepared)
            if control.as_diffusers and hints:
                branch.image = run(x, _adder([(control.scale, hints)]))
            elif hints:
                added.append((control.scale, hints))
        return run(x, _adder(added) if added else None)

    def run_layers(self, x: Tensor, prepared: Prepared, run: Stack) -> Tensor:
        """Runs the layers; each hint is computed when it is added, so that one of each control is held."""
        streams: list[tuple[float, tuple[int, ...], Iterator[Tensor]]] = []
        for branch in self._branches:
            net = branch.control.net
            seen = x if branch.image is None else torch.cat((branch.image, prepared.context), dim=1)
            streams.append((branch.control.scale, net.places, net.hints(branch.tokens, seen, branch.factors, prepared)))

        def add(index: int, y: Tensor) -> Tensor:
            for scale, places, hints in streams:
                if index in places:
                    y = torch.add(y, next(hints)[:, : y.shape[1]], alpha=scale)
            return y

        return run(x, add)


def _adder(added: Sequence[tuple[float, Sequence[Tensor]]]) -> AfterLayer:
    def add(index: int, y: Tensor) -> Tensor:
        for scale, hints in added:
            if index < len(hints):
                y = torch.add(y, hints[index], alpha=scale)
        return y

    return add


def _require_fit(net: ControlNet, transformer: ZImageTransformer2DModel) -> None:
    own, other = net.model, transformer.config
    if any(getattr(own, name) != getattr(other, name) for name in SIZES):
        raise ConfigError("a control was loaded for a transformer of other sizes: load it for this one")
    if net.device != transformer.device:
        raise ConfigError(f"a control is on {net.device}, the transformer on {transformer.device}: load it again")


def _embed(control: Control, dtype: torch.dtype, n_images: int, size: tuple[int, int]) -> tuple[Tensor, ...]:
    """Embeds the control of one image or of all: (patches, dim) each."""
    return tuple(control.net.embed(context, dtype) for context in _context(control, n_images, size))


def _context(control: Control, n_images: int, size: tuple[int, int]) -> Tensor:
    """Joins control, mask and masked image: (1 or B, channels, h, w) in float32; zeros where one is not given."""
    latent_channels = control.net.model.in_channels
    wanted = [("image", control.image, latent_channels)]
    if control.net.takes_mask:
        wanted += [("keep", control.keep, 1), ("masked", control.masked, latent_channels)]
    given = [None if part is None else _checked(name, part, (n, *size), n_images) for name, part, n in wanted]
    n_rows = max(len(part) for part in given if part is not None)
    rows = [
        torch.zeros(n_rows, n, *size) if part is None else part.expand(n_rows, -1, -1, -1)
        for part, (_, _, n) in zip(given, wanted, strict=True)
    ]
    return torch.cat(rows, dim=1)


def _checked(name: str, part: Tensor, shape: tuple[int, int, int], n_images: int) -> Tensor:
    """Returns a part of the control as (1 or n_images, channels, h, w) in float32 on the CPU."""
    rows = part.unsqueeze(0) if part.ndim == len(shape) else part
    if rows.shape[1:] != shape or len(rows) not in (1, n_images):
        allowed = f"{shape}, or ({n_images}, {', '.join(map(str, shape))})"
        raise ConfigError(f"{name} of a control must have the shape {allowed}, got {tuple(part.shape)}")
    return rows.float().cpu()
