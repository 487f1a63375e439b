from __future__ import annotations

import json
import logging
import sys

import pytest

from backend.utils.log_format import TASK_ID, JsonFormatter, TextFormatter, escape

FORGED = "a\n2026-01-01 ERROR backend: forged\r\x1b[2J\u2028\x85\0"


def a_record(message: str, *, error: bool = False) -> logging.LogRecord:
    info = None
    if error:
        try:
            raise ValueError(FORGED)
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("backend.x", logging.WARNING, __file__, 1, "%s", (message,), info)


def test_a_line_is_a_line():
    line = TextFormatter().format(a_record(FORGED))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert "WARNING backend.x: a\\n2026-01-01 ERROR backend: forged\\r" in line


def test_chinese_stays_chinese():
    assert escape("狐狸 🦊\tx") == "狐狸 🦊\tx"


def test_no_line_of_a_traceback_looks_like_one_of_ours():
    first, *rest = TextFormatter().format(a_record("failed", error=True)).split("\n")
    assert first.endswith("failed")
    assert all(line.startswith("    ") for line in rest)


@pytest.mark.parametrize("error", [False, True])
def test_json_is_an_object_a_line(error):
    line = JsonFormatter().format(a_record(FORGED, error=error))
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("WARNING", "backend.x", FORGED)
    assert ("exception" in entry) == error


def test_the_task_is_named():
    token = TASK_ID.set("0123456789abcdef" * 2)
    try:
        assert "backend.x [01234567]: m" in TextFormatter().format(a_record("m"))
        assert json.loads(JsonFormatter().format(a_record("m")))["task_id"] == "0123456789abcdef" * 2
    finally:
        TASK_ID.reset(token)
    assert "task_id" not in json.loads(JsonFormatter().format(a_record("m")))
