"""The LoRAs that act on one transformer: put beside it, weighed, switched from step to step, fused and taken away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from zimage.adapters.lora import ActiveLora, Change, Lora
from zimage.adapters.lora_kinds import Delta, Weighted
from zimage.adapters.lora_layers import SideLayers, SidePath, base_weight, layer_bias
from zimage.errors import ConfigError, LoraError

FUSED = (torch.float32, torch.bfloat16)
"""Dtypes of weights that LoRAs can be fused into: in others, what they add is rounded away."""

Weighed = tuple[tuple[Lora, float], ...]
"""LoRAs with the sum of their strengths, in the order of the sum; none is 0."""


class LoraStack:
    """LoRAs of one transformer, ours or diffusers'.

    Used by one thread at a time. It is exact: without LoRAs the transformer is what it was, to the last bit.
    """

    def __init__(self, model: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        """Takes a transformer.

        Args:
            model: the transformer.
            device: where it computes.
            dtype: of its activations.
        """
        self.model = model
        self._device, self._dtype = device, dtype
        self._layers = SideLayers(model)
        self._active: tuple[ActiveLora, ...] = ()
        self._acting: Weighed = ()
        self._fused: list[tuple[Tensor, Tensor]] = []

    @property
    def active(self) -> tuple[ActiveLora, ...]:
        """What was set."""
        return self._active

    def set(self, active: Sequence[ActiveLora]) -> None:
        """Replaces all LoRAs; those that act at all steps act at once, the others when `enter` is called.

        Raises:
            LoraError: one was loaded for another transformer.
        """
        if any(not one.lora.is_for(self.model) for one in active):
            raise LoraError("it was loaded for another transformer: load it for this one")
        self.unfuse()
        kept = {id(one.lora) for one in active}
        for one in self._active:
            if id(one.lora) not in kept:
                one.lora.leave()
        self._active = tuple(active)
        with self._clean_after_errors(), _outliving():
            _release(self.model)
            for one in active:
                if one.strength != 0:
                    one.lora.place(self.model, self._device, self._dtype)
        self.rest()

    def enter(self, step: int, n_steps: int) -> bool:
        """Lets those act that act at a step; tells whether anything has changed by that."""
        return self._apply([one for one in self._active if one.acts_at(step, n_steps)])

    def rest(self) -> None:
        """Lets those act that act at all steps."""
        self._apply([one for one in self._active if one.is_whole])

    def pause(self) -> None:
        """Lets none act until `rest` or `enter`."""
        self._apply([])

    def require_steps(self, n_steps: int) -> None:
        """Raises where one acts at no step of a schedule.

        Raises:
            LoraError: the message names its span.
        """
        for one in self._active:
            if one.strength != 0 and not any(one.acts_at(step, n_steps) for step in range(n_steps)):
                raise LoraError(
                    f"{one.lora.path.stem} from {one.start:g} to {one.end:g} of {n_steps} steps acts at none of them"
                )

    @torch.inference_mode()
    def fuse(self) -> None:
        """Adds what acts to the weights themselves; `unfuse` and `set` bring the originals back, bit for bit.

        Raises:
            ConfigError: one acts at some steps only.
            LoraError: a weight is quantised, or its dtype would round away what is added.
        """
        if self._fused:
            return
        if not all(one.is_whole for one in self._active if one.strength != 0):
            raise ConfigError("a LoRA that acts at some steps only cannot be fused")
        acting = self._acting
        matrices = self._matrices(acting)
        for name in matrices:
            _require_plain(name, self.model.get_submodule(name))
        try:
            self._fuse(matrices, acting)
        except BaseException:
            self._restore()
            raise

    def _fuse(self, matrices: Mapping[str, list[tuple[Delta | Weighted, float]]], acting: Weighed) -> None:
        _release(self.model)
        self._layers.set_paths(self._paths({}, self._biases(acting)))
        for name, deltas in matrices.items():
            layer = self.model.get_submodule(name)
            weight: Tensor = layer.weight  # type: ignore[assignment]
            base = base_weight(layer, self._device)
            added = torch.zeros_like(base)
            for delta, strength in deltas:
                added += strength * (delta.dense(base) if isinstance(delta, Weighted) else delta.dense())
            self._fused.append((weight, weight.detach().to("cpu", copy=True)))
            weight.copy_((base + added).to(weight.dtype))
        self._layers.set_compiled(on=not self._biases(acting))

    @torch.inference_mode()
    def unfuse(self) -> None:
        """Brings the original weights back; the LoRAs act beside them again."""
        if self._fused:
            self._restore()

    def _restore(self) -> None:
        _release(self.model)
        for weight, original in self._fused:
            weight.copy_(original)
        self._fused.clear()
        acting, self._acting = self._acting, ()
        self._put(acting)

    def _apply(self, acting: Sequence[ActiveLora]) -> bool:
        weighed = _weighed(acting)
        if weighed == self._acting or self._fused:
            return False
        self._put(weighed)
        return True

    @contextmanager
    def _clean_after_errors(self) -> Iterator[None]:
        """Leaves the model as it is without LoRAs, where something fails half-way."""
        try:
            yield
        except BaseException:
            for one in self._active:
                one.lora.leave()
            self._active = self._acting = ()
            self._layers.set_vectors({})
            self._layers.set_paths({})
            self._layers.set_compiled(on=True)
            raise

    def _put(self, acting: Weighed) -> None:
        """Puts the side paths of what acts beside the layers."""
        with self._clean_after_errors(), _outliving():
            self._layers.set_vectors(self._vectors(acting))
            self._layers.set_paths(self._paths(self._matrices(acting), self._biases(acting)))
            self._layers.set_compiled(on=not acting)
            self._acting = acting

    def _vectors(self, acting: Weighed) -> dict[tuple[str, str], Tensor]:
        found: dict[tuple[str, str], Tensor] = {}
        for change, strength in self._changes(acting):
            if change.vector is not None:
                place = (change.target.module, change.target.parameter)
                added = change.vector * strength
                found[place] = found[place] + added if place in found else added
        return found

    def _changes(self, acting: Weighed) -> Iterator[tuple[Change, float]]:
        for lora, strength in acting:
            for change in lora.place(self.model, self._device, self._dtype):
                yield change, strength

    def _matrices(self, acting: Weighed) -> dict[str, list[tuple[Delta | Weighted, float]]]:
        found: dict[str, list[tuple[Delta | Weighted, float]]] = defaultdict(list)
        for change, strength in self._changes(acting):
            if change.delta is not None:
                found[change.target.module].append((change.delta, strength))
        return found

    def _biases(self, acting: Weighed) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for change, strength in self._changes(acting):
            if change.bias is not None:
                added = change.bias * strength
                name = change.target.module
                found[name] = found[name] + added if name in found else added
        return found

    def _paths(
        self, matrices: Mapping[str, list[tuple[Delta | Weighted, float]]], biases: Mapping[str, Tensor]
    ) -> dict[str, SidePath]:
        found = {}
        for name in matrices.keys() | biases.keys():
            own = layer_bias(self.model.get_submodule(name))
            found[name] = SidePath(
                matrices.get(name, ()), biases.get(name), None if own is None else own.to(self._device)
            )
        return found


def _weighed(acting: Sequence[ActiveLora]) -> Weighed:
    """Sums the strengths of each LoRA in an order that does not depend on that of the LoRAs."""
    sums: dict[Lora, float] = {}
    for one in sorted(acting, key=lambda one: (one.lora.order, one.strength, one.start, one.end)):
        sums[one.lora] = sums.get(one.lora, 0.0) + one.strength
    return tuple((lora, strength) for lora, strength in sums.items() if strength != 0)


def _require_plain(name: str, layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear) and layer.weight.dtype in FUSED and not layer.weight.is_meta:
        return
    held = str(layer.weight.dtype).removeprefix("torch.") if isinstance(layer.weight, Tensor) else "?"
    raise LoraError(
        f"{name} is held in {held}: LoRAs are fused into weights of bfloat16 or float32 only, where what they add is "
        "not rounded away; let them act beside the weights instead"
    )


@contextmanager
def _outliving() -> Iterator[None]:
    """Makes tensors that outlive the call, and may be used outside of inference mode."""
    with torch.inference_mode(mode=False), torch.no_grad():
        yield


def _release(model: nn.Module) -> None:
    """Brings streamed weights back to where they stay."""
    release = getattr(model, "release", None)
    if callable(release):
        release()
