from __future__ import annotations

import pytest

from backend.utils.atomic_file import remove_temporary_files, write_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old and long")

    assert write_atomically(path, lambda file: file.write(b"new")) == 3

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half of it")
        file.flush()
        assert path.read_bytes() == b"old"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomically(path, fail)

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_the_data_are_durable_before_the_name_changes(tmp_path, monkeypatch, call):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync" if call == "fsync" else "pathlib.Path.replace", fail)

    with pytest.raises(OSError, match="Input/output"):
        write_atomically(path, lambda file: file.write(b"new"))

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    (tmp_path / ".tmp-1").write_bytes(b"x")
    (tmp_path / "picture.png").write_bytes(b"x")

    assert remove_temporary_files(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
