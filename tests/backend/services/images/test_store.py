from __future__ import annotations

import json

import pytest
from PIL import Image

from backend.models.schemas import ImageRecord
from backend.services.errors import UnknownImage
from backend.services.images.index import Found, HistoryQuery
from backend.services.images.store import HistoryStore
from tests.backend.fakes import Ticking, a_picture
from tests.backend.services.images.keeping import CHINESE, delete, open_store, records, tree


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    return open_store(tmp_path)


# -- what it keeps ----------------------------------------------------------------------------------------------------


def test_a_picture_and_what_is_known_of_it(store, tmp_path):
    record = store.add(a_picture(CHINESE, seed=5, width=64, height=32))

    path = store.image_path(record.id)
    assert (record.prompt, record.seed, record.width, record.height) == (CHINESE, 5, 64, 32)
    assert record.size_bytes == path.stat().st_size
    with Image.open(path) as picture:
        assert picture.size == (64, 32)
        assert picture.getpixel((0, 0)) == a_picture(CHINESE, seed=5).image.getpixel((0, 0))
    assert store.latest() == store.get(record.id) == record
    assert tree(tmp_path) == ["history.json", f"images/{record.filename}", f"thumbnails/{record.id}.webp"]


def test_the_file_is_json_with_a_version_and_a_line_a_picture(store, three, tmp_path):
    content = (tmp_path / "history.json").read_text("utf-8")

    parsed = json.loads(content)
    assert parsed["version"] == 2
    assert [entry["prompt"] for entry in parsed["images"]] == ["first", CHINESE, "third"]
    assert len(content.splitlines()) == 5
    assert CHINESE in content


def test_it_comes_back_as_it_was(store, three, tmp_path):
    assert records(open_store(tmp_path)) == three


def test_newest_first_page_by_page(store, three):
    first, second, third = three

    def page(number: int, size: int) -> tuple[list[ImageRecord], int]:
        found = store.find(HistoryQuery(page=number, page_size=size))
        return found.records, found.total

    assert page(1, 2) == ([first, second], 3)
    assert page(2, 2) == ([third], 3)
    assert page(3, 2) == page(10**9, 100) == ([], 3)
    assert page(1, 100) == (three, 3)


def test_the_newest_is_the_last_saved_whatever_the_clock_says(tmp_path):
    clock = iter([Ticking()(), Ticking()(), Ticking()().replace(year=2020)])
    store = HistoryStore(tmp_path / "images", tmp_path / "history.json", now=lambda: next(clock))
    store.open()
    store.add(a_picture("a"))
    later = store.add(a_picture("b"))

    assert store.latest() == later


def test_an_empty_history(store):
    assert store.find(HistoryQuery()) == Found([], 0, None)
    assert len(store) == 0
    with pytest.raises(UnknownImage, match="No picture"):
        store.latest()


@pytest.mark.parametrize("call", ["get", "image_path", "thumbnail", "delete"])
def test_an_unknown_picture(store, three, call):
    with pytest.raises(UnknownImage):
        getattr(store, call)("f" * 32)


# -- delete -----------------------------------------------------------------------------------------------------------


def test_delete_takes_picture_thumbnail_and_record(store, three, tmp_path):
    delete(store, three[1].id)

    assert records(store) == [three[0], three[2]] == records(open_store(tmp_path))
    assert not [name for name in tree(tmp_path) if three[1].id[:8] in name]
    with pytest.raises(UnknownImage):
        store.delete(three[1].id)


def test_delete_of_a_picture_whose_file_is_gone(store, three, tmp_path):
    store.image_path(three[0].id).unlink()
    with pytest.raises(UnknownImage, match="missing"):
        store.image_path(three[0].id)

    delete(store, three[0].id)

    assert records(store) == three[1:]
