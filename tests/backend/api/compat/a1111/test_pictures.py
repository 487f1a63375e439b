from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from backend.api.compat.a1111.pictures import keep_sources
from backend.api.compat.a1111.wire import Img2ImgRequest
from backend.services.errors import InputRefused, UnreadableImage


def text_of(image: Image.Image) -> str:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


IMAGE = text_of(Image.new("RGB", (320, 200), "blue"))
MASK = text_of(Image.new("L", (160, 100), 255))


def kept(services, **values):
    body = Img2ImgRequest.model_validate({"init_images": [IMAGE], **values})
    sources = keep_sources(body, services.inputs)
    return {name: services.inputs.read(source.input_id) for name, source in sources.items()}


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_the_image_gets_the_size_asked_for(services, mode):
    assert kept(services, width=512, height=600, resize_mode=mode)["init_image"].size == (512, 608)


@pytest.mark.parametrize("size", [{}, {"width": 512}, {"width": 64, "height": 64}])
def test_without_a_size_that_can_be_it_keeps_its_own(services, size):
    assert kept(services, **size)["init_image"].size == (320, 200)


def test_a_mask_lies_on_the_image_and_only_where_it_counts_the_image_is_left_alone(services):
    size = {"width": 512, "height": 512}
    whole = kept(services, mask=MASK, inpaint_full_res=False, **size)
    assert whole["init_image"].size == whole["mask"].size == (512, 512)
    part = kept(services, mask=MASK, inpaint_full_res=True, **size)
    assert part["init_image"].size == part["mask"].size == (320, 200)
    assert part["mask"].mode == "L"


def test_there_is_one_image_and_it_can_be_read(services):
    for images in ([], [IMAGE, IMAGE]):
        with pytest.raises(InputRefused) as raised:
            kept(services, init_images=images)
        assert raised.value.field == "init_images"
    with pytest.raises(UnreadableImage):
        kept(services, init_images=[base64.b64encode(b"text").decode()])
