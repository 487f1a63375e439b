"""Sessions of browsers, kept in a file across restarts."""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from backend.utils.atomic_file import write_atomically
from backend.utils.clock import utc_now

logger = logging.getLogger(__name__)

LIFETIME = timedelta(days=30)
MAX_SESSIONS = 1000
_VERSION = 1


def new_secret() -> str:
    """Returns 256 random bits, fit for a cookie."""
    return secrets.token_urlsafe(32)


class Sessions:
    """Sessions of browsers; each cookie stands for a token. Thread-safe.

    The file has digests of secret and token, so that who reads it cannot log in. Changing or removing a token ends its
    sessions.
    """

    def __init__(
        self,
        file: Path,
        tokens: Mapping[str, str],
        *,
        now: Callable[[], datetime] = utc_now,
        make_secret: Callable[[], str] = new_secret,
    ) -> None:
        self._file = file
        self._tokens = {name: token.encode() for name, token in tokens.items()}
        self._now = now
        self._make_secret = make_secret
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Reads the sessions of the last run; a damaged file has none."""
        try:
            content = orjson.loads(self._file.read_bytes()) if self._tokens else {}
            self._ends = {str(digest): float(end) for digest, end in content.get("sessions", {}).items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, AttributeError) as error:
            logger.warning("%s is not readable, everybody has to log in again: %s", self._file.name, error)

    def begin(self, name: str) -> str:
        """Starts a session for a token's holder; returns the secret for the cookie."""
        secret = self._make_secret()
        with self._lock:
            self._ends[_digest(secret, self._tokens[name])] = (self._now() + LIFETIME).timestamp()
            self._save()
        return secret

    def name_of(self, secret: str) -> str | None:
        """Returns the token's name of a session; None when it is unknown or expired."""
        if not secret:
            return None
        now = self._now().timestamp()
        for name, token in self._tokens.items():
            if self._ends.get(_digest(secret, token), 0.0) > now:
                return name
        return None

    def end(self, secret: str) -> None:
        """Ends a session; ignores an unknown secret."""
        with self._lock:
            digests = [_digest(secret, token) for token in self._tokens.values()]
            if any(self._ends.pop(digest, None) is not None for digest in digests):
                self._save()

    def _save(self) -> None:
        now = self._now().timestamp()
        current = [(digest, end) for digest, end in self._ends.items() if end > now]
        self._ends = dict(current[-MAX_SESSIONS:])
        content = orjson.dumps({"version": _VERSION, "sessions": self._ends})
        try:
            write_atomically(self._file, lambda file: file.write(content))
        except OSError as error:  # they hold until the next restart
            logger.warning("%s could not be written: %s", self._file.name, error)


def _digest(secret: str, token: bytes) -> str:
    return hmac.digest(secret.encode("utf-8", "replace"), token, "sha256").hex()
