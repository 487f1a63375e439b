"""What the tests of the history share."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from backend.models.schemas import ImageRecord
from backend.services.images.index import HistoryQuery
from backend.services.images.store import HistoryStore
from tests.backend.fakes import Ticking

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


def png_that_claims_a_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


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
