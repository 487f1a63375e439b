"""What a worker tells of itself, and whether it may join."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from backend import __version__
from backend.services.generation.planning.load_plan import CPU, Accelerator, Hardware

_SETS = ("models", "controls", "loras", "annotators")


@dataclass(frozen=True)
class Facts:
    """What is on a worker's machine.

    Attributes:
        versions: of what decides the pixels and the wire, by name.
        hardware: what torch sees there, which is one card at most.
        models: ids of those whose weights are there.
        controls: names of its ControlNets.
        loras: names of its LoRAs.
        annotators: kinds of control images that it has a model for.
        fetches: whether it fetches what it lacks.
    """

    versions: Mapping[str, str]
    hardware: Hardware
    models: frozenset[str] = frozenset()
    controls: frozenset[str] = field(default_factory=frozenset)
    loras: frozenset[str] = field(default_factory=frozenset)
    annotators: frozenset[str] = field(default_factory=frozenset)
    fetches: bool = False

    @property
    def device(self) -> str:
        """The card, as torch names it there, or the processor."""
        return next((card.device for card in self.hardware.accelerators), CPU)

    @property
    def card(self) -> str:
        """What the card is called; empty where there is none."""
        return next((card.name for card in self.hardware.accelerators), "")

    @property
    def memory_bytes(self) -> int:
        """Memory of the card, or of the machine where there is none."""
        return next((card.memory_bytes for card in self.hardware.accelerators), self.hardware.memory_bytes)


def pack_facts(facts: Facts) -> dict[str, Any]:
    """Returns facts as plain data, of which another version can still read the versions."""
    return {**asdict(facts), **{kind: sorted(getattr(facts, kind)) for kind in _SETS}}


def unpack_facts(packed: Mapping[str, Any]) -> Facts:
    """Returns the facts of plain data, of the same version."""
    hardware = dict(packed["hardware"])
    cards = tuple(Accelerator(**card) for card in hardware.pop("accelerators"))
    return Facts(
        versions=packed["versions"],
        hardware=Hardware(**hardware, accelerators=cards),
        fetches=packed["fetches"],
        **{kind: frozenset(packed[kind]) for kind in _SETS},
    )


def read_versions() -> dict[str, str]:
    """Returns the versions here of what must be the same everywhere; imports none of it."""
    return {
        "zimage": __version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "torch": _release_of("torch"),
        "ray": _release_of("ray"),
    }


def find_differences(own: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Returns in words where another machine's versions differ from the queue's; empty when nowhere."""
    names = [name for name in own if own[name] != other.get(name)]
    return ", ".join(f"{name} {other.get(name) or 'missing'} instead of {own[name] or 'none'}" for name in names)


def _release_of(package: str) -> str:
    """Returns a version without what it was built for: `2.9.0+cu128` draws as `2.9.0+cpu` does."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return ""
