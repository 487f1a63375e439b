"""The path of MCP: who may use it, how long sessions last, and what it costs those who do not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from backend.api.compat.mcp import endpoint
from backend.api.compat.mcp.endpoint import is_fixed
from backend.main import create_app
from backend.models.config import Settings
from tests.backend.api.compat.mcp.talking import connected, run, serving, text_of
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until

ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
TOKENS = {"alice": "alice's secret token", "bobby": "bobby's secret token"}


def begin(client: TestClient, **headers: str) -> httpx.Response:
    return client.post("/mcp", json=HELLO, headers={**ACCEPT, **headers})


def test_a_host_without_a_token_is_let_in_on_this_machine(client: TestClient):
    answer = begin(client)
    assert answer.status_code == 200
    assert answer.headers["mcp-session-id"]
    assert '"name":"z-image"' in answer.text.replace(" ", "")


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:6666", "null", "http://localhost.evil.example"]
)
def test_pages_of_other_sites_are_refused_at_reading_too(client: TestClient, method, origin):
    answer = client.request(method, "/mcp", headers={**ACCEPT, "Origin": origin})
    assert answer.status_code == 403
    assert answer.json()["error"]["message"]
    assert answer.json()["jsonrpc"] == "2.0"


@pytest.mark.parametrize("origin", ["http://localhost:15001", "http://localhost"])
def test_pages_that_are_listed_and_its_own_are_not(client: TestClient, origin):
    assert begin(client, Origin=origin).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:15000", "localhost.evil.example", "127.0.0.1.nip.io", ""]
)
def test_other_names_of_this_machine_are_refused(client: TestClient, host):
    answer = begin(client, Host=host)
    assert answer.status_code == 421
    assert "jsonrpc" in answer.json()


def test_a_server_for_everyone_is_not_to_be_reached_by_a_name_that_may_change(settings: Settings):
    """Where the guard of the loopback does not stand."""
    own = settings.model_copy(update={"host": "0.0.0.0", "insecure": True, "cors_origins": ("http://nas.home:15000",)})
    app = create_app(own, FakeEngine, hardware=lambda: PLAIN_CPU)
    with TestClient(app, base_url="http://192.168.1.5:15000") as client:
        assert begin(client).status_code == 200
        assert begin(client, Host="nas.home:15000").status_code == 200
        assert begin(client, Host="rebinding.example:15000").status_code == 421
        page = {"Host": "rebinding.example:15000", "Origin": "http://rebinding.example:15000"}
        assert begin(client, **page).status_code == 421


@pytest.mark.parametrize(
    ("host", "is_it"),
    [
        ("localhost", True), ("LOCALHOST:15000", True), ("127.0.0.1:1", True), ("[::1]:15000", True), ("[::1]", True),
        ("192.168.1.5", True), ("example.org", False), ("example.org:80", False), ("", False),
        ("1.2.3.4.evil.org", False), ("localhost.", False),
    ],
)  # fmt: skip
def test_addresses_are_fixed_and_names_are_not(host, is_it):
    assert is_fixed(host) is is_it


def test_a_token_is_needed_where_there_is_one_and_names_the_owner(settings: Settings, engine: FakeEngine):
    changes = {"api_tokens": TOKENS, "history_per_token": True}
    with serving(settings, engine, **changes) as (url, _):
        assert httpx.post(f"{url}/mcp", json=HELLO, headers=ACCEPT, trust_env=False).status_code == 401

        async def talk():
            async with connected(url, TOKENS["alice"]) as alice, connected(url, TOKENS["bobby"]) as bobby:
                drawn = await alice.call_tool("generate", {"prompt": "a fox", "width": 256, "height": 256})
                [image] = drawn.structured_content["images"]
                mine = await alice.call_tool("search_history", {})
                others = await bobby.call_tool("search_history", {})
                task = await bobby.call_tool("status", {"task_id": drawn.structured_content["task_id"]})
                edit = await bobby.call_tool("edit", {"image": image["id"], "prompt": "mine now"})
                listed = await bobby.list_resources()
                return mine, others, task, edit, listed

        mine, others, task, edit, listed = run(talk())
    assert mine.structured_content["total"] == 1
    assert others.structured_content["total"] == 0
    assert task.is_error
    assert "no task" in text_of(task)
    assert edit.is_error
    assert listed.resources == []


def test_a_session_is_of_use_to_whoever_began_it_only(settings: Settings, engine: FakeEngine):
    with serving(settings, engine, api_tokens=TOKENS) as (url, _), httpx.Client(trust_env=False) as http:
        alice, bobby = ({**ACCEPT, "Authorization": f"Bearer {token}"} for token in TOKENS.values())
        session = http.post(f"{url}/mcp", json=HELLO, headers=alice).headers["mcp-session-id"]
        assert http.post(f"{url}/mcp", json=LIST, headers={**bobby, "mcp-session-id": session}).status_code == 404
        assert http.post(f"{url}/mcp", json=LIST, headers={**alice, "mcp-session-id": session}).status_code == 200


def test_what_came_by_the_door_is_named_in_the_history(client: TestClient, services):
    session = begin(client).headers["mcp-session-id"]
    headers = {**ACCEPT, "mcp-session-id": session}
    client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
    call = {"name": "generate", "arguments": {"prompt": "a fox", "width": 256, "height": 256}}
    answer = client.post(
        "/mcp", json={"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call}, headers=headers
    )
    assert "structuredContent" in answer.text
    assert services.history.latest().door == "mcp"


def test_sessions_are_bounded_and_end_with_their_time(client: TestClient, monkeypatch):
    monkeypatch.setattr(endpoint, "MAX_SESSIONS", 2)
    monkeypatch.setattr(endpoint, "IDLE_S", 0.1)
    first = begin(client).headers["mcp-session-id"]
    begin(client)
    refused = begin(client)
    assert refused.status_code == 503
    headers = {**ACCEPT, "mcp-session-id": first}

    def is_over() -> bool:
        time.sleep(0.3)  # a request begins its time anew
        return client.post("/mcp", json=LIST, headers=headers).status_code == 404

    wait_until(is_over, "its end")


def test_a_session_that_is_given_back_is_gone(client: TestClient):
    session = begin(client).headers["mcp-session-id"]
    headers = {**ACCEPT, "mcp-session-id": session}
    assert client.request("DELETE", "/mcp", headers=headers).status_code == 200
    assert client.post("/mcp", json=LIST, headers=headers).status_code == 404


def test_an_image_may_be_as_large_as_an_upload_and_no_larger(client: TestClient, services):
    large = {**LIST, "params": {"_meta": {"padding": "x" * (services.settings.max_body_kb * 2**10 + 1)}}}
    session = begin(client).headers["mcp-session-id"]
    assert client.post("/mcp", json=large, headers={**ACCEPT, "mcp-session-id": session}).status_code == 200
    huge = {**ACCEPT, "Content-Length": str(services.settings.max_upload_mb * 2**20 + 1)}
    assert client.post("/mcp", content=b"{}", headers=huge).status_code == 413


def test_the_end_of_the_server_ends_open_streams_and_what_they_wait_for(settings: Settings, engine: FakeEngine):
    go_on = engine.pause_at(2)

    async def leave(url: str, token: str) -> None:
        async def talk() -> None:
            async with connected(url, token) as client:
                await client.call_tool("generate", {"prompt": "a fox", "width": 256, "height": 256})

        call = asyncio.ensure_future(talk())
        await asyncio.to_thread(engine.paused.wait, 10)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    apps: list[FastAPI] = []
    with serving(settings, engine, apps) as (url, token):
        run(leave(url, token))
        tasks = apps[0].state.services.tasks

        def let_go() -> None:
            wait_until(lambda: tasks.closing and all(task.cancelling for task in tasks.active()))
            go_on()

        releasing = threading.Thread(target=let_go, daemon=True)
        releasing.start()
    releasing.join(10)
    assert engine.decoded == []


def test_the_door_can_be_shut(settings: Settings):
    app = create_app(settings.model_copy(update={"mcp": False}), FakeEngine, hardware=lambda: PLAIN_CPU)
    with TestClient(app, base_url="http://localhost") as client:
        assert begin(client).status_code == 404


def test_without_its_package_the_door_says_what_to_do(client: TestClient, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp.server.streamable_http_manager", None)
    answer = begin(client)
    assert answer.status_code == 501
    assert "pip install" in answer.json()["error"]["message"]
    assert client.get("/api/models").status_code == 200


def test_nothing_of_the_package_is_imported_before_somebody_calls(tmp_path: Path):
    """A start with the door open is no slower for it."""
    script = """
import json, sys
from starlette.testclient import TestClient
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine
from backend.main import create_app
from pathlib import Path
def loaded(): return [name for name in ("mcp", "mcp_types", "jwt", "sse_starlette") if name in sys.modules]
app = create_app(make_settings(Path(sys.argv[1])), FakeEngine, hardware=lambda: PLAIN_CPU)
with TestClient(app, base_url="http://localhost") as client:
    client.get("/api/models")
    before = loaded()
    client.post("/mcp", json={})
    print(json.dumps([before, loaded()[:2]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[5],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], ["mcp", "mcp_types"]]
