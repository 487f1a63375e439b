from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from backend.utils.png import read_png_texts, write_png

TEXTS = {"plain": "a red apple\nSteps: 9", "chinese": "一只红色的狐狸 🦊", "empty": ""}


def encode(texts):
    buffer = BytesIO()
    write_png(Image.new("RGB", (32, 16), "red"), buffer, texts)
    return buffer.getvalue()


def test_texts_come_back():
    assert read_png_texts(BytesIO(encode(TEXTS))) == TEXTS


def test_ascii_is_text_and_the_rest_is_international_text():
    content = encode(TEXTS)

    assert b"tEXtplain\0" in content
    assert b"iTXtchinese\0" in content


def test_the_pixels_are_lossless():
    picture = Image.linear_gradient("L").convert("RGB")
    buffer = BytesIO()
    write_png(picture, buffer, {})
    assert Image.open(buffer).tobytes() == picture.tobytes()


def test_a_png_cut_anywhere_is_an_os_error():
    content = encode(TEXTS)
    for length in range(len(content) - 12):  # without the end mark of 12 bytes it is a whole picture still
        with pytest.raises(OSError):
            read_png_texts(BytesIO(content[:length]))


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_another_file_is_an_os_error(content):
    with pytest.raises(OSError):
        read_png_texts(BytesIO(content))
