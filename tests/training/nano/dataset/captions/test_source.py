"""Captions together with their scenes."""

from collections import Counter

import pytest
from training.nano.dataset.captions import chinese, english
from training.nano.dataset.captions.noise import Noise
from training.nano.dataset.captions.source import CaptionSource, has_colour
from training.nano.dataset.scenes import NATURAL, NEUTRAL, PALETTE, UNSPECIFIED

NOISE = Noise(["cinematic", "harbour", "meaning"], ["高清", "自由", "港湾"])


@pytest.fixture
def source(items):
    return CaptionSource(items, 0, NOISE)


@pytest.fixture
def examples(source):
    return [source.draw() for _ in range(4000)]


def test_same_seed_same_captions(items):
    first, second = CaptionSource(items, 7), CaptionSource(items, 7)
    assert [first.draw() for _ in range(50)] == [second.draw() for _ in range(50)]


def test_kinds_of_scenes_have_their_shares(examples):
    kinds = Counter(
        "one" if e.scene.count == 1 else "two" if e.scene.left != e.scene.right else "several" for e in examples
    )
    assert 0.64 < kinds["one"] / len(examples) < 0.74
    assert 0.12 < kinds["two"] / len(examples) < 0.18
    assert 0.12 < kinds["several"] / len(examples) < 0.20


def test_held_out_phrasings_never_occur(examples):
    openings = [template.split("{x}")[0] for template in (*english.HELD_OUT, *chinese.HELD_OUT)]
    single = [e.caption for e in examples if e.scene.count == 1]
    assert not [caption for caption in single if any(opening in caption for opening in openings)]


def test_templates_are_filled(examples):
    assert not [e.caption for e in examples if "{" in e.caption or "}" in e.caption or not e.caption.strip()]


def test_what_is_shown_is_named(source, examples):
    """By one of its names, or by one with a letter wrong, in which most of its words are whole."""
    nameless = 0
    for example in examples:
        scene = example.scene
        if scene.left == source.nonsense and scene.count == 1:
            continue
        for item in {scene.left, scene.right}:
            names = [
                *source.english[item].every,
                *source.chinese[item].every,
                *map(english.plural, source.english[item].every),
            ]
            nameless += not any(name in example.caption for name in names)
    assert nameless < 0.08 * len(examples)


def test_nonsense_names_nothing(source):
    for writer in source.writers:
        captions = [writer.nonsense() for _ in range(400)]
        names = [name for own in (source.english, source.chinese) for names in own for name in names.every]
        assert not [caption for caption in captions if any(name in caption.split() for name in names)]


def test_a_named_background_is_in_the_caption(examples):
    words = [word for colours in (*english.COLOURS, *chinese.COLOURS) for word in colours]
    for example in examples:
        named = any(word in example.caption for word in words)
        assert example.scene.background == UNSPECIFIED or named


def test_a_colour_of_a_thing_is_in_the_caption(examples):
    for example in examples:
        for colour in example.scene.colours:
            words = [*english.COLOURS[colour], *chinese.COLOURS[colour]] if colour != NATURAL else [""]
            assert any(word in example.caption for word in words)
    coloured = sum(example.scene.left_colour != NATURAL for example in examples)
    assert 0.08 < coloured / len(examples) < 0.35


def test_a_thing_never_stands_before_its_own_colour(examples):
    assert not [e for e in examples if e.scene.background != UNSPECIFIED and e.scene.background in e.scene.colours]
    two = [e.scene for e in examples if e.scene.left != e.scene.right]
    assert not [scene for scene in two if NEUTRAL in scene.colours]


def test_backgrounds_can_be_limited(items):
    source = CaptionSource(items, 0, NOISE, lambda scene: [3])
    assert {source.draw().scene.background for _ in range(300)} == {3, UNSPECIFIED}


def test_a_colour_before_a_name_never_makes_another_thing(items):
    source = CaptionSource(items, 0, NOISE)
    examples = [source.draw() for _ in range(6000)]
    named = [example.scene for example in examples if example.caption.removeprefix("a ") == "green apple"]
    assert {(scene.left, scene.left_colour) for scene in named} == {(2, NATURAL)}


@pytest.mark.parametrize(("name", "expected"), [("red apple", True), ("红苹果", True), ("fox", False), ("狐狸", False)])
def test_names_with_a_colour(name, expected):
    assert has_colour(name) is expected


def test_every_colour_of_the_palette_has_words():
    assert len(english.COLOURS) == len(chinese.COLOURS) == len(PALETTE)
