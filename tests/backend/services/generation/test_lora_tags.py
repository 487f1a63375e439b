from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.generation.lora_tags import (
    LoraTag,
    TagFault,
    read_tag,
    take_sound_tags,
    take_tags,
    write_tag,
)


@pytest.mark.parametrize(
    ("content", "strength"),
    [
        ("ink", 1.0), ("ink:0.8", 0.8), ("ink:-1", -1.0), ("ink:.5", 0.5), ("ink:1.", 1.0), ("ink:+2", 2.0),
        ("ink:1e-1", 0.1), ("ink:0", 0.0), ("ink: 0.8 ", 0.8), ("ink:0.5:0.5", 0.5), ("ink:0:0.7", 0.7),
        ("ink:unet=0.5:te=0.5", 0.5), ("ink:te=0.4", 0.4), ("ink:0.6:unet=0.6", 0.6), ("ink:te=0:unet=0.3", 0.3),
        ("ink:10", 10.0),
    ],
)  # fmt: skip
def test_the_strength_of_the_transformer_counts(content, strength):
    assert read_tag(content) == LoraTag("ink", strength)


@pytest.mark.parametrize(
    "content",
    [
        "", " ", ":0.8", "ink:", "ink:x", "ink:0.8x", "ink:nan", "ink:inf", "ink:1_0", "ink:11", "ink:-10.5", "ink:1e9",
        "ink:0.5:0.6", "ink:te=0.5:unet=0.6", "ink:1:1:8", "ink:dyn=8", "ink:1:1:dyn=8", "ink:te=", "ink:0,8", "ink:٠",
        "ink:unet=0.5", "n" * 256,
    ],
)  # fmt: skip
def test_a_tag_that_makes_no_sense_says_how_it_is_written(content):
    with pytest.raises(TagFault, match=r"write <lora:name> or <lora:name:0\.8>"):
        read_tag(content)
    text = f"a fox <lora:{content}>"
    assert take_sound_tags(text) == (text, ())


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a fox <lora:ink:0.8>", "a fox"),
        ("<lora:ink:0.8> a fox", "a fox"),
        ("a <lora:ink:0.8> fox", "a fox"),
        ("a fox, <lora:ink:0.8>, winter", "a fox, winter"),
        ("a fox,<lora:ink:0.8>,winter", "a fox,winter"),
        ("a fox, <lora:ink:0.8>", "a fox"),
        ("<lora:ink:0.8>, a fox", "a fox"),
        ("狐狸，<lora:ink:0.8>，冬天", "狐狸，冬天"),
        ("a fox\n<lora:ink:0.8>\nwinter", "a fox\n\nwinter"),
        ("a fox <LORA:ink:0.8>", "a fox"),
        ("a fox <lyco:ink:0.8>", "a fox"),
        ("fox<lora:ink:0.8>tail", "foxtail"),
        ("<lora:ink:0.8>", ""),
        (" , <lora:ink:0.8> , ", ""),
    ],
)
def test_a_tag_leaves_the_prompt_with_the_comma_that_it_leaves_alone(prompt, words):
    assert take_tags(prompt) == (words, (LoraTag("ink", 0.8),))


def test_several_in_their_order():
    words, tags = take_tags("<lora:a>, <lora:b:0.5><lora:styles/c d.v2:-0.5> a fox, <lora:a:2>, <lora:e>, in snow")
    assert words == "a fox, in snow"
    assert tags == (
        LoraTag("a"), LoraTag("b", 0.5), LoraTag("styles/c d.v2", -0.5), LoraTag("a", 2.0), LoraTag("e"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["a <b> c", "<hypernet:x:1>", "<lora>", "<lora :x>", "lora:x:1", "< lora:x>", "<lora:x"]
)
def test_what_is_no_tag_stays(text):
    assert take_tags(text) == (text, ())


def test_of_nested_ones_the_inner_is_one():
    assert take_tags("<lora:<lora:ink>>") == ("<lora:>", (LoraTag("ink"),))


@given(st.text().filter(lambda text: "<l" not in text.lower()))
def test_a_prompt_without_tags_is_as_it_was(text):
    assert take_tags(text) == (text, ())


pieces = st.text(st.characters(exclude_characters="<>"), max_size=8)
names = st.text(st.characters(exclude_characters="<>:=", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=20)
tags = st.builds(LoraTag, names, st.integers(-100, 100).map(lambda n: n / 10))


@given(st.lists(st.tuples(pieces, tags), min_size=1, max_size=5), pieces)
def test_all_tags_are_taken_and_no_word_is_lost(parts, last):
    prompt = "".join(piece + write_tag(tag.name, tag.strength) for piece, tag in parts) + last
    words, found = take_tags(prompt)
    assert [(tag.name, pytest.approx(tag.strength)) for _, tag in parts] == [(tag.name, tag.strength) for tag in found]
    dropped = " \t\n\r,，、"

    def letters(text):
        return [character for character in text if character not in dropped and not character.isspace()]

    assert letters(words) == letters("".join(piece for piece, _ in parts) + last)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    prompt = f"{text}<lora:{text}>{text}"
    take_sound_tags(prompt)
    with contextlib.suppress(TagFault):
        take_tags(prompt)


def test_it_takes_time_in_proportion_to_the_prompt():
    assert len(take_tags("<lora:a>" * 20_000)[1]) == 20_000
    assert take_tags("<lora:" * 50_000)[1] == ()
