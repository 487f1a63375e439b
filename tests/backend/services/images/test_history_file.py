"""The file, its log, and formats of before."""

from __future__ import annotations

import contextlib
import json
import threading

import pytest

from backend.models.gallery import MAX_TAGS
from backend.services.errors import DiskFull, NotInTrash, UnknownImage
from backend.services.images import history_file
from backend.services.images.history_file import HistoryFile, line_of
from backend.services.images.index import HistoryQuery
from backend.services.images.store import HistoryStore
from backend.services.images.tags import with_favourite, with_tag, with_tags, without_tag
from tests.backend.fakes import Ticking, a_picture
from tests.backend.services.images.keeping import FailingDisk, check_invariants, open_store, records, tree
from tests.backend.services.images.test_index import a_record


@pytest.fixture
def large(monkeypatch) -> None:
    """Every history is a large one."""
    monkeypatch.setattr(history_file, "SMALL", 2)


def log_of(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "history.log").read_text("utf-8").splitlines()]


# -- the log ----------------------------------------------------------------------------------------------------------


def test_a_small_history_has_no_log(tmp_path):
    store = open_store(tmp_path)
    for n in range(3):
        store.add(a_picture(str(n)))
    assert "history.log" not in tree(tmp_path)


def test_a_large_one_appends_and_comes_back_whole(large, tmp_path):
    store = open_store(tmp_path)
    added = [store.add(a_picture(str(n))) for n in range(4)][::-1]
    assert log_of(tmp_path) != []
    before = (tmp_path / "history.json").read_bytes()

    again = open_store(tmp_path)

    assert records(again) == added
    assert not (tmp_path / "history.log").exists()  # it went into the file
    assert (tmp_path / "history.json").read_bytes() != before
    assert records(open_store(tmp_path)) == added


def test_the_log_goes_into_the_file_when_it_has_grown(large, tmp_path):
    store = open_store(tmp_path)
    for n in range(12):
        store.add(a_picture(str(n)))
        if (tmp_path / "history.log").exists():
            assert len(log_of(tmp_path)) <= 2


def test_closing_brings_the_file_up_to_date(large, tmp_path):
    store = open_store(tmp_path)
    for n in range(4):
        store.add(a_picture(str(n)))
    store.change([records(store)[0].id], lambda record: with_favourite(record, True))

    store.close()

    assert not (tmp_path / "history.log").exists()
    images = json.loads((tmp_path / "history.json").read_bytes())["images"]
    assert [image["prompt"] for image in images] == ["0", "1", "2", "3"]
    assert images[-1]["favourite"]


def test_a_log_that_was_replayed_before_changes_nothing(large, tmp_path):
    store = open_store(tmp_path)
    for n in range(5):
        store.add(a_picture(str(n)))
    store.trash([records(store)[0].id])
    log, expected = (tmp_path / "history.log").read_bytes(), records(store)
    open_store(tmp_path)
    (tmp_path / "history.log").write_bytes(log)  # killed between the two files

    assert records(open_store(tmp_path)) == expected


def test_a_log_cut_anywhere_loses_no_picture(large, tmp_path):
    store = open_store(tmp_path)
    added = [store.add(a_picture(str(n))) for n in range(4)][::-1]
    file, log = ((tmp_path / name).read_bytes() for name in ("history.json", "history.log"))

    for length in range(0, len(log), 23):
        (tmp_path / "history.json").write_bytes(file)
        (tmp_path / "history.log").write_bytes(log[:length])
        assert records(open_store(tmp_path)) == added


@pytest.mark.parametrize("n", range(1, 12))
def test_a_disk_that_is_full_at_the_nth_call_of_an_append(large, tmp_path, n):
    store = open_store(tmp_path)
    kept = [store.add(a_picture(str(k))) for k in range(4)][::-1]
    with pytest.MonkeyPatch.context() as patch:
        disk = FailingDisk(patch)
        disk.fail_at(n)
        with contextlib.suppress(DiskFull):
            kept = [store.add(a_picture("new")), *kept]
    assert records(store) == kept
    after = store.add(a_picture("after"))
    assert records(store) == [after, *kept] == records(open_store(tmp_path))
    check_invariants(tmp_path)


# -- formats ----------------------------------------------------------------------------------------------------------


