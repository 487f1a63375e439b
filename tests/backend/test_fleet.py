"""Wiring of a cluster: nothing is connected to before it is needed."""

from __future__ import annotations

import sys
import threading

from backend.main import build_services
from backend.services.tasks.executors.ray.executor import RayExecutor
from tests.backend.fakes import PLAIN_CPU, FakeEngine


def test_the_settings_choose_the_executor(settings):
    own = settings.model_copy(update={"executor": "ray", "ray_address": "head:6379", "ray_cpu_nodes": True})
    threads = threading.active_count()
    services = build_services(own, FakeEngine, lambda: PLAIN_CPU)

    assert isinstance(services.executor, RayExecutor)
    assert services.executor._cpu_nodes
    assert services.executor._cluster._address == "head:6379"
    assert services.planner._hardware == services.executor.hardware  # what its workers have, not this machine
    assert services.resolver._hardware == services.executor.hardware
    assert threading.active_count() == threads
    assert not services.executor.healthy
    assert services.executor.fault.code == "cluster_lost"
    services.executor.close()  # which nobody has prepared


def test_this_process_is_the_default(settings):
    services = build_services(settings, FakeEngine, lambda: PLAIN_CPU)
    assert not isinstance(services.executor, RayExecutor)
    assert services.executor.healthy
    assert "backend.main" in sys.modules
