from __future__ import annotations

import dataclasses
import json

import orjson
import pytest
from zimage.adapters.lora_roles import LoraPurpose

from backend.services.library.loras.architectures import PUBLISHED
from backend.services.library.loras.facts import (
    LOST,
    LoraFacts,
    can_describe,
    describe_file,
    read_facts,
    read_thumbnail,
    sentence,
)
from backend.services.library.loras.folders import LoraFolder, find_files
from backend.services.lora_errors import LoraDamaged
from tests.backend.services.library.loras.lora_files import FLUX, KEY, FakeDescription, FakeReader, write_lora


def look(folder):
    return find_files([LoraFolder(folder)])


def read(folder, reader=describe_file):
    (file,) = look(folder)
    return read_facts(file, PUBLISHED, reader)


def test_a_header_tells_what_it_is(tmp_path):
    write_lora(
        tmp_path / "a.safetensors", {"modelspec.title": "Ink", "number": 7}, modules=(KEY.format(0), KEY.format(1))
    )
    facts = read(tmp_path)
    assert (facts.kind, facts.rank, facts.dtype, facts.matched, facts.of) == ("lora", 4, "BF16", 2, 2)
    assert (facts.problem, facts.warning, facts.words.title) == (None, None, "Ink")
    assert can_describe()


def test_a_picture_that_cannot_be_shown_is_none(tmp_path):
    write_lora(tmp_path / "a.safetensors", {"modelspec.thumbnail": "data:image/png;base64,AAAA"})
    assert read(tmp_path).words.has_thumbnail is False


def test_what_of_it_is_left_out_is_said(tmp_path):
    more = {"text_encoder.model.layers.0.self_attn.q_proj.lora_A.weight": (4, 8)}
    write_lora(tmp_path / "a.safetensors", modules=(KEY.format(0), KEY.format(99)), more=more)
    facts = read(tmp_path)
    assert (facts.matched, facts.of, facts.problem) == (1, 2, None)
    assert "1 of 2" in facts.warning
    assert "layers.99" in facts.warning
    assert "text encoder" in facts.warning


def test_one_for_another_family_says_for_which(tmp_path):
    write_lora(tmp_path / "a.safetensors", modules=(FLUX,))
    facts = read(tmp_path)
    assert (facts.kind, facts.matched) == (None, 0)
    assert "Flux" in facts.family
    assert "Flux" in facts.problem


def header(content: object) -> bytes:
    text = json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text


HOSTILE = {
    "empty": b"",
    "short": b"abc",
    "pickle": b"PK\x03\x04" + bytes(100),
    "old pickle": b"\x80\x02}q\x00.",
    "gguf": b"GGUF" + bytes(100),
    "2 GB header": (2**31).to_bytes(8, "little") + b"{}",
    "2^63 header": (2**63).to_bytes(8, "little") + b"{}",
    "truncated": (1000).to_bytes(8, "little") + b"{}",
    "no JSON": (4).to_bytes(8, "little") + b"nope",
    "bomb": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "list": header([1]),
    "no tensors": header({}),
    "metadata alone": header({"__metadata__": {"a": "b"}}),
    "metadata is none": header({"__metadata__": ["x"], "a.lora_A.weight": 3}),
    "entry is none": header({"a.lora_A.weight": None}),
    "shape of texts": header({"a.lora_A.weight": {"dtype": "BF16", "shape": ["x"], "data_offsets": [0, 2]}}),
    "negative": header({"a.lora_A.weight": {"dtype": "BF16", "shape": [-1], "data_offsets": [0, -2]}}),
    "huge": header({"a.lora_A.weight": {"dtype": "BF16", "shape": [2**62, 2**62], "data_offsets": [0, 2**125]}}),
    "unknown dtype": header({"a.lora_A.weight": {"dtype": {}, "shape": [1], "data_offsets": [0, 2]}}) + b"xx",
    "html": b"<!DOCTYPE html><html>" + b" " * 200,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_none_says_why_and_where_it_lies_to_nobody(tmp_path, name):
    (tmp_path / "a.safetensors").write_bytes(HOSTILE[name])
    facts = read(tmp_path)
    assert facts.kind is None
    assert facts.problem.endswith(".")
    assert len(facts.problem) < 600
    assert str(tmp_path) not in facts.problem


def test_a_link_that_leads_nowhere(tmp_path):
    (tmp_path / "a.safetensors").symlink_to(tmp_path / "nowhere")
    assert read(tmp_path) == LoraFacts(problem=LOST)


@pytest.mark.parametrize(
    "error", [ValueError, OverflowError, KeyError, RecursionError, OSError, TypeError, AttributeError]
)
def test_whatever_a_reader_raises_the_others_count(tmp_path, error, caplog):
    write_lora(tmp_path / "a.safetensors")

    def fail(*_):
        raise error("x")

    assert "log has more" in read(tmp_path, fail).problem
    assert "a.safetensors" in caplog.text


def test_what_a_role_needs(tmp_path):
    write_lora(tmp_path / "a.safetensors")
    reader = FakeReader()
    purpose = LoraPurpose("de-turbo", "undoes it", (20, 30), (2.0, 3.0))
    reader.said["a"] = FakeDescription(purpose=purpose)
    facts = read(tmp_path, reader)
    assert (facts.role, facts.steps, facts.guidance_scale, facts.rank) == ("de-turbo", 26, 1.5, 16)
    assert facts.warning == "It undoes it."


def test_a_file_that_is_damaged_still_has_what_lies_beside_it(tmp_path):
    write_lora(tmp_path / "a.safetensors")
    (tmp_path / "a.json").write_text('{"activation text": "inky"}')
    reader = FakeReader()
    reader.broken.add("a.safetensors")
    facts = read(tmp_path, reader)
    assert (facts.problem, facts.words.triggers) == ("It is damaged.", ("inky",))


def test_facts_come_back_as_they_were_kept(tmp_path):
    write_lora(tmp_path / "a.safetensors", {"modelspec.tags": "a, b", "ss_tag_frequency": '{"x": {"y": 2}}'})
    facts = read(tmp_path)
    assert LoraFacts.from_json(orjson.loads(orjson.dumps(facts))) == facts
    for damaged in ({}, {"words": 3}, {**dataclasses.asdict(facts), "more": 1}):
        with pytest.raises((TypeError, ValueError, LookupError)):
            LoraFacts.from_json(damaged)


def test_an_error_names_no_folder(tmp_path):
    with pytest.raises(LoraDamaged) as caught:
        describe_file(tmp_path / "nowhere.safetensors", PUBLISHED)
    assert str(tmp_path) not in str(caught.value)


def test_the_picture_in_a_header(tmp_path):
    write_lora(tmp_path / "a.safetensors", {"modelspec.thumbnail": "data:image/png;base64,AA"})
    assert read_thumbnail(tmp_path / "a.safetensors") == "data:image/png;base64,AA"
    assert read_thumbnail(tmp_path / "nowhere") == ""


def test_a_sentence():
    assert sentence("it is none") == "It is none."
    assert sentence("layers.0.w1 has") == "layers.0.w1 has."
    assert sentence("") == "It cannot be read."
