"""How English and Chinese captions are phrased."""

from random import Random

import pytest
from training.nano.dataset.captions.chinese import Chinese
from training.nano.dataset.captions.english import English, plural, with_article

WORDS = {"english": ["harbour", "meaning", "quickly"], "chinese": ["港湾", "自由", "迅速"]}
WRITERS = {"english": English, "chinese": Chinese}
NAME = {"english": "fox", "chinese": "狐狸"}


@pytest.fixture(params=WRITERS)
def language(request):
    return request.param


@pytest.fixture
def writer(language):
    return WRITERS[language](Random(0), WORDS[language], ["castle", "城堡"])


def test_one_thing_is_named_in_ever_other_words(writer, language):
    captions = {writer.one(NAME[language]) for _ in range(1000)}
    assert len(captions) > 700
    assert all(NAME[language] in caption for caption in captions)
    assert max(len(caption) for caption in captions) > 50


def test_two_things_are_named_and_sides_are_kept(writer, language):
    for _ in range(500):
        caption = writer.two("aaa", "bbb")
        assert {"aaa", "bbb"} <= {caption[i : i + 3] for i in range(len(caption))}
        turned = any(word in caption for word in ("right", "右"))
        assert turned or caption.index("aaa") < caption.index("bbb")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, ("one", "1", "single", "一")),
        (2, ("two", "2", "pair", "couple", "both", "两", "二", "双", "一对")),
        (3, ("three", "3", "trio", "some", "several", "few", "三", "几", "foxes", "一些")),
        (4, ("four", "4", "many", "lots", "四", "好多", "一群")),
    ],
)
def test_a_number_says_how_many(writer, language, count, words):
    captions = [writer.several(NAME[language], count) for _ in range(300)]
    assert not [caption for caption in captions if not any(word in caption for word in words)]


def test_a_background_is_named_beside_what_was_asked_for(writer, language):
    for colour in range(12):
        assert "XYZ" in writer.on_background("XYZ", colour)


def test_a_misspelt_name_has_one_letter_wrong():
    writer = English(Random(0), WORDS["english"], ["castle"])
    for _ in range(200):
        wrong = writer.misspelt("elephant")
        assert wrong[0] == "e"
        assert abs(len(wrong) - len("elephant")) <= 1
    assert writer.misspelt("fox") == "fox"


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("fox", "foxes"), ("cherry", "cherries"), ("key", "keys"), ("cat", "cats"), ("mouse", "mice"), ("fish", "fish"),
        ("polar bear", "polar bears"), ("maple leaf", "maple leaves"),
    ],
)  # fmt: skip
def test_plural_of_english_nouns(one, many):
    assert plural(one) == many


def test_article_before_a_vowel():
    assert with_article("a apple and a cat") == "an apple and a cat"
