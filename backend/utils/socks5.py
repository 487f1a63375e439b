"""Connections through a SOCKS5 proxy (RFC 1928), with a name and password where it asks for them (RFC 1929).

The proxy resolves host names: behind a firewall, it is often the only one that can.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, unquote

DEFAULT_PORT = 1080
_VERSION, _CONNECT, _NO_LOGIN, _PASSWORD = 5, 1, 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS = ("", "general failure", "not allowed", "network unreachable", "host unreachable", "connection refused")


def connect(proxy: SplitResult, host: str, port: int, timeout_s: float | None) -> socket.socket:
    """Connects to a host.

    Args:
        proxy: `socks5://user:password@host:port`, in its parts.
        host: Name or address, which the proxy looks up.
        port: Its port.
        timeout_s: Longest silence.

    Raises:
        OSError: The proxy cannot be reached, or refuses.
    """
    connection = socket.create_connection((proxy.hostname or "", proxy.port or DEFAULT_PORT), timeout_s)
    try:
        _log_in(connection, unquote(proxy.username or "").encode(), unquote(proxy.password or "").encode())
        connection.sendall(bytes((_VERSION, _CONNECT, 0)) + _address(host) + port.to_bytes(2))
        _, refusal, _, kind = _read(connection, 4)
        if refusal:
            reason = _REFUSALS[refusal] if refusal < len(_REFUSALS) else f"code {refusal}"
            raise ConnectionError(f"the SOCKS proxy refuses: {reason}")
        size = {_IPV4: 4, _IPV6: 16}.get(kind) or _read(connection, 1)[0]
        _read(connection, size + 2)  # the proxy's own address and port
    except BaseException:
        connection.close()
        raise
    return connection


def _log_in(connection: socket.socket, user: bytes, password: bytes) -> None:
    methods = bytes((_NO_LOGIN, _PASSWORD)) if user else bytes((_NO_LOGIN,))
    connection.sendall(bytes((_VERSION, len(methods))) + methods)
    version, method = _read(connection, 2)
    if version != _VERSION or method not in methods:
        raise ConnectionError("the SOCKS proxy asks for a log-in that is not given, or does not speak SOCKS5")
    if method == _PASSWORD:
        connection.sendall(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if _read(connection, 2)[1] != 0:
            raise ConnectionError("the SOCKS proxy refuses the name or password")


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        name = host.encode("idna")
        return bytes((_NAME, len(name))) + name
    return bytes((_IPV4 if address.version == 4 else _IPV6,)) + address.packed


def _read(connection: socket.socket, size: int) -> bytes:
    answer = b""
    while len(answer) < size:
        chunk = connection.recv(size - len(answer))
        if not chunk:
            raise ConnectionError("the SOCKS proxy has hung up")
        answer += chunk
    return answer
