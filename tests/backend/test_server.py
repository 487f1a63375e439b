"""`python -m backend` as a process of its own: both ports, its signals, its sudden death."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from backend.server import PortTaken, _config, bind, run_together
from tests.backend.fakes import wait_until

READY = re.compile(r"^Z-Image is ready: UI (http://\S+) \| API (http://\S+) \| docs (http://\S+/docs)$", re.MULTILINE)
START_LIMIT_S = 60
STOP_LIMIT_S = 10

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@dataclass
class Server:
    """A running process and its three addresses."""

    process: subprocess.Popen[bytes]
    log: Path
    ui: str
    api: str
    docs: str

    def get(self, path: str) -> Any:
        return httpx.get(self.api + path, timeout=20).json()

    def post(self, prompt: str, **values: object) -> str:
        response = httpx.post(f"{self.api}/api/generate", json={"prompt": prompt, **values}, timeout=20)
        assert response.status_code == 202, response.text
        return response.json()["task_id"]

    def wait_for(self, task_id: str, *statuses: str) -> dict[str, Any]:
        for _ in range(5):  # the first picture waits for torch
            try:
                wait_until(lambda: self.get(f"/api/generate/{task_id}")["status"] in statuses, str(statuses))
                break
            except AssertionError:
                continue
        task = self.get(f"/api/generate/{task_id}")
        assert task["status"] in statuses, (task, self.log.read_text())
        return task

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_LIMIT_S)


def environment(**values: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZIMAGE_")}
    return {**kept, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUTF8": "1", **values}


def command(data_dir: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "backend", "--port", "0", "--web-port", "0", "--data-dir", str(data_dir), *options]


@contextmanager
def serving(root: Path, data_dir: Path, models_dir: Path, **values: str) -> Iterator[Server]:
    log = data_dir.with_name(f"{data_dir.name}.log")
    with log.open("wb") as output:
        own = environment(ZIMAGE_MODELS_DIR=str(models_dir), **values)
        process = subprocess.Popen(command(data_dir), cwd=root, env=own, stdout=output, stderr=subprocess.STDOUT)
    try:
        for _ in range(START_LIMIT_S // 10):
            try:
                wait_until(lambda: READY.search(log.read_text("utf-8")) or process.poll() is not None, "the ready line")
                break
            except AssertionError:
                continue
        ready = READY.search(log.read_text("utf-8"))
        assert ready, log.read_text("utf-8")
        yield Server(process, log, *ready.groups())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(STOP_LIMIT_S)


@pytest.fixture(scope="module")
def models_dir(tiny_model: Path) -> Path:
    return tiny_model.parent


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_both_ports_serve_and_sigterm_ends_a_running_generation(repository_root, tmp_path, models_dir):
    data = tmp_path / "data"
    with serving(repository_root, data, models_dir) as server:
        assert server.get("/health") == {"status": "healthy", "service": "Z-Image API"}
        assert httpx.get(server.docs, timeout=20).status_code == 200
        assert httpx.get(f"{server.ui}/api/models", timeout=20).json() == server.get("/api/models")
        assert server.ui != server.api
        assert all(url.startswith("http://localhost:") for url in (server.ui, server.api))

        done = server.wait_for(server.post("一只红色的狐狸", height=256, width=256, seed=1), "completed", "failed")
        assert done["status"] == "completed", done
        running = server.post("never finished", num_inference_steps=50, num_images=16)
        waiting = server.post("waits", height=256, width=256, num_inference_steps=2)
        wait_until(lambda: server.get(f"/api/generate/{running}")["current_step"] >= 1)
        children = psutil.Process(server.process.pid).children(recursive=True)

        with httpx.stream("GET", f"{server.api}/api/generate/{running}/events", timeout=20) as listener:
            assert next(listener.iter_lines()) == "event: status"
            assert server.end(signal.SIGTERM) == 0  # with a client attached

        assert "exceeded" not in server.log.read_text()  # nobody had to be cut off
        assert not [child for child in children if child.is_running()]
        assert "Traceback" not in server.log.read_text()
    tasks = {task["id"]: task for task in json.loads((data / "tasks.json").read_bytes())["tasks"]}
    statuses = {task_id: task["status"] for task_id, task in tasks.items()}
    assert statuses == {done["task_id"]: "completed", running: "interrupted", waiting: "pending"}
    known = [image["filename"] for task in tasks.values() for image in task["images"]]  # finished ones are kept
    assert [name for name in files(data) if name.endswith(".png")] == sorted(known)
    assert not [name for name in files(data) if name.startswith(".tmp-")]


@pytest.mark.slow
def test_the_walk_of_the_api_passes_on_any_server_however_often(repository_root, tmp_path, models_dir):
    with serving(repository_root, tmp_path / "data", models_dir) as server:
        drawn_before = server.post("一只红色的狐狸", height=512, width=512, seed=42)  # the README's first picture
        server.wait_for(drawn_before, "completed")
        walk = [sys.executable, "test_api.py", "--url", f"{server.api}/", "--timeout", "60"]
        for _ in range(2):
            done = subprocess.run(walk, cwd=repository_root, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_generation_loses_nothing(repository_root, tmp_path, models_dir):
    data = tmp_path / "data"
    with serving(repository_root, data, models_dir) as server:
        done = server.wait_for(server.post("first", height=256, width=256, num_inference_steps=2), "completed")
        second = subprocess.run(
            command(data),
            cwd=repository_root,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 1
        assert "in use by another running Z-Image" in second.stderr
        assert "Traceback" not in second.stderr

        running = server.post("killed", num_inference_steps=50)
        waiting = server.post("waits", height=256, width=256, num_inference_steps=2)
        wait_until(lambda: server.get(f"/api/generate/{running}")["current_step"] >= 1)

        server.end(signal.SIGKILL)
    (data / "images" / ".tmp-half").write_bytes(b"\x89PNG")  # as if it had been killed in the middle of a write

    with serving(repository_root, data, models_dir) as server:
        task = server.get(f"/api/generate/{running}")
        assert (task["status"], task["result"]) == ("interrupted", None)
        assert server.get("/api/history")["images"][-1] == done["result"]
        assert server.wait_for(waiting, "completed", "failed")["status"] == "completed"
        assert [image["prompt"] for image in server.get("/api/history")["images"]] == ["waits", "first"]
        assert not [name for name in files(data) if name.startswith(".tmp-")]

        host, port = server.api.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as half_a_request:  # must not hold it up
            half_a_request.sendall(b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            assert server.end(signal.SIGINT) == 0


@pytest.mark.slow
def test_the_documents_own_command_works(repository_root, tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "backend.main:app", "--port", "0"],
            cwd=repository_root, env=environment(ZIMAGE_DATA_DIR=str(tmp_path / "data")),
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        address = re.compile(r"Uvicorn running on (http://\S+)")
        wait_until(lambda: address.search(log.read_text()) or process.poll() is not None)
        found = address.search(log.read_text())
        assert found, log.read_text()
        assert httpx.get(f"{found[1]}/health", timeout=20).json()["status"] == "healthy"
    finally:
        process.terminate()
        process.wait(STOP_LIMIT_S)


@pytest.mark.slow
def test_a_third_port_is_ollama_s_where_it_is_wanted(repository_root, tmp_path, models_dir):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with serving(repository_root, tmp_path / "data", models_dir, ZIMAGE_OLLAMA=str(port)) as server:
        assert httpx.get(f"http://127.0.0.1:{port}", timeout=20).text == "Ollama is running"
        tags = httpx.get(f"http://127.0.0.1:{port}/api/tags", timeout=20).json()["models"]
        assert "zimage-nano:latest" in [model["name"] for model in tags]
        assert httpx.get(f"{server.ui}/ollama/api/version", timeout=20).json() == {"version": "1.0.0"}
        assert httpx.get(f"{server.ui}/sdapi/v1/samplers", timeout=20).json()[0]["name"] == "Euler"
        assert server.end(signal.SIGTERM) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}", timeout=20)


# -- two servers, one life ---------------------------------------------------------------------------------------------


class FakeServer:
    """Starts, fails and ends as a test wants it to."""

    def __init__(self, *, fails_at_start: bool = False) -> None:
        self.fails_at_start = fails_at_start
        self.fails = False
        self.started = False
        self.should_exit = False

    async def serve(self, sockets: list[object]) -> None:
        if self.fails_at_start:
            raise OSError("the port was taken in the meantime")
        self.started = True
        while not self.should_exit:
            await asyncio.sleep(0)
            if self.fails:
                raise RuntimeError("died")


def run_two(*servers: FakeServer, on_ready: Callable[[], None]) -> None:
    asyncio.run(asyncio.wait_for(run_together(servers, [None, None], on_ready), 60))


def test_servers_run_until_one_is_told_to_stop():
    servers = [FakeServer(), FakeServer()]
    seen: list[list[bool]] = []

    def ready() -> None:
        seen.append([server.started for server in servers])
        servers[1].should_exit = True

    run_two(*servers, on_ready=ready)
    assert seen == [[True, True]]
    assert servers[0].should_exit


def test_a_server_that_cannot_start_ends_the_other_and_is_told():
    servers = [FakeServer(), FakeServer(fails_at_start=True)]
    ready: list[bool] = []
    with pytest.raises(OSError, match="taken in the meantime"):
        run_two(*servers, on_ready=lambda: ready.append(True))
    assert servers[0].should_exit
    assert ready == []


def test_a_server_that_dies_later_ends_the_other_and_is_told():
    servers = [FakeServer(), FakeServer()]

    def ready() -> None:
        servers[0].fails = True

    with pytest.raises(RuntimeError, match="died"):
        run_two(*servers, on_ready=ready)
    assert servers[1].should_exit


# -- the sockets ------------------------------------------------------------------------------------------------------


def test_a_free_port_is_bound_to_the_loopback():
    with bind("127.0.0.1", 0, "--port") as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        with pytest.raises(PortTaken, match="choose another one with --web-port"):
            bind("127.0.0.1", listener.getsockname()[1], "--web-port")


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours(host):
    with pytest.raises(PortTaken, match=re.escape(host)):
        bind(host, 0, "--port")


def test_a_port_can_be_taken_again_at_once():
    with bind("127.0.0.1", 0, "--port") as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            accepted.close()
    with bind("127.0.0.1", port, "--port"):
        pass


@pytest.mark.skipif(not shutil.which("nvidia-smi"), reason="needs a card")
def test_the_monitor_sees_the_card(repository_root, tmp_path):
    with serving(repository_root, tmp_path / "data", tmp_path) as server:
        wait_until(lambda: server.get("/api/system/status")["gpu"] is not None)


def test_connections_are_kept_for_longer_than_clients_that_poll_now_and_then_pause(settings):
    """A server that closes first races with the next request; clients and proxies keep connections for up to 60 s."""
    assert _config(object(), settings).timeout_keep_alive >= 65
