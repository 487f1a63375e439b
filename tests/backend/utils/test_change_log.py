from __future__ import annotations

import pytest

from backend.utils import change_log
from backend.utils.change_log import ChangeLog


def lines(log: ChangeLog) -> list[bytes]:
    return [text for _, text in log.entries()]


def test_what_is_appended_is_read_by_the_next_one(tmp_path):
    log = ChangeLog(tmp_path / "a.log")
    log.append([b"one", b"two"])
    log.append([b"three"])
    assert log.size == 3
    other = ChangeLog(tmp_path / "a.log")
    assert list(other.entries()) == [(1, b"one"), (2, b"two"), (3, b"three")]
    assert other.size == 3


def test_a_missing_log_is_empty_and_clearing_it_is_fine(tmp_path):
    log = ChangeLog(tmp_path / "a.log")
    assert lines(log) == []
    log.clear()
    assert log.size == 0


def test_a_refused_line_is_taken_back_and_the_log_is_not_sound(tmp_path, monkeypatch):
    log = ChangeLog(tmp_path / "a.log")
    log.append([b"one"])
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            log.append([b"two"])
    assert not log.is_sound
    assert lines(ChangeLog(tmp_path / "a.log")) == [b"one"]
    log.clear()
    assert (log.is_sound, log.size, [*tmp_path.iterdir()]) == (True, 0, [])


def test_a_first_line_whose_file_cannot_be_synced_is_taken_back(tmp_path, monkeypatch):
    log = ChangeLog(tmp_path / "a.log")
    with monkeypatch.context() as patch:
        patch.setattr(change_log, "sync_directory", lambda _: (_ for _ in ()).throw(OSError(5, "I/O error")))
        with pytest.raises(OSError, match="I/O"):
            log.append([b"one"])
    assert not log.is_sound
    assert lines(ChangeLog(tmp_path / "a.log")) == []


def test_a_log_that_cannot_be_removed_is_emptied(tmp_path, monkeypatch):
    log = ChangeLog(tmp_path / "a.log")
    log.append([b"one"])
    monkeypatch.setattr("pathlib.Path.unlink", lambda *_, **__: (_ for _ in ()).throw(OSError(13, "in use")))
    log.clear()
    assert lines(ChangeLog(tmp_path / "a.log")) == []
