from __future__ import annotations

from backend.services.library.variants.receipts import Receipts
from tests.backend.services.library.weight_files import touch_again


def test_a_receipt_holds_until_its_file_changes(tmp_path):
    receipts, file = Receipts(tmp_path / "data" / "downloaded.json"), tmp_path / "ae.safetensors"
    file.write_bytes(b"weights")
    assert receipts.digest_of(file) is None

    receipts.add(file, "abc")
    assert Receipts(tmp_path / "data" / "downloaded.json").digest_of(file) == "abc"

    touch_again(file)
    assert receipts.digest_of(file) is None
    file.unlink()
    assert receipts.digest_of(file) is None


def test_a_folder_takes_its_receipts_along(tmp_path):
    receipts = Receipts(tmp_path / "downloaded.json")
    inside, beside = tmp_path / "model" / "a", tmp_path / "model-2"
    inside.parent.mkdir()
    for file in (inside, beside):
        file.write_bytes(b"x")
        receipts.add(file, "abc")

    receipts.forget(tmp_path / "model")

    assert (receipts.digest_of(inside), receipts.digest_of(beside)) == (None, "abc")


def test_notes_that_make_no_sense_are_none(tmp_path):
    file, notes = tmp_path / "a", tmp_path / "downloaded.json"
    file.write_bytes(b"x")
    for text in ("[", "[]", "{}", f'{{"{file.as_posix()}": 3}}', f'{{"{file.as_posix()}": {{}}}}'):
        notes.write_text(text)
        assert Receipts(notes).digest_of(file) is None
    Receipts(notes).add(file, "abc")
    assert Receipts(notes).digest_of(file) == "abc"


def test_a_disk_that_refuses_costs_the_note_only(tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    file = tmp_path / "a"
    file.write_bytes(b"x")
    Receipts(tmp_path / "data" / "downloaded.json").add(file, "abc")
    assert file.exists()
