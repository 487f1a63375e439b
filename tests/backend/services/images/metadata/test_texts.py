from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from backend.services.images.metadata.texts import decode_comment, read_texts

SETTINGS = "一只狐狸，雪地\nSteps: 8, Seed: 42"


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + SETTINGS.encode("utf-16-be"),
        b"UNICODE\0" + SETTINGS.encode("utf-16-le"),
        b"UNICODE\0" + SETTINGS.encode("utf-16"),
        b"UNICODE\0\xfe\xff" + SETTINGS.encode("utf-16-be"),
        b"\xff\xfe" + SETTINGS.encode("utf-16-le"),
        b"ASCII\0\0\0" + SETTINGS.encode(),
        bytes(8) + SETTINGS.encode(),
        SETTINGS.encode(),
        b"\xef\xbb\xbf" + SETTINGS.encode(),
    ],
)
def test_a_comment_is_read_in_any_order_of_bytes_and_with_or_without_a_code(comment):
    assert decode_comment(comment + b"\0\0") == SETTINGS


def test_a_comment_without_a_code_loses_nothing():
    assert decode_comment(b"abcdefgh, Steps: 8") == "abcdefgh, Steps: 8"


def test_json_in_a_comment_of_either_order():
    text = '{"sui_image_params": {"prompt": "狐狸"}}'
    for order in ("utf-16-le", "utf-16-be"):
        assert decode_comment(b"UNICODE\0" + text.encode(order)) == text


def png(text: bytes | str) -> BytesIO:
    info = PngInfo()
    if isinstance(text, bytes):
        info.add(b"tEXt", b"parameters\0" + text)
    else:
        info.add_itxt("parameters", text)
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("一只狐狸".encode(), "一只狐狸"),
        ("café".encode(), "café"),
        ("café".encode("latin-1"), "café"),
        (b"a fox", "a fox"),
        ("Ã©", "Ã©"),  # an international chunk says what it means
    ],
)
def test_a_plain_chunk_that_is_utf_8_is_read_as_it(written, read):
    assert read_texts(png(written))["parameters"] == read


@pytest.mark.parametrize("tag", [0x010F, 0x0110, 0x010E])
def test_a_prompt_among_the_tags_of_a_camera(tag):
    image, buffer = Image.new("RGB", (8, 8)), BytesIO()
    exif = image.getexif()
    exif[tag] = 'prompt:{"3": {}}'
    exif[0x0131] = "workflow: {}"
    image.save(buffer, "WEBP", exif=exif)
    buffer.seek(0)
    texts = read_texts(buffer)
    assert (texts["prompt"], texts["workflow"]) == ('{"3": {}}', "{}")
