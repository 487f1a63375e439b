from __future__ import annotations

import json
import os
import random
import shutil
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from backend.models.schemas import ImageRecord
from backend.services.errors import DiskFull, NewerFormat, UnknownImage
from backend.services.history import HistoryStore
from backend.services.history_index import Found, HistoryQuery
from tests.backend.fakes import Ticking, a_picture

CHINESE = "一只红色的狐狸 🦊"


def open_store(folder: Path) -> HistoryStore:
    store = HistoryStore(folder / "images", folder / "history.json", now=Ticking())
    store.open()
    return store


def records(store: HistoryStore) -> list[ImageRecord]:
    return store.find(HistoryQuery(page_size=1000)).records


def delete(store: HistoryStore, image_id: str) -> None:
    store.trash([image_id])
    store.delete(image_id)


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    return open_store(tmp_path)


@pytest.fixture
def three(store) -> list[ImageRecord]:
    """Three pictures, newest first."""
    return [store.add(a_picture(prompt)) for prompt in ("first", CHINESE, "third")][::-1]


def png_that_claims_a_size(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


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


@pytest.mark.parametrize("record_gone", [False, True])
def test_an_interrupted_delete_is_finished_at_the_next_start(store, three, tmp_path, record_gone):
    path = store.image_path(three[1].id)
    if record_gone:
        delete(store, three[1].id)
        path.with_name(path.name + ".deleted").write_bytes(b"")
    else:
        path.rename(path.with_name(path.name + ".deleted"))

    assert records(open_store(tmp_path)) == [three[0], three[2]]
    assert not list((tmp_path / "images").glob("*.deleted"))


# -- putting right ----------------------------------------------------------------------------------------------------


def test_a_lost_file_is_rebuilt_from_the_pictures(store, three, tmp_path):
    (tmp_path / "history.json").unlink()

    assert records(open_store(tmp_path)) == three
    assert len(json.loads((tmp_path / "history.json").read_bytes())["images"]) == 3


def test_a_file_cut_anywhere_is_rebuilt_and_kept(tmp_path):
    store = open_store(tmp_path)
    record = store.add(a_picture("狐狸"))
    file = tmp_path / "history.json"
    content = file.read_bytes()

    for length in range(len(content) - 2):  # without the last line break it is whole still
        file.write_bytes(content[:length])
        assert records(open_store(tmp_path)) == [record], length
        assert (tmp_path / "history.json.corrupt-1").read_bytes() == content[:length]
        (tmp_path / "history.json.corrupt-1").unlink()


def test_random_damage_never_stops_the_start_nor_loses_a_picture(store, three, tmp_path):
    file = tmp_path / "history.json"
    content = file.read_bytes()
    dice = random.Random(20260102)

    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        file.write_bytes(damaged)
        assert {record.filename for record in records(open_store(tmp_path))} == {r.filename for r in three}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"3",
        b'{"version": 1}',
        b'{"version": null, "images": []}',
        b'{"version": "9", "images": []}',
        b'{"version": 1, "images": {}}',
        b'{"version": 1, "images": [null]}',
        b"\xff\xfe\0",
        b"[" * 100_000,
    ],
)
def test_other_content_is_set_aside_and_rebuilt(store, three, tmp_path, content):
    (tmp_path / "history.json").write_bytes(content)

    assert records(open_store(tmp_path)) == three


def test_several_damaged_files_are_all_kept(store, three, tmp_path):
    for text in ("one", "two"):
        (tmp_path / "history.json").write_text(text)
        open_store(tmp_path)
    assert [(tmp_path / f"history.json.corrupt-{n}").read_text() for n in (1, 2)] == ["one", "two"]


def test_a_record_that_points_outside_is_damage(store, three, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"x")
    content = (tmp_path / "history.json").read_text().replace(three[0].filename, "../secret.png")
    (tmp_path / "history.json").write_text(content)

    assert records(open_store(tmp_path)) == three


def test_a_newer_format_is_refused_and_not_touched(store, three, tmp_path):
    content = b'{"version": 3, "pictures": {}}'
    (tmp_path / "history.json").write_bytes(content)
    before = tree(tmp_path)

    with pytest.raises(NewerFormat, match="newer version"):
        open_store(tmp_path)

    assert (tmp_path / "history.json").read_bytes() == content
    assert tree(tmp_path) == before


def test_a_picture_without_a_record_is_adopted_in_its_place(store, three, tmp_path):
    content = json.loads((tmp_path / "history.json").read_bytes())
    del content["images"][1]
    (tmp_path / "history.json").write_text(json.dumps(content))

    assert records(open_store(tmp_path)) == three
    assert records(open_store(tmp_path)) == three  # and it was written


def test_a_record_without_a_picture_is_dropped(store, three, tmp_path):
    store.image_path(three[0].id).unlink()

    assert records(open_store(tmp_path)) == three[1:]
    assert len(json.loads((tmp_path / "history.json").read_bytes())["images"]) == 2


def test_strange_files_are_left_alone(store, three, tmp_path):
    images = tmp_path / "images"
    (images / "empty.png").write_bytes(b"")
    (images / "text.png").write_text("no picture")
    (images / "notes.txt").write_text("mine")
    (images / "folder.png").mkdir()
    (images / "cut.png").write_bytes(store.image_path(three[0].id).read_bytes()[:200])
    (images / "bomb.png").write_bytes(png_that_claims_a_size(100_000, 100_000))
    Image.new("RGB", (8, 8)).save(images / "foreign.png")
    shutil.copy(store.image_path(three[0].id), images / "copy.png")
    before = tree(tmp_path)

    assert records(open_store(tmp_path)) == three
    assert tree(tmp_path) == before