def test_the_first_format_is_read_and_kept_as_a_copy(tmp_path):
    store = open_store(tmp_path)
    record = store.add(a_picture("狐狸"))
    old = json.loads((tmp_path / "history.json").read_bytes())
    for image in old["images"]:
        for name in ("favourite", "tags", "deleted_at", "pixel_hash"):
            del image[name]
    content = json.dumps({**old, "version": 1}).encode()
    (tmp_path / "history.json").write_bytes(content)

    assert records(open_store(tmp_path)) == [record.model_copy(update={"pixel_hash": None})]
    assert (tmp_path / "history.json.v1").read_bytes() == content
    assert json.loads((tmp_path / "history.json").read_bytes())["version"] == 2


def test_a_file_that_a_person_laid_out_anew_is_read(tmp_path):
    store = open_store(tmp_path)
    added = [store.add(a_picture(str(n))) for n in range(2)][::-1]
    content = json.loads((tmp_path / "history.json").read_bytes())
    (tmp_path / "history.json").write_text(json.dumps(content, indent=4))

    assert records(open_store(tmp_path)) == added


def test_the_quick_and_the_thorough_reading_agree(tmp_path):
    file = HistoryFile(tmp_path / "history.json")
    lines = [line_of(a_record(n, prompt='a "quoted",\n狐狸', tags=("x",))) for n in range(3)]
    file.write(line.json for line in lines)

    assert HistoryFile(tmp_path / "history.json").read().lines == lines
    parsed = json.loads((tmp_path / "history.json").read_bytes())
    (tmp_path / "history.json").write_text(json.dumps(parsed))
    assert [line.record for line in HistoryFile(tmp_path / "history.json").read().lines] == [x.record for x in lines]


def test_a_damaged_file_still_tells_favourites_tags_and_trash(tmp_path):
    store = open_store(tmp_path)
    first, second, _ = (store.add(a_picture(str(n))).id for n in range(3))
    store.change([first], lambda record: with_tag(with_favourite(record, True), "best"))
    store.trash([second])
    expected, trash = records(store), store.find(HistoryQuery(trash=True)).records
    file = tmp_path / "history.json"
    file.write_bytes(file.read_bytes()[:-20])  # the last line is cut

    again = open_store(tmp_path)

    assert records(again) == expected
    assert again.find(HistoryQuery(trash=True)).records == trash


# -- what a person changes --------------------------------------------------------------------------------------------


def test_the_trash_and_back_and_for_good(tmp_path):
    store = open_store(tmp_path)
    one, two = (store.add(a_picture(name)).id for name in ("one", "two"))
    with pytest.raises(NotInTrash):
        store.delete(one)

    [trashed] = store.trash([one, "f" * 32])
    assert store.trash([one]) == [trashed]  # the moment stays
    assert [record.id for record in records(open_store(tmp_path))] == [two]
    [restored] = store.restore([one])
    assert restored.deleted_at is None
    assert [record.id for record in records(open_store(tmp_path))] == [two, one]

    store.trash([one])
    store.delete(one)
    with pytest.raises(UnknownImage):
        store.get(one)
    assert not [name for name in tree(tmp_path) if one[:8] in name]


def test_the_trash_is_emptied_by_age(tmp_path):
    from datetime import timedelta

    clock, shift = Ticking(), timedelta(0)
    store = HistoryStore(tmp_path / "images", tmp_path / "history.json", trash_days=30, now=lambda: clock() + shift)
    store.open()
    old, kept = (store.add(a_picture(name)).id for name in ("old", "kept"))
    store.trash([old])
    shift = timedelta(days=20)
    store.trash([kept])
    shift = timedelta(days=31)
    assert store.purge() == 1

    assert [record.id for record in store.find(HistoryQuery(trash=True)).records] == [kept]
    assert not [name for name in tree(tmp_path) if old[:8] in name]


def test_a_change_that_cannot_be_stored_changes_nothing(tmp_path, monkeypatch):
    store = open_store(tmp_path)
    record = store.add(a_picture())
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(DiskFull):
            store.change([record.id], lambda known: with_favourite(known, True))
    assert store.get(record.id) == record
    assert records(open_store(tmp_path)) == [record]


def test_tags_are_kept_once_in_their_order():
    record = with_tags(a_record(1), ["b", "a", "B", "c"])
    assert record.tags == ("b", "a", "c")
    assert with_tag(record, "A").tags == ("b", "a", "c")
    assert with_tag(record, "d").tags == ("b", "a", "c", "d")
    assert without_tag(record, "B").tags == ("a", "c")


