"""`zimage history`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.client.test_client import SMALL


@pytest.fixture
def ids(client, on_server) -> list[str]:
    """Three images, the newest first."""
    return [client.draw(f"a {name}", seed=7, **SMALL)[0].image.id for name in ("fox", "wolf", "bear")][::-1]


def test_images_are_listed_and_searched(zimage, ids):
    rows = [line.split("\t") for line in zimage("history", "list").lines]
    assert [row[0] for row in rows] == ids
    assert rows[0][2:] == ["256x256", "7", "zimage-nano", "a bear"]
    assert len(zimage("history", "list", "-n", "2").lines) == 2
    assert [line.split("\t")[0] for line in zimage("history", "search", "wolf").lines] == [ids[1]]
    (found,) = json.loads(zimage("history", "search", "a", "wolf", "--json").out)
    assert found["id"] == ids[1]
    assert zimage("history", "search", "nothing").lines == []
    assert zimage("history", "list", "--favourites").lines == []


def test_images_are_downloaded(zimage, ids, client, here):
    ended = zimage("history", "download", ids[1][:10], "latest", "-o", "got.png")
    assert ended.lines == ["got-1.png", "got-2.png"]
    assert (here / "got-1.png").read_bytes() == client.download(ids[1])
    assert (here / "got-2.png").read_bytes() == client.download(ids[0])
    assert zimage("history", "download", "latest", "-o", "-").raw == client.download(ids[0])
    ended = zimage("history", "download", "xyz")
    assert ended.code == 1
    assert "No image" in ended.err
    ended = zimage("history", "download", "f" * 32)
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert zimage("history", "download", ids[2]).lines == [f"{ids[2]}.png"]


def test_images_go_to_the_trash_come_back_and_go_for_good(zimage, ids, client):
    assert zimage("history", "delete", ids[0], ids[1]).lines == ids[:2]
    assert [line.split("\t")[0] for line in zimage("history", "list", "--trash").lines] == ids[:2]
    assert zimage("history", "restore", ids[1]).lines == [ids[1]]
    assert zimage("history", "delete", ids[1], "--permanent").code == 1
    assert zimage("history", "delete", ids[0], "--permanent").lines == [ids[0]]
    assert zimage("history", "list", "--trash").lines == []
    ended = zimage("history", "delete", ids[2], "f" * 32)
    assert (ended.code, ended.lines) == (1, [ids[2]])
    assert zimage("history", "restore", ids[2]).code == 0
    assert [image.id for image in client.images()] == ids[1:]


def test_an_image_is_opened_in_the_viewer(zimage, ids, client, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", lambda path: opened.append(path) or 0)
    ended = zimage("history", "open", ids[2])
    assert (ended.code, ended.lines) == (0, opened)
    assert Path(opened[0]).read_bytes() == client.download(ids[2])
    monkeypatch.setattr("typer.launch", lambda path: 1)
    ended = zimage("history", "open")
    assert ended.code == 1
    assert "no viewer" in ended.err
