"""Several raylets on this machine, with few resources and an end that is checked."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[6]
STORE_BYTES = 80_000_000
LONGEST_END_S = 20.0
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "OMP_NUM_THREADS": "1"}


class Simulated:
    """A cluster whose machines are raylets."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.address: str = cluster.address

    def add(self, **resources: float) -> Any:
        """Adds a machine; returns it."""
        return self._cluster.add_node(object_store_memory=STORE_BYTES, include_log_monitor=False, **resources)

    def kill(self, node: Any) -> None:
        """Kills a machine's raylet, and all that runs there with it."""
        self._cluster.remove_node(node, allow_graceful=False)


@contextmanager
def simulate() -> Iterator[Simulated]:
    """Starts a head without a card; ends all of it, and what it has started."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    temporary = tempfile.mkdtemp(prefix="zr", dir="/tmp")  # sockets lie in it, whose paths are short
    kept = {name: os.environ.get(name) for name in (*SETTINGS, "PYTHONPATH")}
    os.environ.update(SETTINGS, PYTHONPATH=os.pathsep.join((str(ROOT), str(ROOT / "Z-Image" / "src"))))
    import ray
    from ray.cluster_utils import Cluster

    cluster = None
    try:
        head = {
            "num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False, "temp_dir": temporary,
            "include_log_monitor": False,
        }  # fmt: skip
        cluster = Cluster(initialize_head=True, head_node_args=head)
        yield Simulated(cluster)
    finally:
        ray.shutdown()
        if cluster is not None:
            cluster.shutdown()
        _end_what_is_left(before)
        shutil.rmtree(temporary, ignore_errors=True)
        for name, value in kept.items():
            os.environ.pop(name, None)
            os.environ |= {} if value is None else {name: value}


def _end_what_is_left(before: set[int]) -> None:
    """Waits until no process is left that was started meanwhile.

    Raises:
        AssertionError: one had to be killed.
    """
    deadline = time.monotonic() + LONGEST_END_S
    while left := [child for child in psutil.Process().children(recursive=True) if child.pid not in before]:
        if time.monotonic() > deadline:
            names = [child.name() for child in left]
            for child in left:
                child.kill()
            raise AssertionError(f"still there: {names}")
        psutil.wait_procs(left, timeout=0.2)


def main() -> None:
    """Tells the address of a head and so many machines, and keeps them until the input ends."""
    with simulate() as simulated:
        for _ in range(int(sys.argv[1])):
            simulated.add(num_cpus=1)
        print(simulated.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
