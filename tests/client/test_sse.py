"""The parser of events."""

from __future__ import annotations

import pytest
from zimage_client.sse import LARGEST_LINE, Event, EventParser

STREAM = (
    "\ufeff: a comment\r\n"
    "event: status\r\nid: 1\r\ndata: {\"prompt\": \"一只狐狸\u2028\u0085\"}\r\n\r\n"
    "data: two\ndata:lines\n\n"
    "retry: 5\nevent: lost without data\n\n"
    "id: 2\rdata\r\r"
    "id: with\0null\ndata: x\n\n"
    "data: cut off"
)  # fmt: skip
EVENTS = [
    Event("status", '{"prompt": "一只狐狸\u2028\u0085"}', "1"),
    Event("message", "two\nlines", "1"),
    Event("message", "", "2"),
    Event("message", "x", "2"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_come_out_whole_however_they_arrive(size):
    parser, stream = EventParser(), STREAM.encode()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


def test_a_stream_without_lines_is_none_of_ours():
    with pytest.raises(ValueError, match="longer than"):
        EventParser().feed(b"x" * (LARGEST_LINE + 1))
