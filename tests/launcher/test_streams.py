"""Outputs that cannot be written to, with the real launcher."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 30
REAL_PYTHON = str(Path(sys.prefix) / "bin" / "python")
SERVER = "import os, signal, time; open('up', 'w').close(); time.sleep(600)"

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def full_disk():
    return os.open("/dev/full", os.O_WRONLY)


def gone_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def closed_terminal():
    controller, terminal = os.openpty()
    os.close(controller)
    return terminal


@pytest.fixture
def launch(start, checkout, tmp_path):
    """Starts a script with streams of the test's choice."""
    start("start.sh", "--help").communicate(timeout=PATIENCE_S)  # puts it there
    (tmp_path / "fake_backend.py").write_text(SERVER)
    started = []

    def run(*arguments, before=None, **streams):
        tools = {"PATH": f"{checkout.tools}:/usr/bin:/bin", "FAKE_ADOPT": "0"}
        python = {"ZIMAGE_PYTHON": REAL_PYTHON, "REAL_PYTHON": REAL_PYTHON}
        started.append(
            subprocess.Popen(
                [checkout.root / "start.sh", *arguments], cwd=tmp_path, stdin=subprocess.DEVNULL, preexec_fn=before,
                env={**checkout.environ, **tools, **python, "FAKE_BACKEND": str(tmp_path / "fake_backend.py")},
                **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | streams,
            )
        )  # fmt: skip
        return started[-1]

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        process.wait(PATIENCE_S)


def wait_until_up(checkout, process):
    deadline = time.monotonic() + PATIENCE_S
    while not (checkout.root / "up").exists():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("streams", [("stdout",), ("stderr",), ("stdout", "stderr")])
@pytest.mark.parametrize("broken", [full_disk, gone_reader, closed_terminal])
def test_an_output_that_fails_stops_neither_set_up_nor_server(launch, checkout, broken, streams):
    output = broken()
    process = launch("--port", "18211", "--web-port", "18212", **dict.fromkeys(streams, output))
    os.close(output)
    wait_until_up(checkout, process)
    assert process.poll() is None


@pytest.mark.parametrize("broken", [full_disk, gone_reader])
@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["--setup-only"], 0), (["--no-such-option"], 2)])
def test_an_output_that_fails_changes_no_exit_code(launch, broken, arguments, code):
    output = broken()
    process = launch(*arguments, stdout=output, stderr=output)
    os.close(output)
    assert process.wait(PATIENCE_S) == code


def test_closed_outputs_do(launch, checkout):
    def close():
        os.close(1)
        os.close(2)

    assert launch("--setup-only", before=close).wait(PATIENCE_S) == 0


def test_nohup_outlives_its_terminal(launch, checkout):
    process = launch(
        "--port", "18211", "--web-port", "18212", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    wait_until_up(checkout, process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
