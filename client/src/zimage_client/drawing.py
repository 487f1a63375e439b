"""What to draw: the fields of a request, and the pictures that are sent before it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from zimage_client import calls
from zimage_client.calls import Plan
from zimage_client.types import Image, Input

Picture = str | os.PathLike[str] | bytes | Image | Input
"""Path of a file, its bytes, an image of the history, or what `upload` has returned."""


class Outpaint(TypedDict, total=False):
    """Pixels to add at each side."""

    top: int
    right: int
    bottom: int
    left: int


class Control(TypedDict, total=False):
    """Picture that guides the composition; `image` and `kind` are needed, and for the kind `inpaint` no image."""

    image: Picture
    kind: str
    preprocessor: str
    options: Mapping[str, float]
    model: str
    scale: float
    start: float
    end: float
    inpaint: bool


class LoraUse(TypedDict, total=False):
    """LoRA that acts on the picture; `name` is needed. Those of an image of the history can be sent as they are."""

    name: str
    strength: float
    start: float
    end: float
    sha256: str
    short_hash: str


class DrawOptions(TypedDict, total=False):
    """Fields of a request beside the prompt. What is left out, or None, is the server's default."""

    width: int | None
    height: int | None
    num_inference_steps: int | None
    use_gpu: bool | None
    seed: int | None
    model: str | None
    num_images: int | None
    guidance_scale: float | None
    shift: float | None
    negative_prompt: str | None
    init_image: Picture | None
    strength: float | None
    mask: Picture | None
    mask_mode: Literal["whole", "only_masked"] | None
    feather: int | None
    outpaint: Outpaint | None
    upscale: float | None
    base: Picture | None
    """What `init_image` was painted on, where it is a sketch over a picture."""
    control: Sequence[Control] | None
    loras: Sequence[LoraUse] | None
    references: Sequence[Picture] | None
    callback_url: str | None
    """Where the server tells of the end, for named tokens with a secret."""
    extra: Mapping[str, Any] | None
    """Fields of a newer server, as they stand in the body."""


FIELDS = DrawOptions.__optional_keys__


def plan_body(prompt: str, options: DrawOptions) -> Plan[dict[str, Any]]:
    """Builds the body of a request; sends the pictures that it names.

    Raises:
        TypeError: There is no such option, or a picture is none.
        OSError: A file cannot be read.
    """
    if unknown := sorted(set(options) - FIELDS):
        raise TypeError(f"no such option: {', '.join(unknown)}; fields of a newer server go into extra")
    body: dict[str, Any] = {"prompt": prompt}
    for name, value in options.items():
        if value is None or name == "extra":
            continue
        if name in ("init_image", "mask", "base"):
            value = yield from plan_reference(value)  # type: ignore[arg-type]
        elif name == "control":
            value = yield from _plan_controls(value)  # type: ignore[arg-type]
        elif name == "references":
            value = yield from _plan_references(value)  # type: ignore[arg-type]
        elif name == "upscale":
            value = {"factor": value}
        body[name] = value
    return body | dict(options.get("extra") or {})


def plan_generate(prompt: str, options: DrawOptions, key: str | None) -> Plan[str]:
    """Queues a task; returns its id."""
    body = yield from plan_body(prompt, options)
    task_id: str = yield calls.generate(body, key)
    return task_id


def plan_estimate(prompt: str, options: DrawOptions) -> Plan[Any]:
    """Predicts what a request will take."""
    body = yield from plan_body(prompt, options)
    estimate = yield calls.estimate(body)
    return estimate


def plan_upload(picture: Picture) -> Plan[Input]:
    """Sends a picture."""
    sent: Input = yield calls.upload(*read_picture(picture))
    return sent


def plan_mask_of(picture: Picture) -> Plan[Input]:
    """Makes a mask of what is transparent in a picture; sends the picture first."""
    reference = yield from plan_reference(picture)
    made: Input = yield calls.mask_of(reference)
    return made


def plan_reference(picture: Picture) -> Plan[object]:
    """Returns how a request names a picture."""
    if isinstance(picture, Image):
        return {"image_id": picture.id}
    if not isinstance(picture, Input):
        picture = yield from plan_upload(picture)
    return {"input_id": picture.input_id}


def read_picture(picture: object) -> tuple[str, bytes]:
    """Reads a file; returns its name and its bytes."""
    if isinstance(picture, bytes):
        return "picture", picture
    if isinstance(picture, str | os.PathLike):
        path = Path(picture)
        return path.name, path.read_bytes()
    raise TypeError(f"a picture is a path, bytes, an Image or an Input, not {type(picture).__name__}")


def _plan_references(pictures: Sequence[Picture]) -> Plan[list[object]]:
    named = []
    for picture in pictures:
        reference = yield from plan_reference(picture)
        named.append(reference)
    return named


def read_lora(lora: object, name: str | None) -> tuple[str, bytes | Path]:
    """Returns the name of a LoRA's file, and its content or where that is."""
    if isinstance(lora, bytes):
        if name is None:
            raise TypeError("bytes of a LoRA need the name of its file")
        return name, lora
    if isinstance(lora, str | os.PathLike):
        return name or Path(lora).name, Path(lora)
    raise TypeError(f"a LoRA is a path or bytes, not {type(lora).__name__}")


def _plan_controls(controls: Sequence[Control]) -> Plan[list[dict[str, Any]]]:
    named = []
    for control in controls:
        if "image" not in control:
            named.append({**control})
            continue
        reference = yield from plan_reference(control["image"])
        named.append({**control, "image": reference})
    return named
