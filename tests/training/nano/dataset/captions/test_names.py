"""What things are called, and the noise that is no name."""

import json
from dataclasses import replace

from training.nano.dataset.captions.names import name_items, read_aliases
from training.nano.dataset.captions.noise import read_noise, stem


def test_tags_that_name_many_things_are_left_out(items):
    lion = replace(items[5], label_en="lion", label_zh="狮子")
    english, _ = name_items([*items, lion], frozenset())
    assert english[0].tags == ("vixen",)


def test_a_tag_of_two_things_belongs_to_one(items):
    english, _ = name_items(items, frozenset())
    assert english[1].tags == ("fruit",)
    assert english[2].tags == ()


def test_aliases_are_names_and_no_name_stands_for_two_things(items):
    english, chinese = name_items(items, frozenset())
    assert "apple" in english[1].aliases
    assert "苹果" in chinese[1].aliases
    names = [name for names in english for name in names.every]
    assert len(names) == len(set(names))


def test_meaningless_words_are_no_names(items):
    english, _ = name_items(items, frozenset({"vixen"}))
    assert "vixen" not in english[0].tags


def test_curly_apostrophes_become_plain(items):
    english, _ = name_items(items, frozenset())
    assert english[4].label == "eleven o'clock"


def test_every_alias_stands_once():
    rows = read_aliases()
    for language in (0, 1):
        every = [name for row in rows.values() for name in row[language]]
        assert sorted({name for name in every if every.count(name) > 1}) == []


def test_noise_is_no_name_but_may_be_part_of_one(tmp_path):
    words = {"english": ["foxes", "way", "harbour"], "chinese": ["狐狸狗", "港湾", "马上", "白马", "狐"]}
    (tmp_path / "words.json").write_text(json.dumps(words), "utf-8")
    noise = read_noise(tmp_path, ["fox", "milky way"], ["狐狸", "狗", "马"])
    assert list(noise.english) == ["way", "harbour"]
    assert list(noise.chinese) == ["港湾", "马上", "狐"]


def test_endings_make_no_other_word():
    assert len({stem(word) for word in ("paint", "paints", "painting", "painted")}) == 1
