"""Writes the committed contract of the API anew: python -m tests.backend.regenerate_openapi."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from backend.main import create_app
from backend.models.config import Settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

SNAPSHOT = Path(__file__).with_name("openapi.json")
PROSE = {"description", "summary", "title", "example", "examples"}
"""Keywords whose text binds nobody; a field of such a name has a schema, which is kept."""


def current_openapi() -> dict[str, Any]:
    """Returns the description that the code of this checkout serves."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        return json.loads(json.dumps(create_app(settings, FakeEngine, lambda: PLAIN_CPU).openapi()))


def contract(description: Any, *, is_of_fields: bool = False) -> Any:
    """Returns what a client relies on: the description without its prose and examples."""
    if isinstance(description, list):
        return [contract(part) for part in description]
    if not isinstance(description, dict):
        return description
    return {
        name: contract(part, is_of_fields=name == "properties" and not is_of_fields)
        for name, part in description.items()
        if is_of_fields or name not in PROSE
    }


if __name__ == "__main__":
    text = json.dumps(contract(current_openapi()), indent=1, ensure_ascii=False, sort_keys=True)
    SNAPSHOT.write_text(text + "\n", "utf-8")
