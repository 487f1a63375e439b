"""What every test may rely on: an empty environment, and no model of this machine in sight."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

SLOW_IN_QUICK_ONES = 20
"""How many other tests a slow one counts for."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts long files first where processes share files, so that none has one left when the others are done."""
    if not hasattr(config, "workerinput"):
        return
    lengths: Counter[Path] = Counter()
    for item in items:
        lengths[item.path] += SLOW_IN_QUICK_ONES if item.get_closest_marker("slow") else 1
    items.sort(key=lambda item: -lengths[item.path])


@pytest.fixture(autouse=True, scope="session")
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hides the settings and the hub cache of whoever runs the tests."""
    from huggingface_hub import constants

    empty = str(tmp_path_factory.getbasetemp() / "empty-hub")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ZIMAGE_")]:
            patch.delenv(name)
        patch.setattr(constants, "HF_HUB_CACHE", empty)
        patch.setenv("HF_HUB_CACHE", empty)
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(autouse=True, scope="module")
def _imports_are_no_garbage() -> None:
    """Spares the collections that tests ask for the search among what is imported for good: 0.3 s each with torch."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return Path(__file__).resolve().parents[1]
