"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from zimage_client.calls import Call
from zimage_client.errors import ConnectionFailed, error_of, retry_after_of

REFUSED = frozenset({429, 503})
"""Answers of a server that has not begun with the request."""
UNCLEAR = frozenset({502, 504})
"""Answers of a proxy that does not know."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
T = TypeVar("T")
Outcome = httpx.Response | httpx.TransportError


@dataclass(frozen=True)
class Retries:
    """How patient a client is; `Retries(attempts=1)` never tries again."""

    attempts: int = 5
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    longest_retry_after_s: float = 60.0
    """A server that asks for more patience than this is not asked again."""

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.first_wait_s, self.longest_wait_s, self.longest_retry_after_s) < 0:
            raise ValueError(f"attempts must be 1 or more and seconds 0 or more, got {self}")

    def wait_s(self, failures: int) -> float:
        """Returns the wait after so many failures in a row: twice as long each time, less up to a half by chance."""
        wait_s = min(self.first_wait_s * 2.0 ** min(failures - 1, 30), self.longest_wait_s)
        return wait_s * random.uniform(0.5, 1.0)


class Attempts:
    """The tries of one call."""

    def __init__(self, call: Call[Any], retries: Retries) -> None:
        self._call = call
        self._retries = retries
        self._failures = 0

    def wait_s(self, outcome: Outcome) -> float | None:
        """Returns the seconds until the next try; None when this outcome is the last one."""
        self._failures += 1
        if self._failures >= self._retries.attempts or not self._may_repeat(outcome):
            return None
        asked_s = retry_after_of(outcome) if isinstance(outcome, httpx.Response) else None
        if asked_s is None:
            return self._retries.wait_s(self._failures)
        return asked_s if asked_s <= self._retries.longest_retry_after_s else None

    def _may_repeat(self, outcome: Outcome) -> bool:
        if isinstance(outcome, httpx.Response):
            status = outcome.status_code
            if status in self._call.expected:
                return False
            return status in REFUSED or (status in UNCLEAR and self._call.repeatable)
        if isinstance(outcome, httpx.UnsupportedProtocol):
            return False
        return self._call.repeatable or isinstance(outcome, NEVER_SENT)


def result_of(call: Call[T], outcome: Outcome) -> T:
    """Reads the last outcome.

    Raises:
        ZImageError: It is a failure.
    """
    if isinstance(outcome, httpx.TransportError):
        raise connection_failed(outcome, call)
    if outcome.status_code >= 300 and outcome.status_code not in call.expected:
        raise error_of(outcome)
    return call.parse(outcome)


def connection_failed(error: httpx.TransportError, call: Call[Any]) -> ConnectionFailed:
    """Returns the error of the family that stands for one of the connection."""
    url = error.request.url
    place = f"{url.scheme}://{url.netloc.decode('ascii')}"
    if isinstance(error, NEVER_SENT):
        return ConnectionFailed(f"No Z-Image answers at {place}: {_reason(error)}.")
    unclear = "" if call.repeatable else " Whether the server has done what was asked is not known."
    return ConnectionFailed(f"The connection to {place} broke: {_reason(error)}.{unclear}")


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it takes too long"
    return str(error).rstrip(".") or type(error).__name__
