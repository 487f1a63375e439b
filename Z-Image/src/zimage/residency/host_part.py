"""The part of a model that the main memory keeps: filled by the loader, then brought to the device as it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from zimage.autoencoder import AutoencoderKL
from zimage.quant.packing import is_quantizable
from zimage.residency.host import HostMemory
from zimage.residency.levels import Residency, choose_streamed
from zimage.residency.stream import SLOTS, Unit, Weight, WeightStream
from zimage.text.qwen3 import Qwen3Encoder
from zimage.transformer import ZImageTransformer2DModel

EMBEDDING = "embed_tokens.weight"


@dataclass(frozen=True)
class HostPart:
    """Tensors that stay in the main memory, and how they come to the device.

    Attributes:
        names: of the tensors in the model.
        routes: names of modules that run one after another, whose tensors come and go together.
        n_slots: modules that may be on the device at a time.
        memory: what holds the tensors.
    """

    names: frozenset[str]
    routes: tuple[tuple[str, ...], ...]
    n_slots: int
    memory: HostMemory

    def keep(self, model: nn.Module, name: str) -> None:
        """Moves a tensor that was loaded into the memory that keeps it.

        What a processor's kernels hold in a layout of their own stays as it is: it is on the device already. So does
        the table of tokens, which is never copied.
        """
        owner, leaf = _owner_of(model, name)
        tensor = getattr(owner, leaf)
        if tensor.layout == torch.strided and name != EMBEDDING:
            Weight(owner, leaf, self.memory.keep(tensor.detach())).leave()

    def stream(self, model: nn.Module, device: torch.device) -> WeightStream:
        """Returns what brings the tensors of a loaded model to the device."""
        routes = [
            [(model.get_submodule(module), self._unit(model, module)) for module in route] for route in self.routes
        ]
        return WeightStream(routes, device, n_slots=self.n_slots)

    def _unit(self, model: nn.Module, module: str) -> Unit:
        prefix = f"{module}." if module else ""
        owned = (_owner_of(model, name) for name in sorted(self.names) if name.startswith(prefix))
        weights = (Weight(owner, leaf, getattr(owner, leaf)) for owner, leaf in owned)
        return Unit(tuple(weight for weight in weights if weight.host.layout == torch.strided))


def host_part_of_transformer(
    model: ZImageTransformer2DModel, residency: Residency, device: torch.device
) -> HostPart | None:
    """Returns what is streamed of a transformer: the matrices of some blocks; None for nothing."""
    if residency.resident_blocks is None:
        return None
    once = [("context_refiner", len(model.context_refiner))]
    if model.config.siglip_feat_dim is not None:
        once.append(("siglip_refiner", len(model.siglip_refiner)))
    rare = [[f"{stack}.{i}" for i in range(length)] for stack, length in once]
    often = [
        f"{stack}.{i}"
        for stack in ("noise_refiner", "layers")
        for i in range(len(model.get_submodule(stack)))  # type: ignore[arg-type]  # a ModuleList
    ]
    of_often, of_rare = choose_streamed(len(often), sum(map(len, rare)), residency.resident_blocks)
    flat = [name for stack in rare for name in stack]
    chosen = {often[i] for i in of_often} | {flat[i] for i in of_rare}
    routes = [[name for name in route if name in chosen] for route in (*rare, often)]
    return _matrices_of(model, routes, SLOTS, device)


def host_part_of_text_encoder(model: Qwen3Encoder, residency: Residency, device: torch.device) -> HostPart | None:
    """Returns what the main memory keeps of a text encoder; None for nothing.

    The table of tokens is never copied to the device: a prompt needs few of its rows.
    """
    if residency.text_encoder == "resident":
        return None
    layers = [f"layers.{i}" for i in range(len(model.layers))]
    n_slots = SLOTS if residency.text_encoder == "streamed" else max(1, len(layers))
    return _matrices_of(model, [layers], n_slots, device, EMBEDDING)


def host_part_of_vae(model: AutoencoderKL, residency: Residency, device: torch.device) -> HostPart | None:
    """Returns what the main memory keeps of an autoencoder: all of it, or nothing."""
    if residency.vae == "resident":
        return None
    return HostPart(frozenset(model.state_dict()), (("",),), 1, HostMemory.of(device))


def _matrices_of(
    model: nn.Module, routes: Sequence[Sequence[str]], n_slots: int, device: torch.device, *others: str
) -> HostPart:
    prefixes = tuple(f"{module}." for route in routes for module in route)
    matrices = (name for name in model.state_dict() if name.startswith(prefixes) and is_quantizable(name))
    return HostPart(
        frozenset([*matrices, *others]), tuple(tuple(route) for route in routes), n_slots, HostMemory.of(device)
    )


def _owner_of(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    owner, _, leaf = name.rpartition(".")
    return model.get_submodule(owner), leaf
