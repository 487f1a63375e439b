"""Requests of the web UI's API to ours, with notes on what has no meaning here. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from backend.api.compat.a1111.wire import DrawRequest, Img2ImgRequest, Txt2ImgRequest
from backend.api.compat.values import build_request, nearest_side, shortened
from backend.models.edit import FromHistory, UpscaleRequest
from backend.models.schemas import GenerateRequest
from backend.services.errors import InputRefused
from backend.services.generation.sources import refuse_too_large, size_after
from backend.services.library.model_entry import ModelEntry

SAMPLER, SCHEDULER, UPSCALER = "Euler", "Simple", "Z-Image"
OWN_SAMPLERS = frozenset({"", "euler", "k_euler"})
OWN_SCHEDULERS = frozenset({"", "simple", "automatic"})
NAMES = {
    "num_inference_steps": "steps",
    "guidance_scale": "cfg_scale",
    "num_images": "batch_size",
    "strength": "denoising_strength",
    "feather": "mask_blur",
    "upscale.factor": "hr_scale",
}
"""Our fields by their names, where those differ."""
_KNOWN_OVERRIDES = frozenset({"sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers", "forge_additional_modules"})
_NO_VAE = frozenset({"", "automatic", "none"})
_ORIGINAL = 1
"""The only `inpainting_fill` that there is: what is masked is drawn from what it was."""


@dataclass(frozen=True)
class Translation:
    """What a request of theirs means.

    Attributes:
        request: Ours.
        second: The pass that enlarges each image, if there is one; which image that is, is not known yet.
        notes: What of theirs has no meaning, in words.
    """

    request: GenerateRequest
    second: GenerateRequest | None = None
    notes: tuple[str, ...] = field(default=())


def translate_txt2img(body: Txt2ImgRequest, model: ModelEntry, size: tuple[int, int]) -> Translation:
    """Translates text to image.

    Args:
        body: Theirs.
        model: What draws.
        size: Width and height where the request has none.

    Raises:
        RequestValidationError: a value is not allowed.
        InputRefused: a script is asked for, or the enlarged image would be too large.
    """
    refuse_scripts(body)
    values = _common(body, model)
    sides = {"width": values["width"] or size[0], "height": values["height"] or size[1]}
    request = build_request(values | sides, NAMES)
    second, notes = _second_pass(body, request)
    return Translation(request, second, (*_notes(body, model), *notes))


def translate_img2img(body: Img2ImgRequest, model: ModelEntry, sources: dict[str, object]) -> Translation:
    """Translates image to image.

    Args:
        body: Theirs.
        model: What draws.
        sources: `init_image`, and `mask` if there is one, as our request has them.

    Raises:
        RequestValidationError: a value is not allowed.
        InputRefused: a script is asked for.
    """
    refuse_scripts(body)
    values = _common(body, model) | sources | {"strength": body.denoising_strength}
    if "mask" in sources:
        values["feather"] = body.blur_px
        values["mask_mode"] = "only_masked" if body.inpaint_full_res else "whole"
    return Translation(build_request(values, NAMES), notes=(*_notes(body, model), *_img2img_notes(body)))


def refuse_scripts(body: DrawRequest) -> None:
    """Refuses extensions, of which there are none; a list of arguments that turns one off is taken.

    Raises:
        InputRefused: one is asked for.
    """
    names = [body.script_name] if body.script_name else []
    for name, script in body.alwayson_scripts.items():
        arguments = script.get("args", []) if isinstance(script, dict) else script
        if arguments not in ([], {}, None, [False]):
            names.append(name)
    if names:
        raise InputRefused(
            "alwayson_scripts", f"There is no script or extension {shortened(', '.join(names))} here; send none."
        )


def _common(body: DrawRequest, model: ModelEntry) -> dict[str, object]:
    guidance = None
    if model.guided and body.cfg_scale is not None:
        guidance = max(0.0, body.cfg_scale - 1)
    return {
        "prompt": body.prompt,
        "negative_prompt": body.negative_prompt if model.negative_prompt else "",
        "width": None if body.width is None else nearest_side(body.width),
        "height": None if body.height is None else nearest_side(body.height),
        "num_inference_steps": model.default_steps if body.steps is None else body.steps,
        "guidance_scale": guidance,
        "seed": body.seed if body.seed >= 0 else None,
        "model": model.id,
        "num_images": body.batch_size * body.n_iter,
    }


def _second_pass(body: Txt2ImgRequest, first: GenerateRequest) -> tuple[GenerateRequest | None, list[str]]:
    if not body.enable_hr:
        return None, []
    factors = [
        wanted / side
        for wanted, side in ((body.hr_resize_x, first.width), (body.hr_resize_y, first.height))
        if wanted > 0
    ]
    factor = max(factors, default=body.hr_scale)
    if factor <= 1:
        return None, [f"enable_hr: {factor:g} times the size is not larger, so there is no second pass"]
    notes = [f"enable_hr: the image is enlarged by {factor:g} and drawn over in tiles"]
    if body.hr_checkpoint_name:
        notes.append("hr_checkpoint_name: the model of the first pass draws the second one, too")
    if len(factors) > 1 and factors[0] != factors[1]:
        notes.append("hr_resize_x and hr_resize_y: the image keeps its aspect ratio")
    own = first.model_dump(include={"model", "guidance_scale", "seed"}, exclude_none=True)
    second = build_request(
        {
            **own,
            "prompt": body.hr_prompt or body.prompt,
            "negative_prompt": (body.hr_negative_prompt or body.negative_prompt) if first.negative_prompt else "",
            "num_inference_steps": body.hr_second_pass_steps or first.num_inference_steps,
            "init_image": FromHistory(image_id="0" * 32),
            "strength": body.denoising_strength,
            "upscale": UpscaleRequest.model_construct(factor=factor).model_dump(),
        },
        NAMES,
    )
    refuse_too_large(*size_after(first.width, first.height, second), second)
    return second, notes


def _notes(body: DrawRequest, model: ModelEntry) -> Iterator[str]:
    """Tells what is not done as it was asked for."""
    if body.cfg_scale is not None and not model.guided and body.cfg_scale != 1:
        yield f"cfg_scale {body.cfg_scale:g}: {model.name} is not guided, which is 1"
    if body.cfg_scale is not None and model.guided and body.cfg_scale < 1:
        yield f"cfg_scale {body.cfg_scale:g}: 1 is without guidance, and the least"
    if body.negative_prompt and not model.negative_prompt:
        yield f"negative_prompt: {model.name} takes none"
    if body.sampler.lower() not in OWN_SAMPLERS:
        yield f"sampler {shortened(body.sampler)}: {SAMPLER} is what draws"
    if body.scheduler.lower() not in OWN_SCHEDULERS:
        yield f"scheduler {shortened(body.scheduler)}: {SCHEDULER} is what there is"
    for side in ("width", "height"):
        side_px = getattr(body, side)
        if side_px is not None and nearest_side(side_px) != side_px:
            yield f"{side}: {side_px} became {nearest_side(side_px)}"
    asked = {
        "styles": bool(body.styles),
        "subseed_strength": body.subseed_strength > 0,
        "seed_resize_from_w": body.seed_resize_from_w > 0 or body.seed_resize_from_h > 0,
        "restore_faces": body.restore_faces,
        "tiling": body.tiling,
        "s_churn": body.s_churn > 0,
        "refiner_checkpoint": bool(body.refiner_checkpoint),
        "clip_skip": body.clip_skip > 1
        or body.override_settings.get("CLIP_stop_at_last_layers", 1) not in (0, 1, None),
        "sd_vae": str(body.override_settings.get("sd_vae") or "").lower() not in _NO_VAE,
        **{f"override_settings.{name}": True for name in body.override_settings if name not in _KNOWN_OVERRIDES},
    }
    yield from (f"{name}: not used, there is no such thing here" for name, is_asked in asked.items() if is_asked)


def _img2img_notes(body: Img2ImgRequest) -> Iterator[str]:
    if body.resize_mode == 3:
        yield "resize_mode 3: the image is resized as with 0, in pixels"
    if body.initial_noise_multiplier != 1:
        yield "initial_noise_multiplier: not used, there is no such thing here"
    if not body.mask:
        return
    if body.inpainting_fill != _ORIGINAL:
        yield f"inpainting_fill {body.inpainting_fill}: what is masked is drawn from what it was, which is 1"
    if body.inpaint_full_res and body.inpaint_full_res_padding:
        yield "inpaint_full_res_padding: how much is seen around the mask is chosen here"
