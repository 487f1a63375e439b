"""Values of options."""

from __future__ import annotations

import pytest
import typer
from zimage_client.cli.options import as_picture, parse_control, parse_outpaint, parse_size
from zimage_client.types import Image


@pytest.mark.parametrize(
    ("text", "size"), [("512x768", (512, 768)), ("512", (512, 512)), ("512×768", (512, 768)), ("8 X 9", (8, 9))]
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("64", {"top": 64, "right": 64, "bottom": 64, "left": 64}),
        ("1,2,3,4", {"top": 1, "right": 2, "bottom": 3, "left": 4}),
        ("left=64, right=32", {"left": 64, "right": 32}),
    ],
)
def test_outpainting(text, sides):
    assert parse_outpaint(text) == sides


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4,5", "middle=3", "left", "left=-1", "left=x", "left=1,2"])
def test_what_is_no_outpainting(text):
    with pytest.raises(typer.BadParameter, match="pixels to add"):
        parse_outpaint(text)


@pytest.mark.parametrize("text", ["", "0x", "512x", "x512", "512x768x3", "1e3", "-512"])
def test_what_is_no_size(text):
    with pytest.raises(typer.BadParameter, match="WIDTHxHEIGHT"):
        parse_size(text)


def test_controls(tmp_path):
    file = tmp_path / "pose.png"
    file.write_bytes(b"")
    assert parse_control(f"image={file},kind=pose,start=0.1") == {"image": file, "kind": "pose", "start": 0.1}
    for text in (f"image={file}", f"image={file},kind=pose,size=3", f"image={file},kind=pose,scale=much"):
        with pytest.raises(typer.BadParameter):
            parse_control(text)


def test_pictures(tmp_path):
    assert as_picture("0" * 32) == Image(id="0" * 32)
    with pytest.raises(typer.BadParameter, match="neither a file nor the id"):
        as_picture(str(tmp_path))
