"""Images of a request, kept as inputs in the size that they are drawn at."""

from __future__ import annotations

from PIL import Image

from backend.api.compat.a1111.wire import Img2ImgRequest
from backend.api.compat.values import decode_image, nearest_side
from backend.models.edit import FromInput
from backend.models.schemas import MAX_SIDE_PX, MIN_SIDE_PX
from backend.services.errors import InputRefused
from backend.services.images.fitting import Fit, fit_image, grey_mask
from backend.services.images.inputs import Input, InputStore

_FITS: dict[int, Fit] = {0: "stretch", 1: "crop", 2: "fill", 3: "stretch"}


def keep_sources(body: Img2ImgRequest, inputs: InputStore) -> dict[str, object]:
    """Keeps the image and the mask; returns the fields of our request that name them.

    Where all of the image is drawn, both are brought to the size asked for; where only the mask is, the image stays,
    and the size is that of what is drawn.

    Raises:
        InputRefused: there is not one image, or it is none in base64.
        UnreadableImage: it cannot be decoded.
    """
    if len(body.init_images) != 1:
        raise InputRefused("init_images", f"This draws from one image; you sent {len(body.init_images)}.")
    is_part = bool(body.mask) and body.inpaint_full_res
    image = _keep(body, body.init_images[0], "init_images", inputs, None if is_part else _wanted_size(body))
    sources: dict[str, object] = {"init_image": FromInput(input_id=image.id)}
    if body.mask:
        mask = _keep(body, body.mask, "mask", inputs, (image.width, image.height))
        sources["mask"] = FromInput(input_id=mask.id)
    return sources


def _wanted_size(body: Img2ImgRequest) -> tuple[int, int] | None:
    """Returns the size of the result, if both sides are told and allowed; else the request is about to be refused."""
    if body.width is None or body.height is None:
        return None
    size = nearest_side(body.width), nearest_side(body.height)
    return size if all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in size) else None


def _keep(body: Img2ImgRequest, text: str, field: str, inputs: InputStore, size: tuple[int, int] | None) -> Input:
    def change(image: Image.Image) -> Image.Image:
        if field == "mask":
            image = grey_mask(image, inverted=bool(body.inpainting_mask_invert))
        return image if size is None else fit_image(image, size, _FITS[body.resize_mode])

    return inputs.add(decode_image(text, field), change)[0]
