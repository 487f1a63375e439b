from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from backend.services.errors import DiskFull
from backend.services.images.store import HistoryStore
from backend.utils.record_file import NewerFormat
from tests.backend.fakes import a_picture
from tests.backend.services.images.keeping import (
    FailingDisk,
    check_invariants,
    delete,
    open_store,
    png_that_claims_a_size,
    records,
    tree,
)


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    return open_store(tmp_path)


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


@pytest.mark.parametrize("name", ["my fox.png", "fox.v2.png", "狐狸.png", "-fox (1).png"])
def test_a_picture_that_a_person_renames_stays_in_the_history(store, three, tmp_path, name):
    path = store.image_path(three[1].id)
    path.rename(path.with_name(name))

    again = open_store(tmp_path)

    assert [record.prompt for record in records(again)] == [record.prompt for record in three]
    assert again.image_path(three[1].id).name == name


# -- the disk fails ---------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("number", "said"), [(28, "no room"), (13, "Permission denied"), (5, "Input/output error")])
def test_why_a_picture_cannot_be_saved(store, monkeypatch, number, said):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    with pytest.raises(DiskFull, match=said):
        store.add(a_picture())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_that_an_editor_of_windows_has_saved_keeps_favourites_tags_and_trash(tmp_path, encoding, newline):
    store = open_store(tmp_path)
    record = store.add(a_picture("café 狐狸"))
    store.change([record.id], lambda image: image.model_copy(update={"favourite": True, "tags": ("fox",)}))
    store.close()
    file = tmp_path / "history.json"
    file.write_bytes(file.read_text("utf-8").replace("\n", newline).encode(encoding))

    again = open_store(tmp_path).get(record.id)

    assert (again.favourite, again.tags, again.prompt) == (True, ("fox",), "café 狐狸")
    assert not (tmp_path / "history.json.corrupt-1").exists()
