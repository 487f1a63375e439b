"""What every test may rely on: an empty environment, and no model of this machine in sight."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hides the settings and the hub cache of whoever runs the tests."""
    from huggingface_hub import constants

    for name in [name for name in os.environ if name.startswith("ZIMAGE_")]:
        monkeypatch.delenv(name)
    empty = tmp_path_factory.getbasetemp() / "empty-hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(empty))
    monkeypatch.setenv("HF_HUB_CACHE", str(empty))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return Path(__file__).resolve().parents[1]
