from __future__ import annotations

import base64
import os
from io import BytesIO

import pytest
from PIL import Image

from backend.services.library.loras import beside
from backend.services.library.loras.beside import (
    MAX_PICTURE_BYTES,
    PREVIEW_SIDE_PX,
    decode_thumbnail,
    preview_of,
    read_json,
    read_note,
    read_preview,
)
from backend.services.library.loras.folders import LoraFolder, Sidecar, find_files


def picture(kind="PNG", size=(1024, 512)):
    buffer = BytesIO()
    Image.new("RGB", size, (200, 30, 10)).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def put(tmp_path):
    """Puts files beside a LoRA, and finds it."""

    def put(**contents: bytes):
        (tmp_path / "a.safetensors").write_bytes(b"x")
        for name, content in contents.items():
            (tmp_path / f"a.{name.replace('_', '.')}").write_bytes(content)
        return find_files([LoraFolder(tmp_path)])[0]

    return put


@pytest.mark.parametrize(("name", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("preview_png", "PNG")])
def test_a_preview_is_drawn_anew_and_small(put, name, kind):
    file = put(**{name: picture(kind)})
    with Image.open(BytesIO(read_preview(file))) as image:
        assert (image.format, image.size) == ("WEBP", (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX // 2))


def test_of_several_the_preview_counts(put):
    file = put(jpg=picture("JPEG"), preview_png=picture(size=(64, 64)))
    assert preview_of(file).name == "a.preview.png"
    with Image.open(BytesIO(read_preview(file))) as image:
        assert image.size == (64, 64)


@pytest.mark.parametrize(
    "content", [b"", b"<svg onload=alert(1)>", b"GIF89a", picture()[:200], b"\x89PNG\r\n\x1a\n" + bytes(100)]
)
def test_what_is_no_picture_is_none(put, content):
    assert read_preview(put(png=content)) is None


def test_a_picture_that_is_too_large_is_none(put, monkeypatch):
    monkeypatch.setattr(beside, "MAX_PICTURE_PIXELS", 1000)
    assert read_preview(put(png=picture())) is None
    file = put(png=b"")
    with open(file.path.replace("safetensors", "png"), "r+b") as sparse:  # noqa: PTH123
        sparse.truncate(MAX_PICTURE_BYTES + 1)
    assert read_preview(put()) is None


def test_no_link_and_no_pipe_is_followed(put, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture())
    (tmp_path / "a.png").symlink_to(secret)
    file = put()
    assert preview_of(file) is None
    swapped = file._replace(sidecars=(Sidecar(".png", "a.png", 1, 1),))  # it has become one since it was looked at
    assert read_preview(swapped) is None
    (tmp_path / "a.png").unlink()
    os.mkfifo(tmp_path / "a.png")
    assert read_preview(swapped) is None


def test_json_and_text(put):
    file = put(json=b'\xef\xbb\xbf{"activation text": "inky"}', civitai_info=b'{"trainedWords": ["wet"]}', txt=b"n\xff")
    assert read_json(file, ".json") == {"activation text": "inky"}
    assert read_json(file, ".civitai.info") == {"trainedWords": ["wet"]}
    assert read_note(file) == "n\ufffd"


def test_what_is_not_there_says_nothing(put):
    file = put()
    assert (read_json(file, ".json"), read_note(file), read_preview(file)) == ({}, "", None)
    assert read_json(put(json=b"[" * 100_000), ".json") == {}


def test_a_picture_in_the_header():
    text = "data:image/jpeg;base64," + base64.b64encode(picture("JPEG")).decode()
    with Image.open(BytesIO(decode_thumbnail(text))) as image:
        assert image.format == "WEBP"


@pytest.mark.parametrize(
    "text",
    ["", "x", "data:text/html;base64,AAAA", "data:image/png,AAAA", "data:image/png;base64,!!", "data:image/png;base64,",
     "data:image/svg+xml;base64," + base64.b64encode(b"<svg/>").decode(), "https://elsewhere/x.png"],
)  # fmt: skip
def test_what_is_no_picture_in_the_header(text):
    assert decode_thumbnail(text) is None
