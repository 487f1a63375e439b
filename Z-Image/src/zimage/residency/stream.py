"""Weights that come to the device when they are needed: while one unit computes, the next ones are copied.

The device has a few slots, two for streaming. A unit's weights are copied into a slot as soon as the one before it
there has been computed with. The main memory keeps all of them, so nothing is ever copied back, and whatever is
abandoned in the middle is simply copied anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from zimage.residency.copier import Copier, choose_copier
from zimage.residency.host import as_laid_out

SLOTS = 2
ALIGNMENT = 256  # bytes, as of CUDA's own allocations

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Weight:
    """A tensor of a module, as the main memory holds it."""

    owner: nn.Module
    name: str
    host: Tensor

    def bind(self, tensor: Tensor) -> None:
        """Lets the module use a tensor."""
        if isinstance(getattr(self.owner, self.name), nn.Parameter) and not isinstance(tensor, nn.Parameter):
            tensor = nn.Parameter(tensor, requires_grad=False)
        setattr(self.owner, self.name, tensor)

    def leave(self) -> None:
        """Lets the module have the tensor of the main memory."""
        self.bind(self.host)


@dataclass(frozen=True, eq=False)
class Unit:
    """Weights that come to the device together."""

    weights: tuple[Weight, ...]

    @property
    def size_bytes(self) -> int:
        """Size of a slot for the unit."""
        return sum(_aligned(weight.host.nbytes) for weight in self.weights)

    def views(self, memory: Tensor) -> list[Tensor]:
        """Cuts a slot into the unit's tensors."""
        found, start = [], 0
        for weight in self.weights:
            found.append(as_laid_out(memory[start:], weight.host))
            start += _aligned(weight.host.nbytes)
        return found

    def bind(self, tensors: Iterable[Tensor]) -> None:
        """Lets the modules use tensors."""
        for weight, tensor in zip(self.weights, tensors, strict=True):
            weight.bind(tensor)

    def leave(self) -> None:
        """Lets the modules have the weights of the main memory."""
        for weight in self.weights:
            weight.leave()


@dataclass
class _Slot:
    """Memory of the device, and whose weights are there or on their way."""

    memory: Tensor
    unit: Unit | None = None
    copied: object = None


class WeightStream:
    """Brings modules' weights to a device. Used by one thread at a time.

    It stays usable after an exception in the middle of a walk.
    """

    def __init__(
        self,
        routes: Sequence[Sequence[tuple[nn.Module, Unit]]],
        device: torch.device,
        *,
        n_slots: int = SLOTS,
        copier: Copier | None = None,
    ) -> None:
        """Takes modules over, whose weights are in the main memory.

        Args:
            routes: modules that run one after another, with their weights; a module is on one route.
            device: where they compute.
            n_slots: units that may be on the device at a time.
            copier: what copies; default: what suits the device.
        """
        self._device = device
        self._copier = copier or choose_copier(device)
        self._n_slots = n_slots
        self._ahead: dict[nn.Module, tuple[Unit, ...]] = {}
        for route in routes:
            units = [unit for _, unit in route]
            self._ahead |= {module: tuple(units[i : i + n_slots + 1]) for i, (module, _) in enumerate(route)}
        self._slot_bytes = max((ahead[0].size_bytes for ahead in self._ahead.values()), default=0)
        self._slots: list[_Slot] = []

    @property
    def host_bytes(self) -> int:
        """Size of the weights in the main memory."""
        return sum(weight.host.nbytes for ahead in self._ahead.values() for weight in ahead[0].weights)

    @property
    def device_bytes(self) -> int:
        """Size of the slots."""
        return sum(slot.memory.nbytes for slot in self._slots)

    def walk(self, modules: Iterable[M]) -> Iterator[M]:
        """Yields modules in their order, each when its weights are on the device; a resident one passes."""
        for module in modules:
            ahead = self._ahead.get(module)
            if ahead is None:
                yield module
                continue
            self._want(ahead[: self._n_slots])
            self._copier.wait(self._slot_of(ahead[0]).copied)
            yield module
            self._want(ahead[1:])

    @contextmanager
    def present(self, module: nn.Module) -> Iterator[None]:
        """Holds a module's weights on the device."""
        try:
            for _ in self.walk([module]):
                yield
        finally:
            self.release()

    def release(self) -> None:
        """Frees the memory of the device."""
        if not self._slots:
            return
        self._copier.finish()
        for slot in self._slots:
            if slot.unit is not None:
                slot.unit.leave()
        self._slots.clear()

    def _want(self, units: Sequence[Unit]) -> None:
        """Begins to copy those units that are not there, in place of others; at most as many as there are slots."""
        there = {slot.unit for slot in self._slots}
        for unit in units:
            if unit not in there:
                self._copy(unit, self._free_slot(units))

    def _free_slot(self, kept: Sequence[Unit]) -> _Slot:
        free = next((slot for slot in self._slots if slot.unit is None or slot.unit not in kept), None)
        if free is None:
            with torch.inference_mode(mode=False):
                free = _Slot(torch.empty(self._slot_bytes, dtype=torch.uint8, device=self._device))
            self._slots.append(free)
        return free

    def _copy(self, unit: Unit, slot: _Slot) -> None:
        if slot.unit is not None:
            slot.unit.leave()
            slot.unit = None
        with torch.inference_mode(mode=False), torch.no_grad():
            tensors = unit.views(slot.memory)
            slot.copied = self._copier.copy([weight.host for weight in unit.weights], tensors)
            unit.bind(tensors)
        slot.unit = unit

    def _slot_of(self, unit: Unit) -> _Slot:
        return next(slot for slot in self._slots if slot.unit is unit)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // ALIGNMENT) * ALIGNMENT
