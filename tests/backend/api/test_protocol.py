"""What comes off a connection and is no request: refused in our words, with our headers, and bounded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable

import pytest
import uvicorn

from backend.api.middleware.headers import API_HEADERS
from backend.api.protocol import MAX_HEAD_BYTES, PlainProtocol, choose_protocol
from tests.backend.fakes import PATIENCE_S

GOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def count_body(scope, receive, send):
    """Answers with the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = b"%d" % size
    headers = [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(params=[choose_protocol(), PlainProtocol], ids=["chosen", "plain"])
def ask(request) -> Callable[..., bytes]:
    """Sends pieces of bytes to a server and returns everything that it answers."""

    async def talk(pieces: tuple[bytes, ...]) -> bytes:
        config = uvicorn.Config(count_body, http=request.param, lifespan="off", log_config=None, port=0, ws="none")
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            port = server.servers[0].sockets[0].getsockname()[1]
            return await asyncio.wait_for(_talk(port, pieces), PATIENCE_S)
        finally:
            await server.shutdown()

    return lambda *pieces: asyncio.run(talk(pieces))


async def _talk(port: int, pieces: tuple[bytes, ...]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(ConnectionError):  # it has ended before everything was sent
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.read()
    writer.close()
    return answer


def refused(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    assert status == b"HTTP/1.1 400 Bad Request"
    assert {b"%s: %s" % header for header in API_HEADERS} <= set(lines)
    assert f"content-length: {len(body)}".encode() in lines
    return json.loads(body)["error"]["code"] == "bad_request"


def test_a_request_is_answered(ask):
    assert ask(GOOD[:20], GOOD[20:]).endswith(b"\r\n\r\n0")


@pytest.mark.parametrize(
    "line", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHo st: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n"]
)
def test_what_is_no_http_is_refused(ask, line):
    assert refused(ask(line))


def test_a_head_without_an_end_is_refused(ask):
    piece = b"x" * 8000
    answer = ask(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", *[piece] * (MAX_HEAD_BYTES // 8000 * 8))
    assert answer == b"" or refused(answer)  # the end of the connection may overtake the answer


def test_a_body_may_be_larger_than_a_head(ask):
    size = 3 * MAX_HEAD_BYTES
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size
    assert ask(head, b"x" * size).endswith(b"\r\n\r\n%d" % size)
    assert ask(head + b"x" * size).endswith(b"\r\n\r\n%d" % size)


def test_the_fast_parser_is_chosen_where_it_is_installed():
    assert choose_protocol() is not PlainProtocol


def test_without_it_the_plain_one_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "uvicorn.protocols.http.httptools_impl", None)
    assert choose_protocol() is PlainProtocol


OFFER = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAB\r\nContent-Length: 32\r\n\r\n"
)
BODY = b"a\r\nUpgrade: h2c\r\n" + b"b" * 15


@pytest.mark.parametrize("name", [b"Upgrade: h2c", b"upgrade:h2c", b"UPGRADE: H2C "])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_offer_of_http_2_is_ignored_and_the_body_arrives(ask, name, size):
    """curl --http2 and Java's HttpClient make it with each first request."""
    request = OFFER.replace(b"Upgrade: h2c", name) + BODY
    assert len(BODY) == 32
    answer = ask(*(request[at : at + size] for at in range(0, len(request), size)))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n32")
