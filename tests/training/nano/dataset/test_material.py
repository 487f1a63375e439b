import json

import numpy as np
import pytest
from PIL import Image
from training.nano.dataset.material import (
    MaterialError,
    NpmPackage,
    check_integrity,
    common_words,
    decode_premultiplied,
    fetch_package,
    load_items,
    normalise_code,
    prepare_material,
    read_items,
)


def entry(code, label, group, **more):
    return {"hexcode": code, "label": label, "group": group, **more}


@pytest.fixture
def packages(tmp_path):
    pictures, words = tmp_path / "pictures", tmp_path / "words"
    (pictures / "assets").mkdir(parents=True)
    for name in ("1f98a", "2764-fe0f", "1f1e6"):
        Image.new("RGBA", (256, 256), (200, 100, 0, 128)).save(pictures / "assets" / f"{name}.webp", lossless=True)
    for language, fox in (("en", "fox"), ("zh", "狐狸")):
        (words / language).mkdir(parents=True)
        data = [entry("1F98A", fox, 3, tags=["t"]), entry("2764", "heart", 0), entry("1F1E6", "flag", 9)]
        (words / language / "data.json").write_text(json.dumps([*data, entry("1F4A9", "no picture", 0)]), "utf-8")
    return pictures, words


def test_codes_match_without_variation_selectors():
    assert normalise_code("1F3C3-200D-2642-FE0F") == "1f3c3-200d-2642"


def test_items_match_and_flags_are_left_out(packages):
    items = [item for item, _ in load_items(*packages)]
    assert [(item.label_en, item.label_zh, item.tags_en) for item in items] == [
        ("fox", "狐狸", ("t",)),
        ("heart", "heart", ()),
    ]


def test_colours_are_multiplied_by_alpha(packages):
    pixel = decode_premultiplied(packages[0] / "assets" / "1f98a.webp")[0, 0]
    assert pixel.tolist() == [100, 50, 0, 128]


def test_pictures_that_are_not_square_are_fitted(tmp_path):
    Image.new("RGBA", (256, 264), (255, 255, 255, 255)).save(tmp_path / "tall.webp")
    assert decode_premultiplied(tmp_path / "tall.webp").shape == (256, 256, 4)


def test_a_damaged_archive_is_refused(tmp_path):
    (tmp_path / "thing-1.0.0.tgz").write_bytes(b"not what was published")
    with pytest.raises(MaterialError, match="expected sha512-nothing"):
        fetch_package(NpmPackage("thing", "1.0.0", "sha512-nothing"), tmp_path)


def test_integrity_of_an_intact_file_passes(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    sha512_of_nothing = "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    check_integrity(tmp_path / "empty", f"sha512-{sha512_of_nothing}")


def test_material_is_written_once(packages, tmp_path, monkeypatch):
    found = iter(packages)
    monkeypatch.setattr("training.nano.dataset.material.fetch_package", lambda package, cache: next(found))
    monkeypatch.setattr("training.nano.dataset.material.prepare_words", lambda cache, work: None)
    for _ in range(2):
        prepare_material(tmp_path / "cache", tmp_path / "work")
    assert np.load(tmp_path / "work" / "items.npy").shape == (2, 256, 256, 4)
    assert [item.label_en for item in read_items(tmp_path / "work")] == ["fox", "heart"]


def test_common_words_are_lower_case_and_chinese_ones_short(tmp_path):
    for level, words in ((10, ["The", "fox", "a"]), (20, ["don't", "fox", "tree"]), (35, ["OK"])):
        (tmp_path / f"english-words-{level}.json").write_text(json.dumps(words), "utf-8")
    dictionary = tmp_path / "submodules" / "cppjieba" / "dict" / "jieba.dict.utf8"
    dictionary.parent.mkdir(parents=True)
    dictionary.write_text("森林 20 n\n高清 30 n\nB超 99 n\n的 900 uj\n中华人民 80 n\n", "utf-8")
    assert common_words(tmp_path, tmp_path) == {"english": ["fox", "ok", "the", "tree"], "chinese": ["高清", "森林"]}
