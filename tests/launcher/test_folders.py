from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from launcher import checks, cli, folders, serve
from launcher.errors import NotWritable, StepFailed
from launcher.folders import check_folder
from launcher.serve import Address


@pytest.fixture(autouse=True)
def a_linux_with_space(monkeypatch):
    monkeypatch.setattr(checks, "current_system", lambda: "linux")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * 1024**3))


@pytest.fixture
def read_only(monkeypatch):
    """Makes a folder and what is below it read-only, for root as well."""
    access = os.access

    def make(folder: Path) -> None:
        def only_read(path, mode, **options):
            return not (mode & os.W_OK and Path(path).is_relative_to(folder)) and access(path, mode, **options)

        monkeypatch.setattr(os, "access", only_read)

    return make


def as_file(path):
    path.write_text("not a folder")


def as_dangling_link(path):
    path.symlink_to("nowhere")


def as_link_to_itself(path):
    path.symlink_to(path.name)


def as_link_to_file(path):
    (path.parent / "some file").write_text("x")
    path.symlink_to("some file")


@pytest.mark.parametrize("make", [as_file, as_dangling_link, as_link_to_itself, as_link_to_file])
@pytest.mark.parametrize("name", [".venv", "frontend/node_modules", "frontend/dist"])
def test_what_is_no_folder_is_named(checkout, name, make):
    if name.endswith("dist"):
        checkout.setup.node()
    make(checkout.root / name)
    with pytest.raises(NotWritable, match=rf"{name} is a (file|link).*Remove"):
        set_up(checkout)


@pytest.mark.parametrize("name", ["", ".venv", "frontend/node_modules"])
def test_a_read_only_folder_is_named_before_anything_runs(checkout, read_only, name):
    (checkout.root / name).mkdir(exist_ok=True)
    read_only(checkout.root / name)
    with pytest.raises(NotWritable, match=r"cannot be written to: .*(chown|copy)"):
        set_up(checkout)
    assert [call for call in checkout.calls() if ("npm" if "node" in name else "venv") in call] == []


def test_a_read_only_checkout_that_is_set_up_needs_nothing(checkout, read_only):
    set_up(checkout)
    checkout.forget_calls()
    read_only(checkout.root)
    set_up(checkout)
    assert checkout.calls() == []


def test_a_read_only_environment_made_by_hand_is_adopted(checkout, monkeypatch):
    checkout.places.python.parent.mkdir(parents=True)
    shutil.copy(checkout.tools / "python", checkout.places.python)
    checkout.environ["FAKE_ADOPT"] = "0"

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("launcher.stamps.Stamp.write", refuse)
    with pytest.raises(PermissionError):
        checkout.setup.python(None)
    assert "-m pip install" in checkout.calls()[-1]  # the environment itself was adopted
    assert not any("-m venv" in call for call in checkout.calls())


def test_a_data_folder_elsewhere_makes_a_read_only_checkout_do(checkout, read_only, tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "supervise", lambda _: 0)
    monkeypatch.setattr(serve, "Child", lambda *_: None)
    monkeypatch.setattr(Address, "check", lambda *_, **__: None)
    read_only(checkout.root)
    with pytest.raises(NotWritable, match="--data-dir"):
        serve.serve(checkout.places, Address("127.0.0.1", 1, 2, None), {})
    assert serve.serve(checkout.places, Address("127.0.0.1", 1, 2, str(tmp_path / "mine")), {}) == 0


def test_the_owner_is_named(tmp_path, read_only, monkeypatch):
    read_only(tmp_path)
    monkeypatch.setattr(folders, "_owner", lambda _: "alice")
    with pytest.raises(NotWritable, match="belongs to alice, and you are "):
        check_folder(tmp_path / "not" / "yet", "")


def test_a_read_only_disk_is_named(tmp_path, read_only, monkeypatch):
    read_only(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    with pytest.raises(NotWritable, match="disk that is read-only"):
        check_folder(tmp_path, "")


@pytest.mark.parametrize(
    "said", ["ERROR: [Errno 13] Permission denied: 'x'", "npm error code EACCES", "OSError: Read-only file system"]
)
def test_a_tool_that_may_not_write_is_explained(checkout, said):
    checkout.environ["FAKE_NPM_FAILS"] = said
    with pytest.raises(StepFailed, match=r"(?s)may not be written by you.*chown"):
        checkout.setup.node()


def test_whatever_the_disk_refuses_is_one_sentence(monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr(cli, "raise_on_stop_signals", lambda: None)
    monkeypatch.setattr(cli, "launch", refuse)
    assert cli.run([]) == 1
    assert capsys.readouterr().err.startswith("[z-image] Permission denied: /some/file.")


def test_an_environment_whose_python_may_not_be_run_is_made_again(checkout):
    checkout.setup.python(None)
    checkout.places.python.chmod(stat.S_IRUSR)
    checkout.setup.python(None)
    assert sum("-m venv" in call for call in checkout.calls()) == 2


def set_up(checkout):
    checkout.setup.python(None)
    checkout.setup.node()
    checkout.setup.build()
