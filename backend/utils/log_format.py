"""Formats of the log: lines that cannot be forged, with the task's id."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

TASK_ID: ContextVar[str | None] = ContextVar("task_id", default=None)
"""Id of the current context's task."""

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x09}
_ESCAPED |= {ord("\n"): "\\n", ord("\r"): "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029", ord("\x1b"): "\\x1b"}


def escape(text: str) -> str:
    """Escapes line breaks and control characters."""
    return text.translate(_ESCAPED)


class TextFormatter(logging.Formatter):
    """Text format: time, level, logger, task, message. Tracebacks are indented, so that they forge no line."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        task_id = TASK_ID.get()
        task = f" [{task_id[:8]}]" if task_id else ""
        moment = _moment(record)
        line = f"{moment} {record.levelname:<7} {record.name}{task}: {escape(record.getMessage())}"
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {escape(part)}" for part in trace.splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """JSON format: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        entry = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "task_id": TASK_ID.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else None,
        }
        return json.dumps({name: value for name, value in entry.items() if value is not None})


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
