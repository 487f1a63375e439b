from collections import Counter
from dataclasses import replace

import pytest
from training.nano.dataset.captions import (
    HELD_OUT_EN,
    HELD_OUT_ZH,
    CaptionSource,
    plural,
    unique_names,
    with_article,
)
from training.nano.dataset.scenes import UNSPECIFIED


@pytest.fixture
def examples(items):
    source = CaptionSource(items, 0)
    return [source.draw() for _ in range(4000)]


def test_same_seed_same_captions(items):
    first, second = CaptionSource(items, 7), CaptionSource(items, 7)
    assert [first.draw() for _ in range(50)] == [second.draw() for _ in range(50)]


def test_kinds_of_scenes_have_their_shares(examples):
    kinds = Counter(
        "one" if e.scene.count == 1 else "two" if e.scene.left != e.scene.right else "several" for e in examples
    )
    assert 0.60 < kinds["one"] / len(examples) < 0.70
    assert 0.12 < kinds["two"] / len(examples) < 0.24
    assert 0.12 < kinds["several"] / len(examples) < 0.24


def test_held_out_phrasings_never_occur(examples):
    openings = [template.split("{x}")[0] for template in (*HELD_OUT_EN, *HELD_OUT_ZH)]
    assert not [e.caption for e in examples if any(opening in e.caption for opening in openings)]


def test_templates_are_filled(examples):
    assert not [e.caption for e in examples if "{" in e.caption or "}" in e.caption or not e.caption.strip()]


def test_a_named_background_is_in_the_caption(examples):
    for example in examples:
        named = "background" in example.caption or "背景" in example.caption or " on " in example.caption
        assert example.scene.background == UNSPECIFIED or named


def test_backgrounds_can_be_limited(items):
    source = CaptionSource(items, 0, lambda left, right, count: [3])
    assert {source.draw().scene.background for _ in range(300)} == {3, UNSPECIFIED}


def test_a_colour_before_a_name_never_makes_another_thing(items):
    source = CaptionSource(items, 0)
    examples = [source.draw() for _ in range(3000)]
    named = [example.scene.left for example in examples if example.caption.removeprefix("a ") == "red apple"]
    assert set(named) == {1}


def test_tags_that_name_many_things_are_left_out(items):
    lion = replace(items[5], label_en="lion", label_zh="狮子")
    english, _ = unique_names([*items, lion])
    assert english[0].tags == ("vixen",)


def test_curly_apostrophes_become_plain(items):
    english, _ = unique_names(items)
    assert english[4].label == "eleven o'clock"


@pytest.mark.parametrize(("one", "many"), [("fox", "foxes"), ("cherry", "cherries"), ("key", "keys"), ("cat", "cats")])
def test_plural_of_english_nouns(one, many):
    assert plural(one) == many


def test_article_before_a_vowel():
    assert with_article("a apple and a cat") == "an apple and a cat"