def test_leftovers_of_killed_writers_go_away(store, three, tmp_path):
    for folder in ("images", "thumbnails", "."):
        (tmp_path / folder / ".tmp-0123").write_bytes(b"half")

    open_store(tmp_path)

    assert not [name for name in tree(tmp_path) if ".tmp-" in name]


# -- the disk fails ---------------------------------------------------------------------------------------------------


class FailingDisk:
    """Makes the n-th call that changes the disk fail, as a full disk does."""

    CALLS = (
        "os.fsync",
        "pathlib.Path.replace",
        "pathlib.Path.open",
        "pathlib.Path.write_bytes",
        "PIL.Image.Image.save",
    )

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch, self.left = monkeypatch, 0

    def fail_at(self, n: int) -> None:
        self.left = n
        for name in self.CALLS:
            self._patch.setattr(name, self._wrapped(name))

    def _wrapped(self, name: str) -> object:
        module, _, attribute = name.rpartition(".")
        real = {"os": os, "pathlib.Path": Path, "PIL.Image.Image": Image.Image}[module].__dict__[attribute]

        def call(*args: object, **kwargs: object) -> object:
            if self.left == 1 and name == "PIL.Image.Image.save" and hasattr(args[1], "write"):
                args[1].write(b"\x89PNG half of it")
            self.left -= 1
            if self.left == 0:
                raise OSError(28, "No space left on device")
            return real(*args, **kwargs)

        return call


def check_invariants(folder: Path) -> None:
    """History readable; a file for every record, a record for every whole picture, no half picture, no leftovers."""
    found = records(open_store(folder))
    for record in found:
        with Image.open(folder / "images" / record.filename) as picture:
            picture.load()
    assert {record.filename for record in found} == {path.name for path in (folder / "images").iterdir()}
    assert not [name for name in tree(folder) if ".tmp-" in name]


@pytest.mark.parametrize("n", range(1, 30))
def test_a_disk_that_is_full_at_the_nth_call_of_a_save(store, three, tmp_path, n):
    with pytest.MonkeyPatch.context() as patch:
        disk = FailingDisk(patch)
        disk.fail_at(n)
        try:
            saved = store.add(a_picture("new"))
        except DiskFull:
            saved = None
        reached = disk.left <= 0

    if not reached:
        assert saved is not None
        assert n > 8, "too few calls were seen: the test has gone blind"
        return
    assert records(store) == ([saved] if saved else []) + three
    assert {path.name for path in (tmp_path / "images").iterdir()} == {record.filename for record in records(store)}
    after = store.add(a_picture("after"))
    assert records(store)[0] == after
    check_invariants(tmp_path)
    assert records(open_store(tmp_path)) == records(store)


@pytest.mark.parametrize("n", range(1, 12))
def test_a_disk_that_is_full_at_the_nth_call_of_a_delete(store, three, tmp_path, n):
    store.trash([three[1].id])
    with pytest.MonkeyPatch.context() as patch:
        disk = FailingDisk(patch)
        disk.fail_at(n)
        try:
            store.delete(three[1].id)
            kept = [three[0], three[2]]
        except DiskFull:
            kept = three
        reached = disk.left <= 0
    if kept == three:
        store.restore([three[1].id])

    if not reached:
        assert kept != three
        assert n > 4
        return
    assert records(store) == kept
    assert records(open_store(tmp_path)) == kept
    check_invariants(tmp_path)


# -- thumbnails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "expected"), [((1024, 512), (384, 192)), ((64, 48), (64, 48)), ((256, 512), (192, 384))]
)
def test_a_thumbnail_is_a_small_webp(store, size, expected):
    record = store.add(a_picture(width=size[0], height=size[1]))

    with Image.open(store.thumbnail(record.id)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", expected)


def test_a_missing_thumbnail_is_made_again(store, three):
    path = store.thumbnail(three[0].id)
    path.unlink()

    assert store.thumbnail(three[0].id) == path
    assert path.is_file()


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\nand no more", png_that_claims_a_size(100_000, 100_000)])
def test_the_thumbnail_of_a_damaged_picture(store, three, content):
    store.thumbnail(three[0].id).unlink()
    store.image_path(three[0].id).write_bytes(content)

    with pytest.raises(UnknownImage, match="damaged"):
        store.thumbnail(three[0].id)
    assert records(store) == three


@pytest.mark.parametrize("name", ["my fox.png", "fox.v2.png", "狐狸.png", "-fox (1).png"])
def test_a_picture_that_a_person_renames_stays_in_the_history(store, three, tmp_path, name):
    path = store.image_path(three[1].id)
    path.rename(path.with_name(name))

    again = open_store(tmp_path)

    assert [record.prompt for record in records(again)] == [record.prompt for record in three]
    assert again.image_path(three[1].id).name == name


def test_a_thumbnail_that_the_disk_has_no_room_for_is_served_all_the_same(store, three, tmp_path, monkeypatch):
    store.thumbnail(three[0].id).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        content = store.thumbnail(three[0].id)

    with Image.open(BytesIO(content)) as thumbnail:
        assert thumbnail.format == "WEBP"
    assert not [name for name in tree(tmp_path) if ".tmp-" in name]
    assert store.thumbnail(three[0].id).is_file()


@pytest.mark.parametrize(("number", "said"), [(28, "no room"), (13, "Permission denied"), (5, "Input/output error")])
def test_why_a_picture_cannot_be_saved(store, monkeypatch, number, said):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    with pytest.raises(DiskFull, match=said):
        store.add(a_picture())