def test_the_same_pixels_have_the_same_hash_and_others_do_not(tmp_path):
    store = open_store(tmp_path)
    one, again, other = (store.add(a_picture(seed=seed)) for seed in (1, 1, 2))
    assert one.pixel_hash == again.pixel_hash != other.pixel_hash
    assert one.filename != again.filename
    (tmp_path / "history.json").unlink()
    assert records(open_store(tmp_path)) == [other, again, one]


def test_a_picture_that_is_restored_in_the_last_moment_is_not_destroyed(tmp_path):
    store = open_store(tmp_path)
    record = store.add(a_picture())
    store.trash([record.id])
    outcome: list[BaseException] = []

    def destroy() -> None:
        try:
            store.delete(record.id)
        except NotInTrash as error:
            outcome.append(error)

    with store._writing:  # it has to wait, and the restore comes first
        thread = threading.Thread(target=destroy)
        thread.start()
        thread.join(0.2)
        store._put_locked([record])
    thread.join()

    assert len(outcome) == 1
    assert store.image_path(record.id).is_file()


def test_the_trash_is_emptied_with_one_writing(tmp_path, monkeypatch):
    store = HistoryStore(tmp_path / "images", tmp_path / "history.json", trash_days=0, now=Ticking())
    store.open()
    ids = [store.add(a_picture(str(n))).id for n in range(5)]
    store.trash(ids[:4])
    writes: list[int] = []
    save = HistoryFile.save
    monkeypatch.setattr(HistoryFile, "save", lambda *args: (writes.append(1), save(*args))[1])

    assert store.purge() == 4

    assert len(writes) == 1
    assert [record.id for record in records(store)] == [ids[4]]
    assert len(tree(tmp_path / "images")) == 1


def test_a_trash_that_cannot_be_emptied_stays_whole(tmp_path, monkeypatch):
    store = HistoryStore(tmp_path / "images", tmp_path / "history.json", trash_days=0, now=Ticking())
    store.open()
    ids = [store.add(a_picture(str(n))).id for n in range(3)]
    store.trash(ids)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(DiskFull):
            store.purge()
    assert all(store.image_path(image_id).is_file() for image_id in ids)
    assert store.purge() == 3


def test_a_folder_of_pictures_that_comes_back_has_its_favourites_tags_and_trash(tmp_path):
    store = open_store(tmp_path)
    plain, loved, away = (store.add(a_picture(name)) for name in ("plain", "loved", "away"))
    [loved] = store.change([loved.id], lambda record: with_tag(with_favourite(record, True), "fox"))
    store.trash([away.id])
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    while_away = open_store(tmp_path).add(a_picture("meanwhile"))
    (tmp_path / "images" / while_away.filename).rename(tmp_path / "elsewhere" / while_away.filename)
    (tmp_path / "images").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "images")

    store = open_store(tmp_path)

    assert {record.id: record for record in records(store)} == {r.id: r for r in (plain, loved, while_away)}
    assert [record.id for record in store.find(HistoryQuery(trash=True)).records] == [away.id]
    assert not (tmp_path / "history.dropped.json").exists()


def test_records_stay_when_what_is_dropped_cannot_be_written_down(tmp_path, monkeypatch):
    record = open_store(tmp_path).add(a_picture())
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        store = open_store(tmp_path)
    assert store.get(record.id) == record


def test_a_disk_that_is_full_at_the_start_does_not_prevent_it(tmp_path, monkeypatch):
    record = open_store(tmp_path).add(a_picture())
    (tmp_path / "history.json").write_text("damaged")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        store = open_store(tmp_path)
    assert records(store) == [record]

    store.change([record.id], lambda known: with_favourite(known, True))
    assert records(open_store(tmp_path))[0].favourite


def test_a_log_that_cannot_be_removed_undoes_nothing(tmp_path, monkeypatch):
    file, log, lines = tmp_path / "history.json", tmp_path / "history.log", [line_of(a_record(n)) for n in (1, 2)]
    log.write_text(json.dumps({"remove": lines[0].record.id}) + "\n")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError()))
        HistoryFile(file).write(line.json for line in lines)

    assert HistoryFile(file).read().lines == lines


def test_a_picture_has_so_many_tags_and_no_more():
    record = with_tags(a_record(1), [str(n) for n in range(MAX_TAGS)])
    assert with_tag(record, "one more") is record
    assert with_tag(record, "0") == record
