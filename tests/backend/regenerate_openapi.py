"""Writes the committed description of the API anew: python -m tests.backend.regenerate_openapi."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from backend.main import create_app
from backend.models.config import Settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

SNAPSHOT = Path(__file__).with_name("openapi.json")


def current_openapi() -> dict[str, Any]:
    """Returns the description that the code of this checkout serves."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        return json.loads(json.dumps(create_app(settings, FakeEngine, lambda: PLAIN_CPU).openapi()))


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(current_openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
