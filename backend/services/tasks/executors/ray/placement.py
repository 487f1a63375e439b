"""Which workers a cluster is to have: one a card, each on its machine. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where a worker is to be.

    Attributes:
        slot: its name.
        node_id: the machine's, in Ray.
        node: the machine's name.
        n_gpus: cards that it takes: 1, or 0 for the processor.
        n_cpus: processors that it takes.
    """

    slot: str
    node_id: str
    node: str
    n_gpus: int
    n_cpus: float


def find_places(nodes: Sequence[Mapping[str, Any]], *, cpu_nodes: bool) -> tuple[Place, ...]:
    """Returns the places for workers on the machines that are there.

    Args:
        nodes: as `ray.nodes()` tells them.
        cpu_nodes: whether a machine without a card gets a worker too.
    """
    return tuple(place for node in nodes if node["Alive"] for place in _places_on(node, cpu_nodes=cpu_nodes))


def _places_on(node: Mapping[str, Any], *, cpu_nodes: bool) -> list[Place]:
    resources, node_id = node.get("Resources", {}), str(node["NodeID"])
    host = str(node.get("NodeManagerHostname") or node.get("NodeName") or node_id)
    name = f"{host}-{node_id[:6]}"  # two may have the same host name
    n_gpus, n_cpus = math.floor(resources.get("GPU", 0)), math.floor(resources.get("CPU", 0))
    if n_gpus:
        share = min(1.0, n_cpus / n_gpus)
        return [Place(f"{name}-gpu{index}", node_id, host, 1, share) for index in range(n_gpus)]
    return [Place(f"{name}-cpu", node_id, host, 0, n_cpus)] if cpu_nodes and n_cpus else []
