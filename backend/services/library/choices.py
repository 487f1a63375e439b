"""What a user has chosen for models of files: which member of the family one is, and which parts it uses."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from backend.models.catalogue import Member, PartName
from backend.utils.atomic_file import write_atomically

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """Choice for one model; what is not chosen follows from what is there.

    Attributes:
        parts: names of the files, by part.
    """

    member: Member | None = None
    parts: Mapping[PartName, str] = field(default_factory=dict)


class Choices:
    """Choices by model, kept in a file. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def all(self) -> dict[str, Choice]:
        """Returns every choice; a file that cannot be read is none, and stays as it is until the next choice."""
        try:
            stored = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s cannot be read: %s", self._path.name, error)
            return {}
        return {name: _parse(choice) for name, choice in stored.items()} if isinstance(stored, dict) else {}

    def put(self, model: str, choice: Choice) -> None:
        """Stores a model's choice.

        Raises:
            OSError: the disk is full or refuses; what was chosen before stays.
        """
        with self._lock:
            choices = self.all() | {model: choice}
            text = json.dumps({name: asdict(one) for name, one in choices.items()}, ensure_ascii=False, indent=2)
            write_atomically(self._path, lambda file: file.write(text.encode()))


def _parse(stored: Any) -> Choice:
    """Reads what was stored field by field: one that makes no sense is as if nothing was chosen."""
    if not isinstance(stored, dict):
        return Choice()
    member, parts = stored.get("member"), stored.get("parts")
    known = parts.items() if isinstance(parts, dict) else ()
    return Choice(
        member if member in get_args(Member) else None,
        {part: name for part, name in known if part in get_args(PartName) and isinstance(name, str)},
    )
