"""Access tokens, and the rate limit on wrong ones."""

from __future__ import annotations

import hmac
import math
import threading
import time
from collections.abc import Callable, Mapping

from backend.services.errors import TooManyAttempts


class AccessTokens:
    """Access tokens by name. Thread-safe."""

    MAX_FAILURES = 10
    WINDOW_S = 60.0
    MAX_ADDRESSES = 10_000

    def __init__(self, tokens: Mapping[str, str], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tokens = {name: token.encode() for name, token in tokens.items()}
        self._monotonic = monotonic
        self._failures: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    @property
    def required(self) -> bool:
        """Whether requests need a token."""
        return bool(self._tokens)

    def name_of(self, token: bytes, address: str) -> str | None:
        """Returns a token's name, or None. Compares all of them, so that the time tells nothing.

        Raises:
            TooManyAttempts: Too many wrong tokens came from this address; this one was not compared.
        """
        with self._lock:
            self._refuse_guesser(address)
            found = [name for name, known in self._tokens.items() if hmac.compare_digest(token, known)]
            if not found and token:
                self._note_failure(address)
        return found[0] if found else None

    def _refuse_guesser(self, address: str) -> None:
        now = self._monotonic()
        recent = [moment for moment in self._failures.get(address, ()) if now - moment < self.WINDOW_S]
        if len(recent) >= self.MAX_FAILURES:
            wait_s = max(1, math.ceil(recent[0] + self.WINDOW_S - now))
            raise TooManyAttempts("Too many wrong tokens came from this address; try again later.", wait_s)

    def _note_failure(self, address: str) -> None:
        if address not in self._failures and len(self._failures) >= self.MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures[address] = [*self._failures.get(address, ()), self._monotonic()][-self.MAX_FAILURES :]
