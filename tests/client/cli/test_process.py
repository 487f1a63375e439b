"""The command as a process of its own: its exit codes, its signals, its streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from zimage_client import Client

from backend.embedded import Embedded
from tests.backend.fakes import FakeEngine

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 120

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ZIMAGE_", "PYTHON"))}

    def start(*arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "zimage_client", *arguments],
            cwd=tmp_path, env={**environ, "PYTHONPATH": str(ROOT / "client" / "src"), "PYTHONUTF8": "1", **more},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_task(start: Start, server: Embedded, client: Client, engine: FakeEngine, sent):
    go_on = engine.pause_at(2)
    process = start("generate", "a fox", "--size", "256", ZIMAGE_URL=server.url, ZIMAGE_API_TOKEN=server.token)
    try:
        assert engine.paused.wait(60)
        (task,) = client.queue()
        process.send_signal(sent)
        for changed in client.events(task.task_id):
            if changed.cancelling:
                go_on()
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        go_on()
        process.kill()
        process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "cancelled" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert client.task(task.task_id).status == "cancelled"


def test_wrong_usage_and_help(start: Start):
    process = start("generate")
    assert process.communicate(timeout=LIMIT_S)[0] == ""
    assert process.returncode == 2
    process = start("--version")
    assert process.communicate(timeout=LIMIT_S)[0].startswith("zimage ")
    assert process.returncode == 0


@pytest.mark.slow
def test_the_embedded_model_draws_in_the_process_of_the_command(start: Start, tmp_path: Path):
    process = start("generate", "a red apple", "--local", "--size", "256", "--steps", "2", "--seed", "1", "--json",
                    "-o", "apple.png", ZIMAGE_DATA_DIR=str(tmp_path / "data"), HF_HUB_OFFLINE="1")  # fmt: skip
    out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, err
    assert json.loads(out)["images"][0]["model"] == "zimage-nano"
    assert (tmp_path / "apple.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "data" / "tasks.json").exists()
    assert "Working in this process." in err.splitlines()


def test_completion_is_written_for_the_shell(start: Start):
    process = start("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    out, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0
    assert "_ZIMAGE_COMPLETE=complete_bash" in out
