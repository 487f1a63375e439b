"""The command with the server's own code: in its process, and as a server."""

from __future__ import annotations

import pytest
from zimage_client import ZImageError
from zimage_client.cli import connect, local

from backend import embedded


@pytest.fixture
def alone(monkeypatch, make_app):
    """No server on this machine, and an application with a fake engine for what starts one."""
    monkeypatch.setattr(embedded, "create_embedded_app", make_app)
    monkeypatch.setattr(connect, "is_listening", lambda address: False)


def test_without_a_server_it_draws_in_its_own_process(zimage, alone, engine, here):
    ended = zimage("generate", "a fox", "--size", "256", "-o", "fox.png")
    assert (ended.code, ended.lines) == (0, ["fox.png"])
    assert "No server at http://127.0.0.1:15000: working in this process." in ended.err
    assert (here / "fox.png").is_file()
    assert len(engine.requests) == 1
    assert len(zimage("history", "list", "--local").lines) == 1


def test_another_machine_is_not_replaced_by_this_one(zimage, alone, engine, monkeypatch):
    monkeypatch.setattr("zimage_client.retries.Retries.wait_s", lambda self, failures: 0.0)
    assert zimage("generate", "a fox", "--server", "http://zimage.invalid").code == 1
    assert engine.requests == []


def test_settings_that_are_wrong_are_said_in_a_line(zimage, alone, monkeypatch):
    monkeypatch.setenv("ZIMAGE_MAX_WORK", "much")
    ended = zimage("generate", "a fox")
    assert ended.code == 1
    assert "ZIMAGE_MAX_WORK" in ended.err


def test_what_keeps_the_api_from_starting_is_said_in_a_line(zimage, alone, tmp_path):
    from backend.utils.folder_lock import FolderLock

    (tmp_path / "data").mkdir()
    with FolderLock(tmp_path / "data"):
        ended = zimage("generate", "a fox")
    assert ended.code == 1
    assert "in use by another running Z-Image" in ended.err
    assert "--server" in ended.err


def test_whoever_says_local_means_it(zimage, alone, engine, monkeypatch):
    monkeypatch.setenv("ZIMAGE_URL", "http://zimage.invalid")
    assert zimage("generate", "a fox", "--size", "256", "--local").code == 0
    assert len(engine.requests) == 1


def test_the_client_alone_says_what_is_missing(zimage, monkeypatch, alone):
    monkeypatch.setattr(local, "has_backend", lambda: False)
    for command in (["generate", "a fox"], ["serve"]):
        ended = zimage(*command)
        assert ended.code == 1
        assert "only its client is installed" in ended.err
    with pytest.raises(ZImageError):
        local.require_backend("This")


def test_serve_passes_its_options_on(zimage, monkeypatch):
    called: list[list[str]] = []
    monkeypatch.setattr("backend.__main__.main", lambda arguments: called.append(arguments) or 3)
    monkeypatch.setattr("backend.utils.streams.protect_output", lambda: None)
    assert zimage("serve", "--port", "16000", "--data-dir", "x").code == 3
    assert called == [["--port", "16000", "--data-dir", "x"]]
