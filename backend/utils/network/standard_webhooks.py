"""Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body (standardwebhooks.com, version 1 of its spec)."""

from __future__ import annotations

import base64
import binascii
import hmac

PREFIX = "whsec_"
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64


def read_secret(text: str) -> bytes:
    """Reads `whsec_` and base64.

    Raises:
        ValueError: It is none, or too short or too long.
    """
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        secret = b""
    if not MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise ValueError(f"must be {PREFIX} and the base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
    return secret


def sign(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Returns the value of `webhook-signature`."""
    digest = hmac.digest(secret, b"%s.%d.%s" % (message_id.encode(), timestamp_s, body), "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
