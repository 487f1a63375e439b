"""The real service, with outputs that cannot be written to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full"),
]


def full_disk():
    return os.open("/dev/full", os.O_WRONLY)


def gone_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def fetch_health(port):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        return answer.status


def wait_for_health(port, process):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "it has ended"
        try:
            return fetch_health(port)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it does not answer")


@pytest.mark.parametrize("broken", [full_disk, gone_reader])
def test_outputs_that_fail_end_neither_service_nor_requests(tmp_path, broken):
    port, output = free_port(), broken()
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "--port", str(port), "--web-port", str(free_port())],
        env={**os.environ, "ZIMAGE_DATA_DIR": str(tmp_path / "data"), "ZIMAGE_LOG_LEVEL": "DEBUG"},
        cwd=ROOT, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(output)
    try:
        assert wait_for_health(port, process) == 200
        time.sleep(1)  # the line that says that it is ready comes last
        assert fetch_health(port) == 200
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


PROGRAM = """
import logging, sys, warnings
from tqdm import tqdm
from backend.utils.streams import protect_output
protect_output()
for _ in tqdm(range(3), mininterval=0): print("progress" * 9999)
logging.warning("log"); warnings.warn("warning"); sys.stdout.flush(); sys.stderr.flush()
"""


@pytest.mark.parametrize("broken", [full_disk, gone_reader])
def test_prints_and_progress_bars_do_not_raise(broken):
    output = broken()
    answer = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=output, stderr=output, timeout=PATIENCE_S)
    os.close(output)
    assert answer.returncode == 0


def test_what_can_be_written_arrives_whole():
    program = "from backend.utils.streams import protect_output; protect_output(); print('ä' * 200_000 + '\\udce9')"
    answer = subprocess.run([sys.executable, "-X", "utf8", "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert answer.stdout == ("ä" * 200_000 + "\\udce9\n").encode()
