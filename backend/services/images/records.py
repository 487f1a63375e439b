"""Records of generated and of imported images. Pure functions."""

from __future__ import annotations

import hashlib
from datetime import datetime

from PIL import Image

from backend.models.gallery import ReadResult
from backend.models.recipe import MAX_RECORDED_STEPS
from backend.models.schemas import MAX_MODEL_CHARACTERS, ImageRecord, is_control
from backend.services.generation.events import Drawn

UNKNOWN_MODEL = "unknown"


def name_file(image_id: str, created_at: datetime) -> str:
    """Returns the name of an image's file; names sort by time."""
    return f"zimage-{created_at:%Y%m%d-%H%M%S}-{image_id[:8]}.png"


def describe_drawn(drawn: Drawn, image_id: str, created_at: datetime) -> ImageRecord:
    """Returns the record of a generated image; its file's size is not known yet."""
    recipe, image = drawn.recipe, drawn.image
    is_edit_of_another_size = recipe.init_image is not None and (recipe.width, recipe.height) != image.size
    return ImageRecord(
        **recipe.model_dump(exclude={"width", "height"}),
        width=image.width,
        height=image.height,
        drawn_width=recipe.width if is_edit_of_another_size else None,
        drawn_height=recipe.height if is_edit_of_another_size else None,
        id=image_id,
        filename=name_file(image_id, created_at),
        use_gpu=drawn.use_gpu,
        size_bytes=0,
        created_at=created_at,
        generation_time_ms=drawn.generation_time_ms,
        device=drawn.device,
        pixel_hash=hash_pixels(drawn.image),
    )


def describe_found(found: ReadResult, image: Image.Image, image_id: str, created_at: datetime) -> ImageRecord:
    """Returns the record of an imported image. Missing fields are `unknown` and hold a default."""
    told = found.parameters
    steps = told.num_inference_steps
    facts = {
        "num_inference_steps": steps if steps is not None and 1 <= steps <= MAX_RECORDED_STEPS else None,
        "seed": told.seed,
        "guidance_scale": told.guidance_scale,
        "model": _one_line(told.model or "") or None,
    }
    defaults = {"num_inference_steps": 9, "seed": 0, "guidance_scale": 0.0, "model": UNKNOWN_MODEL}
    return ImageRecord.model_validate(
        {
            "id": image_id,
            "filename": name_file(image_id, created_at),
            "prompt": _printable(told.prompt or ""),
            "negative_prompt": _printable(told.negative_prompt or ""),
            "width": image.width,
            "height": image.height,
            "use_gpu": False,
            "size_bytes": 0,
            "created_at": created_at,
            "generation_time_ms": 0.0,
            "shift": told.shift if told.shift and told.shift > 0 else None,
            "device": "unknown",
            "pixel_hash": hash_pixels(image),
            "loras": told.loras,
            "source": found.source,
            "unknown": tuple(name for name, value in facts.items() if value is None),
            **{name: defaults[name] if value is None else value for name, value in facts.items()},
        }
    )


def hash_pixels(image: Image.Image) -> str:
    """Returns a digest of size and pixels, whatever the file format."""
    digest = hashlib.sha256(f"{image.width}x{image.height}/RGB/".encode())
    digest.update(image.convert("RGB").tobytes())
    return digest.hexdigest()


def _printable(text: str) -> str:
    return "".join(character for character in text.strip() if not is_control(character))


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())[:MAX_MODEL_CHARACTERS]
