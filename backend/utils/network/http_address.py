"""Addresses of HTTP servers that somebody else names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?")


@dataclass(frozen=True)
class HttpAddress:
    """A URL of http or https, without user, password and fragment."""

    scheme: str
    host: str
    """A name or an IP address; one of IPv6 without its brackets."""
    port: int
    target: str
    """Path and query, as they stand in the request line."""

    @property
    def authority(self) -> str:
        """Host and port, as they stand in the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """The address without path and query, which may hold secrets."""
        return f"{self.scheme}://{self.authority}"


def read_http_address(url: str) -> HttpAddress:
    r"""Reads a URL, and nothing that two readers would read differently.

    Raises:
        ValueError: It is none; the message says what is allowed.
    """
    if not url:
        raise ValueError("it must begin with https:// or http://")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise ValueError("only printable ASCII characters without spaces and backslashes are allowed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("host or port are none") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("it must begin with https:// or http://")
    if "@" in parts.netloc or "#" in url:
        raise ValueError("user, password and fragment are not allowed")
    if port == 0 or not _is_host(parts.hostname or "", parts.netloc):
        raise ValueError("host or port are none")
    query = f"?{parts.query}" if parts.query else ""
    return HttpAddress(
        parts.scheme, parts.hostname or "", port or DEFAULT_PORTS[parts.scheme], f"{parts.path or '/'}{query}"
    )


def _is_host(host: str, netloc: str) -> bool:
    if not netloc.startswith("["):
        return _NAME.fullmatch(host) is not None
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False
