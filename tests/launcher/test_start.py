"""The start scripts as a person runs them, with a fake backend."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from launcher.cli import build_parser, port_number, read_address
from launcher.errors import PortTaken

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake tools are shell scripts")

PATIENCE_S = 20
FAKE_BACKEND = """
import json, os, pathlib, signal, subprocess, sys, time
if "exit" in os.environ: sys.exit(int(os.environ["exit"]))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
if "stubborn" in os.environ:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
facts = {"pids": [os.getpid(), child.pid], "args": sys.argv[1:], "env": dict(os.environ)}
fresh = pathlib.Path("facts.new"); fresh.write_text(json.dumps(facts)); fresh.rename("facts.json")
time.sleep(600)
"""


@pytest.fixture
def backend(tmp_path: Path) -> None:
    (tmp_path / "fake_backend.py").write_text(FAKE_BACKEND)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def wait_for(condition, what: str):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen")


def facts_of(checkout) -> dict:
    path = checkout.root / "facts.json"
    return wait_for(lambda: path.exists() and json.loads(path.read_text()), "the backend's start")


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z"  # dead, and only not yet buried by a container's lazy init
    except (FileNotFoundError, ProcessLookupError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def ports() -> list[str]:
    return ["--port", free_port(), "--web-port", free_port()]


@pytest.mark.usefixtures("backend")
class TestServing:
    def test_options_reach_the_backend_and_the_data_folder_is_the_persons(self, start, checkout, tmp_path):
        start("start_backend.sh", "--port", "20111", "--data-dir", "my data", ZIMAGE_WEB_PORT="20112")
        facts = facts_of(checkout)
        data = str(tmp_path / "my data")
        expected = f"--host 127.0.0.1 --port 20111 --web-port 20112 --data-dir {data}"
        assert " ".join(facts["args"]) == expected
        assert facts["env"]["ZIMAGE_WEB_PORT"] == "20112"
        assert facts["env"]["ZIMAGE_DATA_DIR"] == data

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_a_stop_signal_ends_the_whole_tree(self, start, checkout, signum):
        process = start("start_backend.sh", *ports())
        pids = facts_of(checkout)["pids"]
        process.send_signal(signum)
        assert process.wait(PATIENCE_S) == 0
        wait_for(lambda: all(map(is_gone, pids)), "the end of all processes")

    def test_a_second_signal_ends_a_stubborn_backend(self, start, checkout):
        process = start("start_backend.sh", *ports(), stubborn="1")
        pids = facts_of(checkout)["pids"]
        process.terminate()
        time.sleep(0.3)
        assert process.poll() is None
        process.terminate()
        assert process.wait(PATIENCE_S) == 137
        wait_for(lambda: all(map(is_gone, pids)), "the end of all processes")

    @pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux lets a child die with its parent")
    def test_a_killed_launcher_leaves_no_backend(self, start, checkout):
        process = start("start_backend.sh", *ports())
        pids = facts_of(checkout)["pids"]
        process.kill()
        wait_for(lambda: is_gone(pids[0]), "the backend's end")
        os.kill(pids[1], signal.SIGKILL)

    def test_the_backends_exit_code_is_passed_on(self, start):
        assert start("start_backend.sh", *ports(), exit="42").wait(PATIENCE_S) == 42

    @pytest.mark.parametrize("option", ["--port", "--web-port"])
    def test_a_taken_port_is_one_plain_sentence(self, start, option):
        with socket.create_server(("127.0.0.1", 0)) as server:
            other = "--web-port" if option == "--port" else "--port"
            taken = str(server.getsockname()[1])
            process = start("start_backend.sh", option, taken, other, free_port())
            _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 6
        assert f"Port {taken}" in errors
        assert option in errors
        assert "Traceback" not in errors


def test_set_up_only_builds_and_stops(start, checkout):
    process = start("start.sh", "--setup-only")
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "Set-up is complete." in output
    assert (checkout.places.dist / "index.html").is_file()


def test_the_backend_starts_without_node(start, checkout):
    (checkout.tools / "node").unlink()
    process = start("start_backend.sh", "--setup-only")
    assert process.wait(PATIENCE_S) == 0


def test_missing_node_is_one_plain_sentence(start, checkout):
    checkout.fake_node("v12.1.0")
    process = start("start.sh", "--setup-only")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "this is Node 12.1" in errors
    assert "Traceback" not in errors


def test_no_python_at_all_is_one_plain_sentence(start, tmp_path):
    (tmp_path / "empty").mkdir()
    for tool in ("dirname", "sh"):
        (tmp_path / "empty" / tool).symlink_to(f"/usr/bin/{tool}")
    process = start("start.sh", PATH=str(tmp_path / "empty"), ZIMAGE_PYTHON="")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "none was found" in errors


def test_an_old_python_is_asked_rather_than_none(start, tmp_path, checkout):
    old = tmp_path / "old" / "python3"
    old.parent.mkdir()
    old.write_text('#!/bin/sh\n[ "$1" = -c ] && echo 308 && exit\necho "old python runs $1" >&2\nexit 3\n')
    old.chmod(0o755)
    (old.parent / "dirname").symlink_to("/usr/bin/dirname")
    process = start("start.sh", PATH=str(old.parent), ZIMAGE_PYTHON="")
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert errors.strip() == f"old python runs {checkout.root / 'launcher'}"


@pytest.mark.parametrize("name", ["start", "start_backend", "start_frontend"])
def test_windows_scripts_ask_for_the_same(name):
    root = Path(__file__).resolve().parents[2]
    batch = (root / f"{name}.bat").read_bytes()
    assert batch.count(b"\r\n") == batch.count(b"\n") > 5
    service = name.removeprefix("start").removeprefix("_")
    arguments = f'launcher" {service} ' if service else 'launcher" '
    assert f"{arguments}%*" in batch.decode()
    assert f'{arguments}"$@"' in (root / f"{name}.sh").read_text()


def test_a_stop_during_set_up_ends_the_installer(start, checkout, tmp_path):
    pid_file = tmp_path / "pip.pid"
    checkout.fake_pip(f"echo $$ > '{pid_file}.new'; mv '{pid_file}.new' '{pid_file}'; sleep 600")
    process = start("start.sh", FAKE_PIP=checkout.environ["FAKE_PIP"])
    wait_for(pid_file.exists, "the installation")
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 143
    assert "goes on where it stopped" in errors
    wait_for(lambda: is_gone(int(pid_file.read_text())), "the installer's end")


def test_development_ends_both_when_one_ends(start, checkout, tmp_path):
    (tmp_path / "fake_backend.py").write_text(FAKE_BACKEND)
    node = checkout.tools / "node"
    pid_file = tmp_path / "vite.pid"
    node.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo v22.12.0 && exit 0\n'
        f"echo \"$@\" > '{pid_file}.args'; echo $$ > '{pid_file}.new'\n"
        f"mv '{pid_file}.new' '{pid_file}'; exec sleep 600\n"
    )
    arguments = ports()
    process = start("start.sh", "--dev", *arguments)
    pids = facts_of(checkout)["pids"]
    wait_for(pid_file.exists, "Vite's start")
    assert f"--port {arguments[3]} --strictPort" in Path(f"{pid_file}.args").read_text()
    os.kill(pids[0], signal.SIGTERM)
    process.wait(PATIENCE_S)
    wait_for(lambda: all(map(is_gone, [*pids, int(pid_file.read_text())])), "the end of all processes")


class TestOptions:
    def test_defaults(self):
        options = build_parser({}).parse_args([])
        address = read_address(options)
        assert (address.host, address.port, address.web_port, address.data_dir) == ("127.0.0.1", 15000, 15001, None)
        assert (options.service, options.torch, options.dev, options.setup_only) == ("all", None, False, False)

    def test_the_command_line_wins_over_the_environment(self):
        environ = {"ZIMAGE_PORT": "1", "ZIMAGE_WEB_PORT": "2", "ZIMAGE_HOST": "0.0.0.0", "ZIMAGE_DATA_DIR": "/d"}
        address = read_address(build_parser(environ).parse_args(["--port", "3"]))
        assert (address.host, address.port, address.web_port, address.data_dir) == ("0.0.0.0", 3, 2, "/d")

    @pytest.mark.parametrize("text", ["0", "65536", "-1", "8.5", "abc", "", "１"])
    def test_what_is_no_port_is_refused(self, text):
        with pytest.raises(Exception, match="from 1 to 65535"):
            port_number(text)

    @pytest.mark.parametrize(
        ("name", "value", "hint"),
        [("ZIMAGE_PORT", "abc", "from 1 to 65535"), ("ZIMAGE_TORCH", "gpu", "auto, cpu or cuda, not 'gpu'")],
    )
    def test_a_bad_variable_is_refused_like_a_bad_option(self, capsys, name, value, hint):
        with pytest.raises(SystemExit):
            build_parser({name: value}).parse_args([])
        assert hint in capsys.readouterr().err

    def test_an_empty_variable_counts_as_unset(self):
        names = ("HOST", "PORT", "WEB_PORT", "DATA_DIR", "TORCH")
        empty = build_parser({f"ZIMAGE_{name}": "" for name in names}).parse_args([])
        assert empty == build_parser({}).parse_args([])

    def test_equal_ports_are_refused(self):
        with pytest.raises(PortTaken, match="must differ"):
            read_address(build_parser({}).parse_args(["--port", "9000", "--web-port", "9000"]))
