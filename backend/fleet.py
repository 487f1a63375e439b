"""Wiring of the workers on a Ray cluster; imported only when the settings ask for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from backend.models.config import Settings
from backend.models.recipe import LoraUse
from backend.services.generation.planning.calibration import Calibration
from backend.services.generation.planning.load_plan import Hardware
from backend.services.generation.planning.planner import Planner
from backend.services.images.inputs import InputStore
from backend.services.images.sources import read_from
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.ray.cluster import Cluster
from backend.services.tasks.executors.ray.executor import RayExecutor
from backend.services.tasks.executors.ray.fitting import Fitting


def build_ray_executor(
    settings: Settings,
    catalogue: Catalogue,
    inputs: InputStore,
    calibration: Calibration,
    count_control: Callable[[str], int],
    count_lora: Callable[[LoraUse], int],
) -> RayExecutor:
    """Returns what runs jobs on a cluster; it connects to nothing before it is prepared."""
    from backend.worker import make_workshop, sent_settings

    def make_planner(hardware: Hardware) -> Planner:
        return Planner(settings, lambda: hardware, calibration, count_control, count_lora)

    fitting = Fitting(catalogue, make_planner)
    return RayExecutor(
        Cluster(settings.ray_address),
        partial(make_workshop, sent_settings(settings)),
        read_from(inputs, lambda _name: Path(), lambda _use: Path()),  # each worker has networks of its own
        fitting,
        cpu_nodes=settings.ray_cpu_nodes,
    )
