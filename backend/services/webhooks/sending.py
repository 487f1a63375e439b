"""One request of a webhook: to an address that was checked, no further than its answer's head, within a time."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from backend.services.webhooks.reach import Address, Reach
from backend.utils.network.http_address import HttpAddress

WHOLE_S = 15.0
"""Longest time of one request, from the name's addresses to the answer's head."""
CONNECT_S = 5.0
MAX_ADDRESSES = 4
"""Of a name, that are tried."""
MAX_HEAD_BYTES = 16 * 2**10
MAX_INTERIM = 5
"""Answers of 1xx before the one that counts."""

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_RETRY_AFTER = re.compile(rb"\nretry-after:[ \t]*([0-9]{1,9})[ \t]*\r?\n", re.IGNORECASE)


class BadAnswer(Exception):
    """What came back is no answer of HTTP."""


@dataclass(frozen=True)
class Answer:
    """Head of an answer; its body is not read."""

    status: int
    retry_after_s: float | None = None


class Sender:
    """Posts; follows no redirect and uses no proxy."""

    def __init__(self, reach: Reach, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
        """Takes what may be reached, what finds the addresses of a name, and whom TLS trusts."""
        self._reach = reach
        self._resolve = resolve or resolve_name
        self._tls = tls

    async def post(self, target: HttpAddress, headers: Mapping[str, str], body: bytes) -> Answer:
        """Posts a body and returns the head of the answer.

        Raises:
            CallbackRefused: The address leads where webhooks may not go.
            OSError: There is no such name, nobody listens, or the connection breaks; TimeoutError is one of them.
            BadAnswer: Something else than HTTP answers.
        """
        async with asyncio.timeout(WHOLE_S):
            addresses = await self._resolve(target.host, target.port)
            self._reach.check(target, addresses)
            reader, writer = await self._connect(target, addresses[:MAX_ADDRESSES])
            try:
                writer.write(_head(target, headers, len(body)) + body)
                await writer.drain()
                return await _read_answer(reader)
            finally:
                writer.transport.abort()  # there is nothing to wait for, and the rest of the answer may be endless

    async def _connect(
        self, target: HttpAddress, addresses: Sequence[Address]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failure = OSError(f"{target.host} has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(
                        str(address), target.port, limit=MAX_HEAD_BYTES, **self._options_of(target)
                    )
            except OSError as error:  # a timeout or a fault of a certificate is one
                failure = error
        raise failure

    def _options_of(self, target: HttpAddress) -> dict[str, Any]:
        if target.scheme == "http":
            return {}
        self._tls = self._tls or ssl.create_default_context()
        return {"ssl": self._tls, "server_hostname": target.host}


async def resolve_name(host: str, port: int) -> list[Address]:
    """Returns the addresses of a host.

    Raises:
        OSError: There are none.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def answer(addresses: list[Address] | None, error: Exception | None) -> None:
        if not found.done():
            found.set_exception(error) if error is not None else found.set_result(addresses or [])

    def look() -> None:
        addresses, failure = None, None
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [ip_address(entry[4][0]) for entry in entries]
        except (OSError, UnicodeError, ValueError) as error:
            failure = error if isinstance(error, OSError) else OSError(f"{host} is no name of a host")
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(answer, addresses, failure)

    # a resolver may hang for long, and must not hold up the end of the process
    threading.Thread(target=look, name="webhook name", daemon=True).start()
    return await found


def _head(target: HttpAddress, headers: Mapping[str, str], size: int) -> bytes:
    lines = {
        "Host": target.authority,
        **headers,
        "Content-Length": str(size),
        "Connection": "close",
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.target} HTTP/1.1\r\n{text}\r\n".encode("ascii")


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    for _ in range(MAX_INTERIM + 1):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise BadAnswer(f"the answer's head has more than {MAX_HEAD_BYTES:,} bytes") from None
        except asyncio.IncompleteReadError:
            raise BadAnswer("the connection ended before an answer") from None
        first = _STATUS.match(head)
        if first is None:
            raise BadAnswer("the answer is not HTTP")
        status = int(first[1])
        if status >= 200:
            after = _RETRY_AFTER.search(head)
            return Answer(status, float(after[1]) if after else None)
    raise BadAnswer("the answer does not come to its end")
