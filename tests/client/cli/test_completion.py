"""Words that the shell completes."""

from __future__ import annotations

from zimage_client.cli.completion import complete_image, complete_model, complete_task

from tests.client.test_client import SMALL


def test_names_come_from_the_server(on_server, client):
    image = client.draw("a fox", **SMALL)[0].image
    assert complete_model("zimage-n") == ["zimage-nano"]
    assert complete_image(image.id[:4]) == [image.id]
    assert complete_task("") == []


def test_without_a_server_there_is_nothing_to_complete(monkeypatch):
    for url in ("http://127.0.0.1:9", "nonsense://x", "http://zimage.invalid"):
        monkeypatch.setenv("ZIMAGE_URL", url)
        assert complete_model("") == []
