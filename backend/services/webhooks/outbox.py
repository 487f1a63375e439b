"""Deliveries that are not done yet, on the disk: a restart goes on with them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Container
from pathlib import Path

from backend.models.recipe import Frozen
from backend.utils import record_file
from backend.utils.atomic_file import copy_aside, set_aside
from backend.utils.record_file import RecordFile

logger = logging.getLogger(__name__)

MAX_WAITING = 1000
"""Deliveries of all clients; one more drives out the oldest of whoever has most."""
_SHORT = 50


class Delivery(Frozen):
    """Message to one address, and when it is to be sent next."""

    id: str
    """Also at every retry, so that who receives it twice can tell."""
    client: str
    """Name of the token whose secret signs it."""
    url: str
    event: str
    body: str
    created_at: float
    due_at: float
    """Both in seconds since 1970."""
    attempts: int = 0


FORMAT = record_file.Format(
    version=1,
    key="deliveries",
    id_of=lambda delivery: delivery.id,
    encode=lambda delivery: delivery.model_dump_json().encode(),
    decode=Delivery.model_validate_json,
)


class Outbox:
    """What is still to be sent. Thread-safe; a disk that refuses costs what a crash would lose, and nothing else."""

    def __init__(self, file: Path, max_waiting: int = MAX_WAITING) -> None:
        self._file = RecordFile(file, FORMAT)
        self._max_waiting = max_waiting
        self._lines: record_file.Lines[Delivery] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Takes up what the last run has left.

        Raises:
            NewerFormat: A newer version of this program wrote it; nothing was touched.
        """
        with self._lock:
            found, path = self._file.read(), self._file.path
            if found.version is None and path.exists():
                logger.error("%s is damaged: kept as %s", path.name, set_aside(path).name)
            elif found.damaged:
                logger.error("%d webhooks are damaged; the file is kept as %s", found.damaged, copy_aside(path).name)
            self._lines = {line.record.id: line for line in found.lines}
            self._file.replay(self._lines)
            self._file.distrust_log()  # it may end in half a line

    def __len__(self) -> int:
        return len(self._lines)

    def put(self, delivery: Delivery) -> None:
        """Adds a delivery, or replaces it; it is on the disk when this returns, if that takes it."""
        with self._lock:
            line = FORMAT.line_of(delivery)
            gone = [] if delivery.id in self._lines else self._oldest_of_most()
            self._lines = {key: other for key, other in self._lines.items() if key not in gone} | {delivery.id: line}
            self._save({**dict.fromkeys(gone), delivery.id: line.json})

    def remove(self, delivery_id: str) -> None:
        """Forgets a delivery."""
        with self._lock:
            if delivery_id in self._lines:
                self._lines = {key: line for key, line in self._lines.items() if key != delivery_id}
                self._save({delivery_id: None})

    def waiting(self, without: Container[str] = ()) -> list[Delivery]:
        """Returns the deliveries in the order in which they are due."""
        records = [line.record for line in list(self._lines.values())]
        return sorted((one for one in records if one.id not in without), key=lambda one: one.due_at)

    def _oldest_of_most(self) -> list[str]:
        """Returns the one that has to go for another, if there are too many."""
        if len(self._lines) < self._max_waiting:
            return []
        by_client: dict[str, list[str]] = {}
        for line in self._lines.values():
            by_client.setdefault(line.record.client, []).append(line.record.id)
        oldest = max(by_client.values(), key=len)[0]
        logger.error("%d webhooks wait: %s is given up", len(self._lines), oldest)
        return [oldest]

    def _save(self, changes: record_file.Changes) -> None:
        try:
            if self._file.can_append(len(changes), max(_SHORT, len(self._lines))):
                self._file.append(changes)
            else:
                self._file.write(line.json for line in self._lines.values())
        except OSError as error:
            self._file.distrust_log()  # it lacks this change, and the next one writes all of them
            logger.error("the webhooks could not be saved: %s", error)
