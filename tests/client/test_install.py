"""The package stands alone: it needs httpx, and typer and rich for the command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import zimage_client
from zimage_client.connection import VERSION

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("backend", "fastapi", "pydantic", "torch", "typer", "rich", "zimage")

IMPORT_ALL = """
import importlib, json, pkgutil, sys
for name in {foreign!r}:
    sys.modules[name] = None  # importing it is now an ImportError
import zimage_client
names = [m.name for m in pkgutil.iter_modules(zimage_client.__path__) if m.name not in ("cli", "__main__")]
for name in names:
    importlib.import_module("zimage_client." + name)
print(json.dumps(names))
"""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "client/pyproject.toml").read_text("utf-8"))["project"]
    return project


def names(entries: list[str]) -> set[str]:
    return {re.split("[>=]", entry)[0] for entry in entries}


def test_it_needs_what_it_says(project):
    assert names(project["dependencies"]) == {"httpx"}
    assert names(project["optional-dependencies"]["cli"]) == {"typer", "rich"}
    assert project["version"] == VERSION
    assert (ROOT / "client/src/zimage_client/py.typed").is_file()


def test_the_servers_set_up_installs_and_pins_what_the_command_needs(project):
    needed = names(project["dependencies"] + project["optional-dependencies"]["cli"])
    assert needed <= names((ROOT / "backend/requirements.txt").read_text("utf-8").splitlines())
    assert needed <= names((ROOT / "constraints.txt").read_text("utf-8").splitlines())


def test_the_client_imports_without_the_server_and_without_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL.format(foreign=FOREIGN)],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "client/src"), "PATH": ""}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) >= 10


def test_the_command_says_what_it_lacks(tmp_path):
    script = "import sys; sys.modules['typer'] = None\nfrom zimage_client.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "client/src"), "PATH": ""}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "zimage: the command needs typer and rich: pip install 'zimage-client[cli]'\n"


def test_every_exported_name_is_there_once():
    assert sorted(zimage_client.__all__) == list(zimage_client.__all__)
    assert all(hasattr(zimage_client, name) for name in zimage_client.__all__)
