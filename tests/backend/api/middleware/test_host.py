from __future__ import annotations

import asyncio

import pytest
from starlette.responses import Response

from backend.api.middleware.host import HostGuard


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:15000", "127.0.0.1", "127.0.0.1:15001", "[::1]", "[::1]:15000"]
)
def test_this_machines_names(shared, host):
    assert shared.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:15000", "", "0.0.0.0", "127.1", "localhost.", "localhost.evil.example",
     "127.0.0.1.nip.io", "localhost:80:80", "user@localhost", "localhost:x", "::1", "2130706433"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_dns_rebinding_cve_2024_28224(shared, host, method):
    response = shared.request(method, "/api/generate", headers={"host": host})
    assert (response.status_code, response.json()["error"]["code"]) == (421, "wrong_host")


async def answers(scope, receive, send) -> None:
    await Response("ok")(scope, receive, send)


@pytest.mark.parametrize(
    ("address", "has_tokens", "status"),
    [("127.0.0.1", False, 200), ("::1", False, 200), ("::ffff:127.0.0.1", False, 200), ("192.168.1.5", False, 421),
     ("::ffff:192.168.1.5", False, 421), ("192.168.1.5", True, 200), ("/run/zimage.sock", False, 200)],
)  # fmt: skip
def test_an_address_that_the_settings_do_not_know_of_opens_no_door(address, has_tokens, status):
    """`uvicorn backend.main:app --host 0.0.0.0` serves the network, and a client can name any host it likes."""
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "server": (address, 15000),
             "headers": [(b"host", b"localhost:15000")]}  # fmt: skip
    asyncio.run(HostGuard(answers, has_tokens=has_tokens)(scope, None, send))

    assert sent[0]["status"] == status
    if status == 421:
        assert b"ZIMAGE_HOST" in sent[1]["body"]
        assert b"ZIMAGE_API_TOKEN" in sent[1]["body"]
