"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import typer

from zimage_client.drawing import Control, LoraUse, Outpaint
from zimage_client.types import Image

ID = re.compile(r"[0-9a-f]{32}")
SIDES = ("top", "right", "bottom", "left")
_CONTROL_NUMBERS = ("scale", "start", "end")
_CONTROL_KEYS = ("image", "kind", "preprocessor", "model", *_CONTROL_NUMBERS)


class Pixels(NamedTuple):
    """Size of an image."""

    width: int
    height: int


Server = Annotated[
    str | None,
    typer.Option(
        "--server", "--url", metavar="URL",
        help="Address of the server [ZIMAGE_URL]. The usual one of this machine without it.",
    ),
]  # fmt: skip
Local = Annotated[
    bool, typer.Option("--local", help="Draw in this process, without looking for a server.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.", show_default=False)]


def parse_size(text: str) -> Pixels:
    """Reads `512x768`, or `512` for a square."""
    match = re.fullmatch(r"(\d{1,5})(?:\s*[x×*]\s*(\d{1,5}))?", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"a size is WIDTHxHEIGHT in pixels, as 512x768, not {text!r}")
    return Pixels(int(match[1]), int(match[2] or match[1]))


def parse_outpaint(text: str) -> Outpaint:
    """Reads `64`, or `64,0,64,0` from the top clockwise, or `left=64,right=64`."""
    parts = [part.strip() for part in text.split(",")]
    if "=" in text:
        values = dict(part.partition("=")[::2] for part in parts)
    else:
        values = dict(zip(SIDES, parts * 4 if len(parts) == 1 else parts, strict=False))
        if len(parts) not in (1, 4):
            values = {"": ""}
    if not set(values) <= set(SIDES) or not all(value.isascii() and value.isdigit() for value in values.values()):
        raise typer.BadParameter(
            f"pixels to add are one number, four (top,right,bottom,left), or left=64,right=64, not {text!r}"
        )
    return cast("Outpaint", {side: int(value) for side, value in values.items()})


def parse_control(text: str) -> Control:
    """Reads `image=pose.png,kind=pose,scale=0.8`."""
    values: dict[str, Any] = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if not {"image", "kind"} <= set(values) <= set(_CONTROL_KEYS):
        raise typer.BadParameter(
            f"a control is image=FILE,kind=KIND and, if wanted, {', '.join(_CONTROL_KEYS[2:])}; not {text!r}"
        )
    try:
        values |= {name: float(values[name]) for name in _CONTROL_NUMBERS if name in values}
    except ValueError:
        raise typer.BadParameter(f"{', '.join(_CONTROL_NUMBERS)} are numbers, in {text!r}") from None
    control: Control = {**values, "image": as_picture(values["image"])}  # type: ignore[typeddict-item]
    return control


def parse_lora(text: str) -> LoraUse:
    """Reads `ink`, or `ink:0.8`."""
    name, colon, strength = text.strip().rpartition(":")
    try:
        use: LoraUse = {"name": name, "strength": float(strength)} if colon else {"name": strength}
    except ValueError:
        raise typer.BadParameter(f"a LoRA is NAME or NAME:STRENGTH, as ink:0.8, not {text!r}") from None
    if not use["name"]:
        raise typer.BadParameter(f"a LoRA is NAME or NAME:STRENGTH, as ink:0.8, not {text!r}")
    return use


def as_picture(text: str) -> Path | Image:
    """Reads a file's path, or the id of an image in the history."""
    if Path(text).is_file():
        return Path(text)
    if ID.fullmatch(text):
        return Image(id=text)
    raise typer.BadParameter(f"{text!r} is neither a file nor the id of an image in the history")
