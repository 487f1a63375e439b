"""`zimage lora`, and `--lora`."""

from __future__ import annotations

import json

import httpx
import pytest
import typer
from zimage_client.cli import loras
from zimage_client.cli.options import parse_lora

from tests.backend.services.library.loras.lora_files import write_lora

INK = {"name": "ink", "kind": "lora", "rank": 16, "trigger_words": ["ink wash", "wet"], "problem": None}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(loras, "LOOK_S", 0)


def test_an_older_server_has_none(zimage, answers):
    answers(lambda request: httpx.Response(404, json={"error": {"code": "not_found", "message": "No route."}}))
    ended = zimage("lora", "list")
    assert ended.code == 1
    assert "no LoRAs yet" in ended.err


def test_loras_are_listed_once_they_are_read(zimage, answers):
    looks = iter([{"loras": [{"name": "ink"}], "n_unread": 1}, {"loras": [INK], "n_unread": 0}])
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.query, "ascii"))
        return httpx.Response(200, json=next(looks))

    answers(answer)
    assert zimage("lora", "list", "--model", "z-image").lines == ["ink\tlora\t16\tink wash, wet\t"]
    assert asked == ["model=z-image"] * 2
    answers(lambda request: httpx.Response(200, json={"loras": [INK]}))
    assert json.loads(zimage("lora", "list", "--json").out) == [INK]
    answers(lambda request: httpx.Response(200, json={"loras": []}))
    assert zimage("lora", "list").lines == []


def test_a_lora_is_sent_listed_and_deleted(zimage, on_server, here):
    write_lora(here / "ink.safetensors", {"modelspec.trigger_phrase": "inky"})
    for _ in range(2):  # the same file again is the same LoRA
        ended = zimage("lora", "add", "ink.safetensors")
        assert (ended.code, ended.lines) == (0, ["ink"])
        assert "is here as" not in ended.err
    (here / "copy.safetensors").write_bytes((here / "ink.safetensors").read_bytes())
    ended = zimage("lora", "add", "copy.safetensors")
    assert (ended.lines, ended.err.strip()) == (["ink"], "What copy.safetensors holds is here as ink.")
    assert json.loads(zimage("lora", "add", "ink.safetensors", "--json").out)["is_own"] is True
    assert zimage("lora", "list").lines[0].split("\t")[:4] == ["ink", "lora", "4", "inky"]
    assert zimage("generate", "a fox", "--size", "256", "--lora", "ink:0.8", "--json", "-o", "fox.png").code == 0
    assert zimage("lora", "remove", "ink").code == 0
    assert zimage("lora", "remove", "ink").code == 1
    assert zimage("lora", "list").lines == []


def test_what_is_no_lora_is_refused_in_words(zimage, on_server, here):
    (here / "model.safetensors").write_bytes(b"PK\x03\x04 and more")
    ended = zimage("lora", "add", "model.safetensors")
    assert (ended.code, ended.out) == (2, "")
    assert "pickled" in ended.err
    assert zimage("lora", "add", "nowhere.safetensors").code == 2
    ended = zimage("generate", "a fox", "--size", "256", "--lora", "nope")
    assert ended.code == 2
    assert "nope" in ended.err


def test_a_lora_and_its_strength():
    assert parse_lora("ink") == {"name": "ink"}
    assert parse_lora("styles/ink:-0.5") == {"name": "styles/ink", "strength": -0.5}
    for text in ("", ":0.8", "ink:", "ink:much"):
        with pytest.raises(typer.BadParameter, match=r"ink:0\.8"):
            parse_lora(text)
