"""Where the server is, and how it is spoken to."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpx

DEFAULT_PORT = 15000
TIMEOUT = httpx.Timeout(connect=5.0, read=60.0, write=60.0, pool=5.0)
VERSION = "0.1.0"
LOOK_S = 2.0
"""Longest wait for a server of this machine."""
USER_AGENT = f"zimage-client/{VERSION}"


@dataclass(frozen=True)
class Address:
    """Address of a server without a path of the API, as `http://127.0.0.1:15000` or `https://example.org/zimage`."""

    scheme: str
    host: str
    authority: str
    """Host with its port."""
    prefix: str
    """Sub-path of a proxy; empty without one."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return self.origin + self.prefix


def read_address(url: str | None, environ: Mapping[str, str] = os.environ) -> Address:
    """Reads an address; without one it is `ZIMAGE_URL`, and without that the usual port of this machine.

    Raises:
        ValueError: It is none of http or https, or carries what an address of a server cannot have.
    """
    text = url or environ.get("ZIMAGE_URL") or f"http://127.0.0.1:{environ.get('ZIMAGE_PORT') or DEFAULT_PORT}"
    try:
        parsed = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL as error:
        raise ValueError(f"{text!r} is no address of a server: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment or parsed.userinfo:
        raise ValueError(
            f"{text!r} is no address of a server; allowed is http://HOST:PORT or https://HOST, with a sub-path or not. "
            "A token belongs into ZIMAGE_API_TOKEN."
        )
    prefix = parsed.path.rstrip("/").removesuffix("/api")
    return Address(parsed.scheme, parsed.host, parsed.netloc.decode("ascii"), prefix)


def http_options(address: Address, token: str | None, timeout: httpx.Timeout | float | None) -> dict[str, Any]:
    """Returns the arguments of the HTTP client. Between this machine and itself stands no proxy.

    Raises:
        ValueError: The token has characters that no header can carry.
    """
    token = (token if token is not None else os.environ.get("ZIMAGE_API_TOKEN", "")).strip()
    if not (token.isascii() and token.isprintable()):
        raise ValueError("the token (ZIMAGE_API_TOKEN) has a character that is no ASCII letter, digit or sign")
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json, */*"}
    return {
        "base_url": address.origin,
        "headers": headers | ({"Authorization": f"Bearer {token}"} if token else {}),
        "timeout": TIMEOUT if timeout is None else timeout,
        "trust_env": not address.is_local,
    }


def is_listening(address: Address) -> bool:
    """Tells whether somebody listens at an address."""
    _, _, port = address.authority.rpartition(":")
    default = 443 if address.scheme == "https" else 80
    number = int(port) if port.isdigit() and address.authority != f"[{address.host}]" else default
    try:
        with socket.create_connection((address.host, number), timeout=LOOK_S):
            return True
    except OSError:
        return False
