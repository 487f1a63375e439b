"""Signed addresses: whoever has one may read one thing for an hour, without a token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode


class SignedLinks:
    """Signs paths with a key that ends with the process."""

    LIFE_S = 3600

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._now = now

    def sign(self, path: str) -> str:
        """Returns the query that opens a path."""
        expires = int(self._now()) + self.LIFE_S
        return urlencode({"expires": expires, "signature": self._signature(path, expires)})

    def end_of(self, query: str) -> datetime:
        """Returns when a signed query ends."""
        return datetime.fromtimestamp(int(parse_qs(query)["expires"][0]), UTC)

    def opens(self, path: str, query: str) -> bool:
        """Tells whether a query opens a path now."""
        fields = parse_qs(query) if "signature=" in query else {}
        expires, signature = (fields.get(name, [""])[0] for name in ("expires", "signature"))
        if not expires.isdecimal() or len(expires) > 12 or int(expires) < self._now():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(path, int(expires)).encode())

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self._key, f"{expires}:{path}".encode(), hashlib.sha256).hexdigest()
