"""Enlarging an image: its own parameters, or the words that come with it, say what is drawn."""

from __future__ import annotations

import html
from collections.abc import Iterator
from io import BytesIO

from backend.api.compat.a1111.translate import UPSCALER
from backend.api.compat.a1111.wire import ExtrasRequest
from backend.api.compat.values import build_request, shortened
from backend.models.edit import FromInput, UpscaleRequest
from backend.models.gallery import ReadParameters
from backend.models.schemas import GenerateRequest
from backend.services.errors import InputRefused, NoParameters
from backend.services.images.inputs import Input
from backend.services.images.metadata.foreign import read_parameters
from backend.services.library.model_entry import ModelEntry

NONE = "None"
_NAMES = {"upscale.factor": "upscaling_resize", "strength": "denoising_strength", "num_inference_steps": "steps"}


def does_nothing(body: ExtrasRequest) -> bool:
    """Tells whether the image is sent back as it is.

    Raises:
        InputRefused: another upscaler is asked for.
    """
    for name in (body.upscaler_1, body.upscaler_2):
        if name not in ("", NONE, UPSCALER):
            raise InputRefused("upscaler_1", f"There is no upscaler {shortened(name)} here, but {UPSCALER} and {NONE}.")
    return body.upscaler_1 != UPSCALER


def translate_extras(body: ExtrasRequest, file: BytesIO, kept: Input, model: ModelEntry) -> GenerateRequest:
    """Translates a request to enlarge an image.

    Args:
        body: Theirs.
        file: The image as it was sent.
        kept: The same image as an input.
        model: What draws.

    Raises:
        InputRefused: nothing says what the image shows.
        RequestValidationError: a value is not allowed.
    """
    told = _told(file)
    prompt = body.prompt or told.prompt
    if not prompt:
        raise InputRefused("prompt", "The image carries no prompt, and what it shows is needed: send it as `prompt`.")
    factor = body.upscaling_resize
    if body.resize_mode == 1:
        factor = max(body.upscaling_resize_w / kept.width, body.upscaling_resize_h / kept.height)
    values: dict[str, object] = {
        "prompt": prompt,
        "num_inference_steps": model.default_steps,
        "model": model.id,
        "init_image": FromInput(input_id=kept.id),
        "strength": body.denoising_strength,
        "upscale": UpscaleRequest.model_construct(factor=factor).model_dump(),
    }
    return build_request(values, _NAMES)


def _told(file: BytesIO) -> ReadParameters:
    try:
        return read_parameters(file).parameters
    except NoParameters:
        return ReadParameters()


def describe_extras(body: ExtrasRequest, *, is_enlarged: bool) -> str:
    """Returns what became of the request, as the paragraphs that clients show."""
    return "".join(f"<p>{html.escape(note)}</p>" for note in _notes(body, is_enlarged=is_enlarged))


def _notes(body: ExtrasRequest, *, is_enlarged: bool) -> Iterator[str]:
    if not is_enlarged:
        yield f"Unchanged: the upscaler is {NONE}; {UPSCALER} enlarges."
    elif body.resize_mode == 1 and body.upscaling_crop:
        yield "upscaling_crop: the image keeps its aspect ratio, and nothing is cut off."
    for name in ("gfpgan_visibility", "codeformer_visibility", "extras_upscaler_2_visibility"):
        if getattr(body, name) > 0:
            yield f"{name}: not used, there is no such thing here."
