"""A small checkout whose Python, pip, Node and npm are shell scripts that note how they were called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.setup import Places, Setup

ROOT = Path(__file__).resolve().parents[2]

FAKE_PYTHON = """#!/bin/sh
echo "python $*" >> "$FAKE_LOG"
if [ "$1" = -c ]; then exit "${FAKE_ADOPT:-1}"; fi
case "$2" in
    venv) mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; exit 0 ;;
    pip) [ -n "$FAKE_PIP" ] && exec "$FAKE_PIP" "$@"; echo Successfully installed; exit 0 ;;
    backend|uvicorn) shift 2; exec "$REAL_PYTHON" "$FAKE_BACKEND" "$@" ;;
esac
exit 9
"""

FAKE_NPM = """#!/bin/sh
echo "npm $*" >> "$FAKE_LOG"
[ -n "$FAKE_NPM_FAILS" ] && { echo "$FAKE_NPM_FAILS"; exit 1; }
case "$1" in
    ci) mkdir -p node_modules ;;
    run) mkdir -p dist; echo "<!doctype html>" > dist/index.html ;;
esac
exit 0
"""


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@dataclass
class Checkout:
    """A throw-away checkout with its fake tools."""

    root: Path
    tools: Path
    environ: dict[str, str]

    @property
    def places(self) -> Places:
        return Places(self.root)

    @property
    def setup(self) -> Setup:
        return Setup(self.places, self.environ)

    def calls(self) -> list[str]:
        log = Path(self.environ["FAKE_LOG"])
        return log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    def forget_calls(self) -> None:
        Path(self.environ["FAKE_LOG"]).unlink(missing_ok=True)

    def fake_pip(self, script: str) -> None:
        self.environ["FAKE_PIP"] = str(write_program(self.tools / "fake-pip", f"#!/bin/sh\n{script}\n"))

    def fake_node(self, version: str) -> None:
        write_program(self.tools / "node", f"#!/bin/sh\necho {version}\n")
        write_program(self.tools / "npm", FAKE_NPM)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    if os.name == "nt":
        pytest.skip("the fake tools are shell scripts")
    root, tools = tmp_path / "check out", tmp_path / "tools"
    for name, text in {
        "constraints.txt": "torch==2.13.0\n",
        "requirements-dev.txt": "pytest\n",
        "backend/requirements.txt": "torch\n",
        "client/pyproject.toml": "[project]\n",
        "frontend/package.json": "{}",
        "frontend/package-lock.json": "{}",
        "frontend/src/main.jsx": "one",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    python = write_program(tools / "python", FAKE_PYTHON)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(tools))
    environ = {"PATH": "/usr/bin:/bin", "FAKE_LOG": str(tmp_path / "calls.log")}
    made = Checkout(root, tools, environ)
    made.fake_node("v22.12.0")
    return made


@pytest.fixture
def start(checkout: Checkout, tmp_path: Path):
    """Starts a start script of the checkout, with its environment as good as set up."""
    shutil.copytree(ROOT / "launcher", checkout.root / "launcher", ignore=shutil.ignore_patterns("__pycache__"))
    write_program(checkout.places.python, FAKE_PYTHON)
    real_python = str(Path(sys.prefix) / "bin" / "python")
    environ = {
        **checkout.environ,
        "PATH": f"{checkout.tools}:/usr/bin:/bin",
        "ZIMAGE_PYTHON": real_python,
        "REAL_PYTHON": real_python,
        "FAKE_ADOPT": "0",
        "FAKE_BACKEND": str(tmp_path / "fake_backend.py"),
    }
    started: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        shutil.copy(ROOT / script, checkout.root / script)
        process = subprocess.Popen(
            [str(checkout.root / script), *arguments],
            env={**environ, **extra},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=15)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
