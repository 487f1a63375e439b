"""Following a task: events, resumed where they broke, and polls where events do not come through."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx

from zimage_client.calls import Call, events
from zimage_client.decode import Unfit, decode
from zimage_client.errors import UnexpectedAnswer, error_of, retry_after_of
from zimage_client.retries import REFUSED, UNCLEAR, Retries, connection_failed
from zimage_client.sse import EventParser
from zimage_client.types import Task

SILENCE_S = 45.0
"""Longest wait for a sign of the server, which sends a comment every 15 seconds."""
POLL_S = 0.5
BARREN_STREAMS = 2
"""Streams in a row that end without an event; then something in between does not pass events on."""


class Watch:
    """What is known of a task that is followed; does no I/O."""

    def __init__(self, task_id: str, retries: Retries) -> None:
        self.call: Call[None] = events(task_id)
        self.task_id = task_id
        self.polls = False
        """Whether to ask for the status now and then instead of listening."""
        self.ended = False
        self._retries = retries
        self._parser = EventParser()
        self._last_id = ""
        self._last: Task | None = None
        self._failures = 0
        self._barren = 0
        self._pause_s = 0.0

    def request(self, http: httpx.Client | httpx.AsyncClient, prefix: str, silence_s: float) -> httpx.Request:
        """Builds the request of the next stream, which may be silent for so long."""
        request = self.call.build(http, prefix)
        request.headers.update({"Accept": "text/event-stream", "Cache-Control": "no-store"})
        if self._last_id:
            request.headers["Last-Event-ID"] = self._last_id
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": silence_s}
        return request

    def accepts(self, response: httpx.Response) -> bool:
        """Tells whether a response is a stream to listen to; its body is read if it is an error.

        Raises:
            ApiError: The server refuses, for more than a moment.
        """
        self._parser = EventParser()
        status = response.status_code
        if status == 204:  # the last event was the last one
            self.ended = self._last is not None
            self.polls = not self.ended
            return False
        if status in REFUSED | UNCLEAR:
            self._fail(error_of(response))
            self._pause_s = max(self._pause_s, min(retry_after_of(response) or 0.0, self._retries.longest_wait_s))
            return False
        if status >= 300:
            raise error_of(response)
        self.polls = not response.headers.get("Content-Type", "").startswith("text/event-stream")
        self._barren += 1  # until the first event comes
        return not self.polls

    def take(self, piece: bytes) -> Iterator[Task]:
        """Yields the statuses that a piece of the stream completes."""
        try:
            complete = self._parser.feed(piece)
        except ValueError as error:
            raise UnexpectedAnswer(f"The events are none of a Z-Image: {error}.") from None
        for event in complete:
            if event.event == "status":
                self._last_id = event.id
                self._failures = self._barren = 0
                yield self._remember(_task_of(event.data))

    def polled(self, task: Task) -> Iterator[Task]:
        """Yields a polled status if it is news."""
        self._pause_s = POLL_S
        if self._last is None or task.raw != self._last.raw:
            yield self._remember(task)

    def broke(self, error: httpx.TransportError) -> None:
        """Notes that the stream broke or was not opened.

        Raises:
            ConnectionFailed: This was the last try.
        """
        self._fail(connection_failed(error, self.call))

    def pause_s(self) -> float:
        """Returns the wait before what comes next: another stream, or a poll."""
        if self._barren >= BARREN_STREAMS:
            self.polls = True
        pause_s, self._pause_s = self._pause_s, 0.0
        if not self.ended and not pause_s and not self.polls:  # the stream ended quietly, as with its server
            pause_s = self._retries.wait_s(1)
        return 0.0 if self.ended else pause_s

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= self._retries.attempts:
            raise error
        self._pause_s = self._retries.wait_s(self._failures)

    def _remember(self, task: Task) -> Task:
        self._last, self.ended = task, task.is_final
        return task


def _task_of(data: str) -> Task:
    try:
        return decode(Task, json.loads(data))
    except (json.JSONDecodeError, Unfit) as error:
        raise UnexpectedAnswer(f"An event is no status of a task: {error}.") from None
