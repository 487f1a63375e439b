"""The protocol over standard input and output: a real process, a real client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from mcp import types
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from backend.api.compat.mcp import stdio
from backend.models.config import Settings
from tests.backend.api.compat.mcp.talking import of_kind, run, serving, text_of
from tests.backend.fakes import FakeEngine

ROOT = Path(__file__).parents[5]
SMALL = {"width": 256, "height": 256}


def environment(**values: str) -> dict[str, str]:
    paths = ":".join(str(ROOT / path) for path in (".", "Z-Image/src", "client/src"))
    return {"PYTHONPATH": paths, "PATH": "", "HF_HUB_OFFLINE": "1", **values}


@pytest.fixture
def address(settings: Settings, engine: FakeEngine) -> Iterator[dict[str, str]]:
    with serving(settings, engine) as (url, token):
        yield environment(ZIMAGE_URL=url, ZIMAGE_API_TOKEN=token)


@contextlib.asynccontextmanager
async def connected(own: dict[str, str], mode: str = "auto", *arguments: str) -> AsyncIterator[Client]:
    command = StdioServerParameters(command=sys.executable, args=["-m", "backend.mcp", *arguments], env=own, cwd=ROOT)
    async with Client(stdio_client(command), mode=mode) as client:
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_running_server_draws_with_progress(address, mode):
    async def talk():
        steps: list[float] = []

        async def progress(done: float, _total: float | None, _message: str | None) -> None:
            steps.append(done)

        async with connected(address, mode) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            wanted = {"prompt": "a red fox", "seed": 7, **SMALL}
            drawn = await client.call_tool("generate", wanted, progress_callback=progress)
            edited = await client.call_tool(
                "edit", {"image": drawn.structured_content["images"][0]["id"], "prompt": "a wolf", "strength": 0.5}
            )
            refused = await client.call_tool("generate", {"prompt": "a fox", "width": 260})
            found = await client.call_tool("search_history", {"query": "fox"})
            models = await client.call_tool("list_models", {})
            loras = await client.call_tool("list_loras", {})
            resource = (await client.read_resource(drawn.structured_content["images"][0]["uri"])).contents[0]
            url = drawn.structured_content["images"][0]["url"]  # it opens without the token
            (await asyncio.to_thread(httpx.get, url, trust_env=False)).raise_for_status()
            return names, steps, drawn, edited, refused, found, models, loras, resource

    names, steps, drawn, edited, refused, found, models, loras, resource = run(talk())
    assert names == ["generate", "edit", "status", "cancel", "list_models", "list_loras", "search_history"]
    assert steps == sorted(set(steps))
    assert steps[-1] == 9
    [image] = drawn.structured_content["images"]
    assert image["seed"] == 7
    assert image["url"].startswith(address["ZIMAGE_URL"])
    assert len(of_kind(drawn, types.ImageContent)) == 1
    assert not edited.is_error, text_of(edited)
    assert refused.is_error
    assert "256 and 272" in text_of(refused)
    assert found.structured_content["total"] == 1
    assert "zimage-nano (default)" in text_of(models)
    assert loras.structured_content["loras"] == []
    assert resource.mime_type == "image/png"


@pytest.mark.slow
def test_a_cancelled_call_cancels_the_server_s_task(address, engine: FakeEngine):
    go_on = engine.pause_at(3)

    async def talk():
        async with connected(address) as client:
            call = asyncio.ensure_future(client.call_tool("generate", {"prompt": "an owl", **SMALL}))
            await asyncio.to_thread(engine.paused.wait, 20)
            [task] = (await client.call_tool("status", {})).structured_content["tasks"]
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            for _ in range(500):
                seen = (await client.call_tool("status", {"task_id": task["task_id"]})).structured_content
                if seen["message"] == "Cancelling":
                    break
                await asyncio.sleep(0.01)
            go_on()
            return await client.call_tool("status", {"task_id": task["task_id"], "wait_seconds": 10})

    assert run(talk()).structured_content["status"] == "cancelled"
    assert engine.decoded == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="hosts close standard input there")
def test_the_end_of_the_process_cancels_what_it_draws(address, engine: FakeEngine):
    go_on = engine.pause_at(3)
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.mcp"], env=address, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    call = {"name": "generate", "arguments": {"prompt": "an owl", **SMALL}}
    for message in (
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": call},
    ):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()
    assert engine.paused.wait(20)
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)  # while standard input stays open
    out, err = process.communicate()
    go_on()
    assert process.returncode == stdio.INTERRUPTED, err
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())  # and nothing else
    assert out.splitlines()
    assert engine.decoded == []


@pytest.mark.slow
def test_without_a_server_the_process_draws_itself_and_says_nothing_else(tmp_path: Path):
    """The embedded model, for real: whatever its libraries print must not reach the host."""
    own = environment(
        ZIMAGE_URL="http://127.0.0.1:9", ZIMAGE_DATA_DIR=str(tmp_path / "data"), ZIMAGE_MIN_FREE_DISK_MB="0"
    )

    async def talk():
        async with connected(own) as client:
            return await client.call_tool(
                "generate", {"prompt": "a red apple", "num_inference_steps": 3, "seed": 7, **SMALL}
            )

    drawn = asyncio.run(asyncio.wait_for(talk(), 120))
    assert not drawn.is_error, text_of(drawn)
    [image] = drawn.structured_content["images"]
    assert (image["model"], image["seed"]) == ("zimage-nano", 7)
    assert "url" not in image  # it would end with the process
    assert len(list((tmp_path / "data" / "images").glob("*.png"))) == 1


def test_a_wrong_address_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    assert stdio.main(["--server", "ftp://example.org"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "http://HOST:PORT" in said.err


def test_without_its_package_it_says_what_to_do(monkeypatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(stdio, "find_spec", lambda name: None)
    assert stdio.main([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "pip install" in said.err
