"""The command in this process, and what it has said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner
from zimage_client import Client
from zimage_client.cli import connect
from zimage_client.cli.app import app

from backend.embedded import Embedded


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    code: int
    out: str
    err: str
    raw: bytes

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Zimage = Callable[..., Ended]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in which the command runs."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def zimage(here: Path) -> Zimage:
    """Runs the command."""

    def run(*arguments: str, stdin: str | None = None) -> Ended:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr, result.stdout_bytes)

    return run


@pytest.fixture
def on_server(server: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the environment name the server, as a person's would."""
    monkeypatch.setenv("ZIMAGE_URL", server.url)
    monkeypatch.setenv("ZIMAGE_API_TOKEN", server.token)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[httpx.Request], httpx.Response]], None]:
    """Lets a function answer instead of a server."""

    def use(answer: Callable[[httpx.Request], httpx.Response]) -> None:
        def open_client(address: Any) -> Client:
            return Client(str(address), transport=httpx.MockTransport(answer))

        monkeypatch.setattr(connect, "open_client", open_client)
        monkeypatch.setattr(connect, "is_listening", lambda address: True)

    return use
