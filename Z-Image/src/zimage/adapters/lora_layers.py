"""Side paths beside the layers of a transformer, ours or diffusers', and what they need of a layer.

A layer of ours asks its `side`; any other one is hooked. Tensors that are no matrix are replaced, and come back as they
were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zimage.adapters.lora_kinds import Delta, Weighted
from zimage.errors import LoraError
from zimage.quant.layouts import rotate_inputs
from zimage.quant.linear import BlockLinear, QuantLinear

Acting = Sequence[tuple[Delta | Weighted, float]]


class SidePath:
    """What all acting LoRAs add to the output of one layer."""

    def __init__(self, deltas: Acting, bias: Tensor | None = None, layer_bias: Tensor | None = None) -> None:
        """Takes the changes over.

        Args:
            deltas: with their strengths, in the order of the sum.
            bias: added to the output, strength included, (out_features,).
            layer_bias: of the layer; needed where a change depends on its product alone.
        """
        self.deltas = tuple(deltas)
        self.bias = bias
        self.layer_bias = layer_bias
        self.needs_base = any(isinstance(delta, Weighted) for delta, _ in self.deltas)

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """Returns the output (..., out_features) with what is added, given the input (..., in_features)."""
        output = y.reshape(-1, y.shape[-1])
        tokens = x.reshape(-1, x.shape[-1]).to(y.dtype)
        base = self._base(output) if self.needs_base else output
        for delta, strength in self.deltas:
            if isinstance(delta, Weighted):
                delta.add(output, tokens, base, strength)
            else:
                delta.add(output, tokens, strength)
        if self.bias is not None:
            output.add_(self.bias.to(y.dtype))
        return output.view(y.shape)

    def _base(self, output: Tensor) -> Tensor:
        return output.clone() if self.layer_bias is None else output - self.layer_bias.to(output.dtype)


class SideLayers:
    """Which layers of a model have a side path, and which tensors are replaced."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._removers: dict[str, Any] = {}
        self._originals: dict[tuple[str, str], Tensor] = {}
        self._compiled: dict[nn.Module, Any] = {}

    def set_paths(self, paths: Mapping[str, SidePath]) -> None:
        """Puts paths beside modules by name, and takes away those that are beside others."""
        for name in self._removers.keys() - paths.keys():
            self._remove(name)
        for name, path in paths.items():
            layer = self._model.get_submodule(name)
            if hasattr(layer, "side"):
                layer.side = path  # type: ignore[assignment]  # ours, whose side is no module
                self._removers[name] = None
            else:
                self._remove(name)
                self._removers[name] = layer.register_forward_hook(_hook_of(path))

    def set_vectors(self, added: Mapping[tuple[str, str], Tensor]) -> None:
        """Adds to tensors by module and name, and brings those back to which nothing is added any more.

        Raises:
            LoraError: a tensor is away: it is brought to the device at each use.
        """
        for place in self._originals.keys() - added.keys():
            self._bind(place, self._originals.pop(place))
        for place, change in added.items():
            if place not in self._originals:
                self._originals[place] = _present(self._model.get_submodule(place[0]), place[1])
            original = self._originals[place].detach()
            changed = (original.float() + change.to(original.device).view(original.shape)).to(original.dtype)
            self._bind(place, nn.Parameter(changed, requires_grad=False))

    def set_compiled(self, *, on: bool) -> None:
        """Lets compiled modules run as compiled, or not: their code was made without side paths."""
        if on:
            for module, code in self._compiled.items():
                module._compiled_call_impl = code  # noqa: SLF001 — torch has no other way
            self._compiled.clear()
            return
        for module in self._model.modules():
            if (code := module._compiled_call_impl) is not None:  # noqa: SLF001
                self._compiled[module] = code
                module._compiled_call_impl = None  # noqa: SLF001

    def _remove(self, name: str) -> None:
        if name not in self._removers:
            return
        remover = self._removers.pop(name)
        if remover is None:
            self._model.get_submodule(name).side = None  # type: ignore[assignment]
        else:
            remover.remove()

    def _bind(self, place: tuple[str, str], value: Tensor) -> None:
        owner = self._model.get_submodule(place[0])
        now = getattr(owner, place[1])
        if value.device != now.device:  # whoever moves models has moved it meanwhile
            value = nn.Parameter(value.detach().to(now.device), requires_grad=False)
        setattr(owner, place[1], value)


def base_weight(layer: nn.Module, device: torch.device) -> Tensor:
    """Returns the matrix of a layer of any format, decoded: (out_features, in_features) in float32.

    Raises:
        LoraError: it is away.
    """
    if isinstance(layer, QuantLinear):
        packed = layer.packed
        values = packed.weight.to(device).float() * packed.scale.to(device)[:, None]
        return rotate_inputs(values, layer.left.to(device), layer.right.to(device)) if layer.rotation else values
    if isinstance(layer, BlockLinear):
        return layer.blocks.decode(layer.weight.to(device))
    return stored_tensor(layer, "weight").detach().to(device, torch.float32)


def stored_tensor(layer: nn.Module, name: str) -> Tensor:
    """Returns a tensor of a layer, of one too whose weights accelerate brings at each use.

    Raises:
        LoraError: it is nowhere.
    """
    tensor: Tensor = getattr(layer, name)
    if not tensor.is_meta:
        return tensor
    away = getattr(getattr(layer, "_hf_hook", None), "weights_map", None)
    if away is None:
        raise LoraError(f"{name} of a layer is not in memory, and a LoRA needs it")
    found: Tensor = away[name]
    return found


def layer_bias(layer: nn.Module) -> Tensor | None:
    """Returns the bias of a layer; None where it has none."""
    return None if getattr(layer, "bias", None) is None else stored_tensor(layer, "bias").detach()


def _present(owner: nn.Module, name: str) -> Tensor:
    tensor: Tensor = getattr(owner, name)
    if tensor.is_meta:
        raise LoraError(
            f"it changes {name} of a norm or a token, which is not possible while weights are brought at each use"
        )
    return tensor


def _hook_of(path: SidePath) -> Any:
    def hook(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return path(inputs[0], output)

    return hook
