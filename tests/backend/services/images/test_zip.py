from __future__ import annotations

import os
import zipfile
from io import BytesIO

from backend.services.images.zip import stream_zip


def test_old_files_are_packed_and_those_that_have_gone_left_out(tmp_path):
    old, gone, new = (tmp_path / name for name in ("old.png", "gone.png", "new.png"))
    for path in (old, new):
        path.write_bytes(path.name.encode())
    os.utime(old, (0, 0))  # 1970, which a zip cannot say

    packed = zipfile.ZipFile(BytesIO(b"".join(stream_zip([(path, path.name) for path in (old, gone, new)]))))

    assert packed.namelist() == ["old.png", "new.png"]
    assert packed.read("old.png") == b"old.png"


def test_files_of_one_name_are_numbered(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"")

    files = [(path, name) for name in ("fox.png", "Fox.png", "狐狸.png", "fox.png")]
    packed = zipfile.ZipFile(BytesIO(b"".join(stream_zip(files))))

    assert packed.namelist() == ["fox.png", "Fox-2.png", "狐狸.png", "fox-3.png"]
