"""The commands against their page, and what their errors become."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from zimage_client import ConnectionFailed, InvalidRequest, NotFound
from zimage_client.cli import console
from zimage_client.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/command-line.md").read_text("utf-8")


def commands(group: Any, name: str = "zimage") -> dict[str, Any]:
    found = {}
    for one, command in group.commands.items():
        path = f"{name} {one}"
        found |= commands(command, path) if hasattr(command, "commands") else {path: command}
    return found


COMMANDS = commands(typer.main.get_command(app))


def test_every_command_is_on_the_page_and_has_help():
    assert len(COMMANDS) >= 18
    rows = re.findall(r"^\| `zimage (\w+)([^|]*)", PAGE, re.MULTILINE)
    named = {f"zimage {group}" for group, _ in rows}
    for group, rest in rows:
        named |= {f"zimage {group} {word}" for word in re.findall(r"(?:^ |`)([a-z]+)`", rest)}
    assert set(COMMANDS) <= named
    assert all(command.help for command in COMMANDS.values())


@pytest.mark.parametrize("command", ["zimage generate", "zimage edit"])
def test_every_option_of_drawing_is_on_the_page(command):
    options = {name for parameter in COMMANDS[command].params for name in parameter.opts if name.startswith("-")}
    assert len(options) >= 20
    assert sorted(name for name in options - {"--help", "-h"} if f"`{name}`" not in PAGE) == []


def test_the_page_s_commands_are_commands():
    for line in re.findall(r"^\.venv/bin/(zimage .+)$", PAGE, re.MULTILINE):
        command = next(name for name in COMMANDS if line.startswith(name + " "))
        known = {name for parameter in COMMANDS[command].params for name in parameter.opts}
        assert [word for word in re.findall(r" (--?[a-z][\w-]*)", line) if word not in known] == []


def test_errors_have_their_codes(zimage, answers, monkeypatch):
    invalid = InvalidRequest("No.", "validation_error", status=422)
    assert console.exit_code_of(invalid) == 2
    assert console.exit_code_of(InvalidRequest("No.", "does_not_fit", status=422)) == 2
    assert console.exit_code_of(NotFound("No.", "not_found", status=404)) == 1
    assert console.exit_code_of(ConnectionFailed("No.")) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (PermissionError(13, "Permission denied", "x.png"), 1), (BrokenPipeError(32, ""), 1)],
)
def test_whatever_happens_is_one_line_and_a_code(zimage, monkeypatch, answers, error, code):
    def fail(request: Any) -> None:
        raise error

    answers(fail)
    ended = zimage("models", "list")
    assert ended.code == code
    assert len(ended.err.splitlines()) == (0 if isinstance(error, BrokenPipeError) else 1)


def test_nothing_is_coloured_outside_a_terminal(zimage, answers, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for command in ([], ["generate", "--help"], ["generate"], ["queue", "list", "--server", "http://127.0.0.1:9"]):
        ended = zimage(*command)
        assert "\x1b" not in ended.out + ended.err
