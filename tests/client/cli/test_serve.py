from __future__ import annotations

import pytest
from zimage_client.cli import local


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [([], []), (["--local"], ["--local"]), (["--server", "http://studio:1"], ["--server", "http://studio:1"])],
)
def test_the_command_hands_on_where_to_draw(zimage, monkeypatch, arguments, passed):
    seen: list[list[str]] = []
    monkeypatch.setattr(local, "serve_mcp", lambda given: seen.append(list(given)) or 3)
    assert zimage("mcp", *arguments).code == 3
    assert seen == [passed]


def test_the_client_alone_says_what_it_lacks(zimage, monkeypatch):
    monkeypatch.setattr(local, "has_backend", lambda: False)
    ended = zimage("mcp")
    assert ended.code == 1
    assert ended.out == ""
    assert "needs Z-Image itself" in ended.err
