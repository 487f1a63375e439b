"""Answers of the web UI's API: images in base64, and what made them as a JSON text."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from backend import __version__
from backend.api.compat.a1111.translate import SAMPLER
from backend.api.compat.a1111.wire import DrawRequest, Img2ImgRequest
from backend.models.schemas import ErrorDetail, ImageRecord
from backend.services.errors import InputRefused
from backend.services.images.metadata.own import describe
from backend.services.images.store import HistoryStore

_STATUS_OF_CODE = {"cancelled": 409, "interrupted": 503}
"""Of tasks that did not fail."""


def present_drawn(
    body: DrawRequest, records: Sequence[ImageRecord], notes: Sequence[str], history: HistoryStore
) -> dict[str, Any]:
    """Returns the answer to `txt2img` and `img2img`."""
    return {
        "images": [encode_record(record, history) for record in records] if body.send_images else [],
        "parameters": _echo(body),
        "info": json.dumps(_info(body, records, notes), ensure_ascii=False),
    }


def encode_record(record: ImageRecord, history: HistoryStore) -> str:
    """Returns the file of an image, with the parameters in it, as base64."""
    return base64.b64encode(history.image_path(record.id).read_bytes()).decode("ascii")


def translate_error(status: int, error: ErrorDetail) -> tuple[int, dict[str, object]]:
    """Returns status and body of an error as the web UI has them."""
    message = error.message
    if error.code == InputRefused.code:  # the others' messages name their fields
        message = " ".join(f"{problem.field}: {problem.message}" for problem in error.fields) or message
    body: dict[str, object] = {"error": error.code, "detail": message, "body": "", "errors": message}
    return _STATUS_OF_CODE.get(error.code, status), body


def _echo(body: DrawRequest) -> dict[str, Any]:
    """Returns the request as it was understood; the images only where that is asked for."""
    echo = body.model_dump(mode="json")
    if isinstance(body, Img2ImgRequest) and not body.include_init_images:
        echo |= {"init_images": None, "mask": None}
    return echo


def _info(body: DrawRequest, records: Sequence[ImageRecord], notes: Sequence[str]) -> dict[str, Any]:
    first, n_images = records[0], len(records)
    return {
        "prompt": first.prompt,
        "all_prompts": [record.prompt for record in records],
        "negative_prompt": first.negative_prompt,
        "all_negative_prompts": [record.negative_prompt for record in records],
        "seed": first.seed,
        "all_seeds": [record.seed for record in records],
        "subseed": -1,
        "all_subseeds": [-1] * n_images,
        "subseed_strength": 0,
        "width": first.width,
        "height": first.height,
        "sampler_name": SAMPLER,
        "cfg_scale": first.guidance_scale + 1,
        "steps": first.num_inference_steps,
        "batch_size": body.batch_size,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": first.model,
        "sd_model_hash": None,
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": first.strength,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [describe(record) for record in records],
        "styles": [],
        "job_timestamp": f"{first.created_at:%Y%m%d%H%M%S}",
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"zimage {__version__}",
        "notes": list(notes),
    }
