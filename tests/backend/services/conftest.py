"""Task managers that share engine, store and journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from backend.models.schemas import ImageRecord
from backend.services.generation.resolve import Resolver
from backend.services.images.store import HistoryStore
from backend.services.library.catalogue import Catalogue
from backend.services.task_manager import TaskManager
from backend.services.tasks.executors.local import LocalExecutor
from backend.services.tasks.queue import Limits
from backend.services.tasks.store import Journal
from tests.backend.fakes import PLAIN_CPU, a_picture, make_planner
from tests.backend.services.images.keeping import CHINESE
from tests.backend.services.tasks.managing import FakeStore, Make


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def make(settings, engine, store, tmp_path) -> Iterator[Make]:
    """Builds managers that share engine, store and journal; ends them all afterwards."""
    made: list[TaskManager] = []

    def make(**options: Any) -> TaskManager:
        catalogue, hardware = Catalogue(settings), options.pop("hardware", lambda: PLAIN_CPU)
        executor = options.pop("executor", None) or LocalExecutor(
            settings, catalogue, lambda: engine, hardware, make_planner(settings, hardware)
        )
        resolver = options.pop("resolver", None) or Resolver(settings, catalogue, hardware)
        names = {field.name for field in fields(Limits)}
        limits = Limits(**{name: options.pop(name) for name in names & set(options)})
        options = {"admit": lambda request, job: None, "limits": limits, **options}
        manager = TaskManager(executor, store, Journal(tmp_path / "tasks.json"), resolver, **options)
        made.append(manager)
        return manager

    yield make
    for manager in made:
        if all(thread.ident is not None for thread in manager._workers._threads):
            assert manager.close()


@pytest.fixture
def manager(make: Make) -> TaskManager:
    manager = make()
    manager.start()
    return manager


@pytest.fixture
def three(store: HistoryStore) -> list[ImageRecord]:
    """Three pictures in the history of the test's module, newest first."""
    return [store.add(a_picture(prompt)) for prompt in ("first", CHINESE, "third")][::-1]
