from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from launcher import checks
from launcher.__main__ import version_problem
from launcher.cli import build_parser, launch
from launcher.errors import DiskFull, MissingTool, PortTaken, UnfitFolder
from launcher.setup import Places


@pytest.mark.parametrize("version", [(2, 7), (3, 8), (3, 10), (3, 14)])
def test_an_unsuitable_python_is_named(version):
    assert f"this is Python {version[0]}.{version[1]}" in version_problem(version)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_suitable_pythons(version):
    assert version_problem(version) == ""


def test_missing_venv_module_names_the_package(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name))
    with pytest.raises(MissingTool, match=r"apt-get install python3\.\d+-venv"):
        checks.check_venv_module()


def test_node_is_found(checkout):
    assert checks.find_node() == (str(checkout.tools / "node"), str(checkout.tools / "npm"))


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_missing_node_or_npm(checkout, missing):
    (checkout.tools / missing).unlink()
    with pytest.raises(MissingTool, match=r"Node 20\.19 or newer with npm is needed.*was not found"):
        checks.find_node()


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.9", "nonsense"])
def test_old_node(checkout, version):
    checkout.fake_node(version)
    with pytest.raises(MissingTool, match="this is Node"):
        checks.find_node()


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo 'GPU 0: NVIDIA GeForce RTX 4090'", True),
        ("echo 'No devices were found'", False),
        ("echo 'GPU 0: lost'; exit 9", False),
    ],
)
def test_nvidia_card(checkout, script, found):
    tool = checkout.tools / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    assert checks.has_nvidia_card() is found


def test_no_nvidia_driver(checkout):
    assert checks.has_nvidia_card() is False


def test_short_disk_names_both_numbers(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1024**3))
    checks.check_disk(tmp_path, 1024**3, "anything")
    with pytest.raises(DiskFull, match=r"3\.0 GB are needed.*1\.0 GB are free"):
        checks.check_disk(tmp_path, 3 * 1024**3, "the Python packages")


def test_taken_port_names_the_option():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} .*--web-port"):
            checks.check_port("127.0.0.1", port, "--web-port")
    checks.check_port("127.0.0.1", port, "--web-port")


def test_foreign_address():
    with pytest.raises(PortTaken, match="--host"):
        checks.check_port("no such host", 15000, "--port")


@pytest.mark.parametrize("with_ui", [True, False])
@pytest.mark.parametrize("name", ["a#b", "#", "a?b", "a*b", 'a"b', "a\\b", "a:b", "a\nb", "a\udce9b"])
def test_a_path_that_the_tools_cannot_do_with_is_named(name, with_ui):
    only_for_ui = name not in ("a:b", "a\nb", "a\udce9b")
    if only_for_ui and not with_ui:
        checks.check_path(Path("/home") / name / "Z-Image", with_ui=False)
        return
    with pytest.raises(UnfitFolder, match="Move or rename the folder"):
        checks.check_path(Path("/home") / name / "Z-Image", with_ui)


@pytest.mark.parametrize(
    "name", ["a b", "äé中文", "a%b", "a%20b", "a'b", "a[b]", "a{b}", "a(b)", "a!b", "a&b", "a;b", "a$b", "a`b", "a+b"]
)
def test_a_path_that_works_is_left_alone(name):
    checks.check_path(Path("/home") / name / "Z-Image", with_ui=True)


def test_the_path_is_checked_before_anything_is_installed(checkout):
    root = checkout.root.rename(checkout.root.with_name("c#"))
    options = build_parser({}).parse_args(["--setup-only"])
    with pytest.raises(UnfitFolder, match="'#'"):
        launch(options, Places(root), checkout.environ)
    assert checkout.calls() == []
