"""The texts inside image files, by keyword: PNG text chunks, EXIF comments and tags, XMP. No pixel is decoded."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from PIL import Image
from PIL.PngImagePlugin import iTXt

from backend.services.errors import NoParameters
from backend.services.images.metadata.own import COMMON_KEYWORD

MAX_PIXELS = 16 * 2**20
MAX_TEXT = 2**20
XMP_KEYWORD = "XML:com.adobe.xmp"
_USER_COMMENT, _EXIF_IFD = 0x9286, 0x8769
_CODE_BYTES = 8
_UNICODE = b"UNICODE\0"
_CODES = (_UNICODE, b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(_CODE_BYTES))
_TAGGED = re.compile(r"(prompt|workflow|parameters):\s*(?=[\[{])")
_SETTINGS = re.compile(r'Steps:\s*\d|"[\w ]+"\s*:')

Texts = Mapping[str, str]


@contextlib.contextmanager
def open_picture(file: BinaryIO) -> Iterator[Image.Image]:
    """Opens a PNG, JPEG or WebP of a bounded size; translates Pillow's errors.

    Raises:
        NoParameters: It is no such image, is too large, or is damaged.
    """
    try:
        file.seek(0)
        with Image.open(file, formats=["PNG", "JPEG", "WEBP"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NoParameters(f"The picture has more than {MAX_PIXELS // 2**20} megapixels.")
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoParameters("This is no PNG, JPEG or WebP, or it is damaged.") from error


def read_texts(file: BinaryIO) -> dict[str, str]:
    """Returns the texts of an image by keyword.

    Raises:
        NoParameters: It is no such image.
    """
    with open_picture(file) as image:
        texts = {str(key): _repaired(value) for key, value in image.info.items() if _is_text(value)}
        if isinstance(image.info.get("xmp"), bytes) and len(image.info["xmp"]) <= MAX_TEXT:
            texts.setdefault(XMP_KEYWORD, image.info["xmp"].decode("utf-8", "replace"))
        # a PNG's getexif() would decode the image, and its words stand in text chunks anyway
        exif = None if image.format == "PNG" else image.getexif()
        tags = {} if exif is None else dict(exif)
        comment = None if exif is None else exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    for value in tags.values():  # ComfyUI writes `prompt:{…}` into the maker and model of a camera
        if isinstance(value, str) and len(value) <= MAX_TEXT and (found := _TAGGED.match(value)):
            texts.setdefault(found[1], value[found.end() :].strip("\0"))
    if isinstance(comment, bytes) and len(comment) <= 2 * MAX_TEXT:
        texts.setdefault(COMMON_KEYWORD, decode_comment(comment))
    return texts


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _repaired(text: str) -> str:
    """Undoes Latin-1 where a PNG's plain text chunk holds UTF-8, as programs write it against the standard."""
    if isinstance(text, iTXt) or text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def decode_comment(comment: bytes) -> str:
    """Decodes an EXIF UserComment: a character code of 8 bytes and a text, or a text alone.

    The standard leaves the byte order of UNICODE open, and programs write either: a byte order mark counts, else the
    order in which it reads as settings.
    """
    code, text = comment[:_CODE_BYTES], comment[_CODE_BYTES:]
    if code not in _CODES:
        code, text = b"", comment
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        decoded = text.decode("utf-16", "replace")
    elif code == _UNICODE:
        decoded = max((text.decode(order, "replace") for order in ("utf-16-be", "utf-16-le")), key=_readability)
    else:
        decoded = _decode_bytes(text)
    return decoded.strip("\0\ufeff")


def _decode_bytes(text: bytes) -> str:
    for encoding in ("utf-8-sig", "latin-1"):
        with contextlib.suppress(UnicodeError):
            return text.decode(encoding)
    raise AssertionError("every byte is Latin-1")


def _readability(text: str) -> tuple[bool, int]:
    return bool(_SETTINGS.search(text)), sum(character.isascii() for character in text)


def xmp_items(texts: Texts) -> list[str]:
    """Returns the texts of all list items of the XMP."""
    xmp = texts.get(XMP_KEYWORD, "")
    return [html.unescape(item) for item in re.findall(r"<rdf:li[^>]{0,200}>([^<]*)</rdf:li>", xmp)]
