from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.library.loras.words import (
    MAX_JSON_BYTES,
    MAX_TEXT_CHARACTERS,
    MAX_WORD_CHARACTERS,
    MAX_WORDS,
    Words,
    clean,
    read_object,
    read_words,
)


def words(metadata=None, a1111=None, civitai=None, note=""):
    return read_words(metadata or {}, a1111 or {}, civitai or {}, note)


def test_nothing_is_said():
    assert words() == Words()


def test_everything_is_said():
    said = words(
        {
            "modelspec.title": "Ink wash", "ss_output_name": "ink_v2", "modelspec.architecture": "Z-Image-Turbo/lora",
            "modelspec.trigger_phrase": "phrase, inky", "modelspec.tags": "style, Ink",
            "modelspec.usage_hint": "gently",
            "modelspec.description": "of the header", "modelspec.thumbnail": "data:image/webp;base64,AAAA",
            "ss_tag_frequency": json.dumps({"a": {"fox": 3, "cat": 1}, "b": {"cat": 5}}),
        },
        {"activation text": "inky, Wet", "preferred weight": 0.7, "negative text": "photo", "notes": "note",
         "description": "of A1111"},
        {"trainedWords": ["wet", "brush, paper"], "baseModel": "ZImageBase", "model": {"name": "x", "tags": ["art"]}},
        "of the text",
    )  # fmt: skip
    assert said == Words(
        title="Ink wash", output_name="ink_v2", base="z-image", triggers=("inky", "Wet", "brush", "paper", "phrase"),
        tags=("style", "Ink", "art", "cat", "fox"), description="of A1111", usage_hint="gently", strength=0.7,
        negative_prompt="photo", has_thumbnail=True,
    )  # fmt: skip


def test_the_commonest_tags_are_the_words_where_nobody_names_any():
    counts = {f"tag {n}": n for n in range(30)} | {"bad": "x", "none": 0}
    said = words({"ss_tag_frequency": json.dumps({"folder": counts, "other": 3})})
    assert said.triggers[:2] == ("tag 29", "tag 28")
    assert said.triggers == said.tags


@pytest.mark.parametrize(
    ("said", "base"),
    [("ZImageTurbo", "z-image-turbo"), ("ZImageBase", "z-image"), ("Z-Image/lora", "Z-Image/lora"),
     ("zimage-nano", "zimage-nano"), ("Flux.1 D", "Flux.1 D"), ("", None), (7, None)],
)  # fmt: skip
def test_the_model_that_it_was_trained_on(said, base):
    assert words(civitai={"baseModel": said}).base == base


def test_a_remark_that_names_a_model_counts_before_one_that_names_the_family():
    header = {"modelspec.architecture": "Z-Image/lora", "ss_base_model_version": "zimage-nano"}
    assert words(header).base == "zimage-nano"
    assert words({"modelspec.architecture": "Z-Image/lora"}).base == "Z-Image/lora"


@pytest.mark.parametrize("weight", [0, True, "0.7", None, 1e9, float("inf"), [0.5]])
def test_a_strength_that_is_none(weight):
    assert words(a1111={"preferred weight": weight}).strength is None


BOMB = "[" * 200_000


@pytest.mark.parametrize("text", [BOMB, '{"a":' * 100_000, "{", "[]", "null", b"\xff\xfe", b"", '{"a": NaN}'])
def test_json_that_is_none_or_a_bomb_says_nothing(text):
    assert read_object(text) == {}
    assert words({"ss_tag_frequency": text if isinstance(text, str) else ""}) == Words()


def test_json_that_is_too_large_says_nothing():
    assert read_object('{"a": "' + "x" * MAX_JSON_BYTES + '"}') == {}
    assert read_object(b"\xef\xbb\xbf" + b'{"a": 1}') == {"a": 1}


def test_what_is_said_is_bounded_and_printable():
    said = words(
        {"modelspec.title": "a\x00b\n\x1b[31mc" + "t" * 10**6, "modelspec.description": "<script>x</script> &lt;b&gt;"},
        {"activation text": ",".join(f"word {n}" + "w" * 500 for n in range(1000))},
        {"trainedWords": [f"more {n}" for n in range(1000)]},
        "n" * 10**6,
    )
    assert said.title.startswith("a b [31mct")
    assert len(said.title) == 200
    assert said.description == "x <b>"
    assert len(said.triggers) <= MAX_WORDS
    assert all(len(word) <= MAX_WORD_CHARACTERS for word in said.triggers)
    assert len(words(note="n" * 10**6).description) == MAX_TEXT_CHARACTERS


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("activation text", "preferred weight", "negative text", "notes", "description", "trainedWords", "baseModel",
         "model", "name")  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), anything), st.dictionaries(st.sampled_from(NAMES), anything))
def test_values_of_any_type_are_survived(a1111, civitai):
    said = words({}, a1111, civitai)
    assert all(text.isprintable() for text in (*said.triggers, *said.tags, said.title or ""))


def test_a_text_is_cleaned():
    assert clean("  a \t b\u202e c ", 100) == "a b c"
    assert clean("  ", 10) is clean(None, 10) is clean(3, 10) is None
