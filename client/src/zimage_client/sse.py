"""Server-sent events, as the HTML standard describes them, out of a stream of bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

LARGEST_LINE = 2**23
"""Characters; the status of a task is a thousandth of that."""


@dataclass(frozen=True)
class Event:
    """An event with its type, data, and the id of the last event that had one."""

    event: str
    data: str
    id: str


class EventParser:
    """Takes pieces of a stream as they come; a piece may end within a line or a character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._is_first = True
        self._event = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> list[Event]:
        """Returns the events that this piece completes.

        Raises:
            ValueError: A line is longer than an event of this server can be.
        """
        text = self._rest + self._decoder.decode(piece)
        if self._is_first and text:
            text, self._is_first = text.removeprefix("\ufeff"), False
        held = "\r" if text.endswith("\r") else ""  # its "\n" may come with the next piece
        lines = text.removesuffix(held).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
        if len(self._rest) > LARGEST_LINE:
            raise ValueError(f"a line of the events is longer than {LARGEST_LINE} characters")
        return [event for line in lines if (event := self._take(line)) is not None]

    def _take(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> Event | None:
        event, data = self._event or "message", self._data
        self._event, self._data = "", []
        return Event(event, "\n".join(data), self._id) if data else None
