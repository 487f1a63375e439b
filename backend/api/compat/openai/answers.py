"""What the OpenAI Images API answers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from backend.api.compat.openai.orders import Order
from backend.api.compat.openai.schemas import Format, ImageData, ImagesResponse, InputTokens, OutputTokens, Usage
from backend.api.deps import Services
from backend.models.schemas import ImageRecord
from backend.services.errors import StudioError
from backend.services.tasks.records import TaskRecord
from backend.utils.png import write_png

Link = Callable[[str], str]
"""Returns the address of an image, by its id."""


def encode(image: Image.Image, output_format: Format, compression: int) -> bytes:
    """Encodes an image."""
    buffer = BytesIO()
    if output_format == "png":
        write_png(image, buffer, {})
    else:
        image.convert("RGB").save(buffer, format=output_format.upper(), quality=compression)
    return buffer.getvalue()


def read_as(path: Path, output_format: Format, compression: int) -> bytes:
    """Returns an image of the history in a format; a PNG is the file itself, with its parameters inside."""
    if output_format == "png":
        return path.read_bytes()
    with Image.open(path) as image:
        return encode(image, output_format, compression)


def in_base64(data: bytes) -> str:
    """Encodes bytes as text."""
    return base64.b64encode(data).decode("ascii")


def size_text(image: ImageRecord) -> str:
    """Returns the size of an image as requests write it."""
    return f"{image.width}x{image.height}"


def present_images(services: Services, order: Order, task: TaskRecord, link: Link) -> ImagesResponse:
    """Returns the answer to a request whose task is completed.

    Raises:
        UnknownImage: one was deleted meanwhile.
    """

    def data_of(image: ImageRecord) -> ImageData:
        if order.as_url:
            return ImageData(url=link(image.id))
        return ImageData(b64_json=in_base64(read_picture(services, order, image)))

    last = task.images[-1]
    return ImagesResponse(
        created=int(last.created_at.timestamp()),
        data=[data_of(image) for image in task.images],
        output_format=order.format,
        quality=order.quality,
        size=size_text(last),
        safety_identifier=order.safety_identifier,
        usage=usage_of(services, task, task.images),
    )


def read_picture(services: Services, order: Order, image: ImageRecord) -> bytes:
    """Returns a finished image as the request wants it."""
    return read_as(services.history.image_path(image.id), order.format, order.compression)


def usage_of(services: Services, task: TaskRecord, images: Sequence[ImageRecord]) -> Usage | None:
    """Counts tokens: of the prompts as the model reads them, and of images by the patches of the transformer.

    None for a model without a readable tokenizer.
    """
    recipe = task.job.recipe if task.job is not None else None
    if recipe is None:
        return None
    prompts = [recipe.prompt, *([recipe.negative_prompt] if recipe.guidance_scale > 0 else [])]
    try:
        counts = [services.tokens.count(prompt, recipe.model) for prompt in prompts]
        multiple = services.catalogue.resolve(recipe.model).size_multiple
    except StudioError:
        return None
    text_tokens = sum(min(count.tokens, count.limit) for count in counts)
    patches = (recipe.width // multiple) * (recipe.height // multiple)
    image_tokens = patches if recipe.init_image is not None else 0
    drawn = patches * len(images)
    return Usage(
        input_tokens=text_tokens + image_tokens,
        input_tokens_details=InputTokens(image_tokens=image_tokens, text_tokens=text_tokens),
        output_tokens=drawn,
        output_tokens_details=OutputTokens(image_tokens=drawn),
        total_tokens=text_tokens + image_tokens + drawn,
    )
