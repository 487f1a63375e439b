"""What runs on a worker's machine: one thread draws, others answer meanwhile. Knows nothing of Ray."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from PIL import Image

from backend.services.errors import StudioError
from backend.services.generation.events import Emit, Ended, IsCancelled
from backend.services.generation.job import Job
from backend.services.tasks.executors.ray.facts import Facts, pack_facts
from backend.services.tasks.executors.ray.wire import Packed, Pixels, pack, unpack_image

logger = logging.getLogger(__name__)

HEARD_AT_ONCE = 64
"""Events that one answer holds at most."""


class Workshop(Protocol):
    """What a worker draws with; used by one thread, but for `facts`."""

    def prepare(self) -> None:
        """Imports what is slow to import."""

    def facts(self) -> Facts:
        """Looks at the machine and its weights."""

    def generate(self, job: Job, images: Mapping[str, Image.Image], emit: Emit, cancelled: IsCancelled) -> None:
        """Draws the images of a job; see `ImageGenerator.generate`."""

    def unload(self) -> None:
        """Frees the memory of the model."""


MakeWorkshop = Callable[[], Workshop]


class Actor:
    """Draws one job after the other. Its methods are called on several threads."""

    def __init__(self, make_workshop: MakeWorkshop) -> None:
        self._make_workshop = make_workshop
        self._making = threading.Lock()
        self._workshop: Workshop | None = None
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._events: dict[str, queue.SimpleQueue[Packed]] = {}
        self._cancelled: set[str] = set()
        threading.Thread(target=self._draw_always, name="drawing", daemon=True).start()

    def look(self) -> dict[str, Any]:
        """Returns what is here; the first time it takes the imports of an engine."""
        with self._making:
            if self._workshop is None:
                workshop = self._make_workshop()
                workshop.prepare()
                self._workshop = workshop
            return pack_facts(self._workshop.facts())

    def ping(self) -> bool:
        """Tells that the process is alive."""
        return True

    def draw(self, key: str, job: str, images: Mapping[str, Pixels]) -> Iterator[Packed]:
        """Draws a job; yields its events as they come, `Ended` last."""
        self.begin(key, job, images)
        while True:
            for event in self.hear(key, None):
                yield event
                if _is_end(event):
                    return

    def begin(self, key: str, job: str, images: Mapping[str, Pixels]) -> None:
        """Begins to draw a job, for somebody who then listens with `hear`."""
        events = self._events[key] = queue.SimpleQueue()
        self._work.put(lambda: self._draw(key, job, images, events))

    def hear(self, key: str, timeout_s: float | None) -> list[Packed]:
        """Returns the events since the last time; waits for the first one, at most so long."""
        events, heard = self._events[key], list[Packed]()
        with contextlib.suppress(queue.Empty):
            heard.append(events.get(timeout=timeout_s))
            while not _is_end(heard[-1]) and len(heard) < HEARD_AT_ONCE:
                heard.append(events.get_nowait())
        if heard and _is_end(heard[-1]):
            del self._events[key]
        return heard

    def cancel(self, key: str) -> None:
        """Ends a job at its next step."""
        if key in self._events:
            self._cancelled.add(key)

    def unload(self) -> None:
        """Frees the memory of the model when what is drawn is drawn; returns then."""
        done = threading.Event()

        def free() -> None:
            if self._workshop is not None:
                self._workshop.unload()
            done.set()

        self._work.put(free)
        done.wait()

    def _draw_always(self) -> None:
        while True:
            self._work.get()()

    def _draw(self, key: str, job: str, images: Mapping[str, Pixels], events: queue.SimpleQueue[Packed]) -> None:
        end = Ended()
        try:
            self.look()
            if self._workshop is None:
                raise RuntimeError("look() makes the workshop")
            pictures = {input_id: unpack_image(pixels) for input_id, pixels in images.items()}
            self._workshop.generate(
                Job.model_validate_json(job),
                pictures,
                lambda event: events.put(pack(event)),
                lambda: key in self._cancelled,
            )
        except StudioError as error:
            end = Ended(error.code, str(error))
        except Exception as error:  # a fault of ours: the worker goes on, its log has the traceback
            logger.exception("the job failed")
            end = Ended(StudioError.code, str(StudioError.unexpected(error)))
        self._cancelled.discard(key)
        events.put(pack(end))


def _is_end(event: Packed) -> bool:
    return event[0] == Ended.__name__
