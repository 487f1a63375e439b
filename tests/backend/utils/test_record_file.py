"""The file of records and its log, with records that are pairs of an id and a number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.utils import record_file
from backend.utils.record_file import Content, Format, NewerFormat, RecordFile

Pair = tuple[str, int]


def decode(text: bytes) -> Pair:
    match json.loads(text):
        case {"id": str(key), "n": int(number)}:
            return key, number
    raise ValueError(text)


PAIRS = Format(
    version=2,
    key="pairs",
    id_of=lambda pair: pair[0],
    encode=lambda pair: json.dumps({"id": pair[0], "n": pair[1]}).encode(),
    decode=decode,
    upgrade=lambda entry, version: {"id": entry["name"], "n": version},
)


@pytest.fixture
def file(tmp_path) -> RecordFile[Pair]:
    return RecordFile(tmp_path / "x.json", PAIRS)


def put(*pairs: Pair) -> dict[str, bytes | None]:
    return {pair[0]: PAIRS.encode(pair) for pair in pairs}


def found(content: Content[Pair]) -> list[Pair]:
    return [line.record for line in content.lines]


def replayed(file: RecordFile[Pair], *arguments: Any) -> list[Pair]:
    lines = {line.record[0]: line for line in file.read().lines}
    file.replay(lines, *arguments)
    return [line.record for line in lines.values()]


def test_a_record_a_line(file, tmp_path, monkeypatch):
    monkeypatch.setattr(record_file, "new_id", lambda: "0123456789abcdef" * 2)
    file.write(put(("a", 1), ("b", 2)).values())
    head = '{"version": 2, "generation": "0123456789abcdef", "pairs": ['
    assert (tmp_path / "x.json").read_text() == head + '\n{"id": "a", "n": 1},\n{"id": "b", "n": 2}\n]}\n'
    assert file.read() == Content([PAIRS.line_of(("a", 1)), PAIRS.line_of(("b", 2))], version=2)


def test_no_record(file):
    file.write([])
    assert file.read() == Content([], version=2)


def test_a_file_laid_out_anew(file, tmp_path):
    file.write(put(("a", 1)).values())
    path = tmp_path / "x.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))
    assert file.read() == Content([PAIRS.line_of(("a", 1))], version=2)


def test_an_older_version_is_upgraded(file, tmp_path):
    (tmp_path / "x.json").write_text('{"version": 1, "pairs": [{"name": "a"}, {}]}')
    assert file.read() == Content([PAIRS.line_of(("a", 1))], version=1, damaged=1)


def test_a_newer_version_is_refused(file, tmp_path):
    (tmp_path / "x.json").write_text('{"version": 3}')
    with pytest.raises(NewerFormat, match=r"x\.json .*format 3, this one reads 2"):
        file.read()


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b'{"version": 2}', b'{"pairs": []}'])
def test_what_cannot_be_read_has_no_version(file, tmp_path, content):
    assert file.read() == Content([], version=None)
    (tmp_path / "x.json").write_bytes(content)
    assert file.read() == Content([], version=None)


def test_damaged_records_are_counted_and_whole_lines_are_salvaged(file, tmp_path):
    text = b'{"version": 2, "pairs": [\n{"id": "a", "n": 1},\n{"id": 3},\n{"id": "b", "n": 2}\n]}\n'
    (tmp_path / "x.json").write_bytes(text)
    assert (found(file.read()), file.read().damaged) == ([("a", 1), ("b", 2)], 1)
    (tmp_path / "x.json").write_bytes(text[:60])
    assert [line.record for line in file.whole_lines()] == [("a", 1)]


def test_the_log_is_what_the_file_lacks(file, tmp_path):
    file.write(put(("a", 1), ("b", 2)).values())
    file.append({"a": None, **put(("b", 3), ("c", 4))})
    assert file.has_log
    for _ in range(2):
        assert replayed(RecordFile(tmp_path / "x.json", PAIRS)) == [("b", 3), ("c", 4)]
    file.write([])
    assert (file.has_log, replayed(file)) == (False, [])


@pytest.fixture
def outlived(file, tmp_path, monkeypatch) -> bytes:
    """A file beside a log of its predecessor: the process was killed between rename and removal."""
    file.write(put(("a", 1)).values())
    file.append(put(("a", 2), ("b", 1)))
    log = (tmp_path / "x.log").read_bytes()
    file.write(put(("a", 3)).values())  # b was removed later, and a has changed once more
    (tmp_path / "x.log").write_bytes(log)
    return log


def test_a_log_of_another_generation_is_ignored(outlived, tmp_path, caplog):
    fresh = RecordFile(tmp_path / "x.json", PAIRS)
    assert replayed(fresh) == [("a", 3)]
    assert caplog.messages == ["2 lines of x.log are older than x.json: ignored"]
    assert fresh.has_log

    fresh.append(put(("c", 1)))
    assert replayed(RecordFile(tmp_path / "x.json", PAIRS)) == [("a", 3), ("c", 1)]


@pytest.mark.parametrize("indent", [None, 4])
def test_a_generation_survives_a_new_layout(file, outlived, tmp_path, indent):
    file.append(put(("c", 1)))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=indent))
    assert replayed(RecordFile(path, PAIRS)) == [("a", 3), ("c", 1)]


def test_the_log_of_a_damaged_file_counts_if_it_is_of_that_file(file, outlived, tmp_path):
    file.append(put(("c", 1)))
    path = tmp_path / "x.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert replayed(RecordFile(path, PAIRS)) == [("c", 1)]


def test_the_log_of_a_file_that_is_lost_counts(file, tmp_path):
    file.write([])
    file.append(put(("a", 1)))
    (tmp_path / "x.json").unlink()
    assert replayed(RecordFile(tmp_path / "x.json", PAIRS)) == [("a", 1)]


def test_files_of_before_generations_are_read_with_their_logs(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"version": 2, "pairs": [\n{"id": "a", "n": 1}\n]}\n')
    (tmp_path / "x.log").write_bytes(b'{"put": {"id": "b", "n": 2}}\n{"remove": "a"}\n')
    old = RecordFile(path, PAIRS)
    assert replayed(old) == [("b", 2)]
    old.append(put(("c", 3)))
    assert replayed(RecordFile(path, PAIRS)) == [("b", 2), ("c", 3)]
    log = (tmp_path / "x.log").read_bytes()
    old.write(put(("d", 4)).values())
    (tmp_path / "x.log").write_bytes(log)
    assert replayed(RecordFile(path, PAIRS)) == [("d", 4)]


def test_a_folder_that_cannot_be_synced_does_not_refuse_what_is_written(file, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(record_file, "sync_directory", lambda _: (_ for _ in ()).throw(OSError(5, "I/O error")))
    file.write(put(("a", 1)).values())
    assert replayed(RecordFile(tmp_path / "x.json", PAIRS)) == [("a", 1)]
    assert "could not be synced" in caplog.text


def test_a_put_of_another_order(file):
    file.append(put(("a", 1), ("b", 2)))
    file.append(put(("a", 3)))

    def last(lines, line):
        lines.pop(line.record[0], None)
        lines[line.record[0]] = line

    assert replayed(file) == [("a", 3), ("b", 2)]
    assert replayed(file, last) == [("b", 2), ("a", 3)]


def test_damaged_lines_of_the_log_are_skipped(file, tmp_path, caplog):
    file.append(put(("a", 1)))
    with (tmp_path / "x.log").open("ab") as log:
        log.write(b'{"put": {"id": 1}}\n[]\n3\n{"remove": []}\n{"pu')
    assert replayed(file) == [("a", 1)]
    assert caplog.messages[0] == "line 2 of x.log is damaged and skipped"
    assert len(caplog.records) == 5


@pytest.mark.parametrize("gone", [".json", ".log"])
def test_what_somebody_has_removed_takes_no_more_changes(file, gone):
    file.write([])
    file.append(put(("a", 1)))
    file.path.with_suffix(gone).unlink()
    assert not file.can_append(1, 9)  # the next change writes all of it


def test_a_log_is_bounded_and_sound(file, monkeypatch):
    assert not file.can_append(1, 2)  # there is no file that it could belong to
    file.write([])
    assert (file.can_append(2, 2), file.can_append(3, 2)) == (True, False)
    file.append(put(("a", 1), ("b", 2)))
    assert not file.can_append(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            file.append(put(("c", 3)))
        assert not file.can_append(1, 9)
        with pytest.raises(OSError, match="full"):
            file.write([])
    assert replayed(file) == [("a", 1), ("b", 2)]
    file.write([])
    assert file.can_append(1, 9)
    file.distrust_log()
    assert not file.can_append(1, 9)
