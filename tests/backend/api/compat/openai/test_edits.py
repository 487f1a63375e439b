"""Edits by the package `openai`."""

from __future__ import annotations

import asyncio
import base64
from io import BytesIO

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from tests.backend.fakes import colour_of, make_omni_folder

BOX = (64, 64, 160, 160)


def noise(size: tuple[int, int], seed: int = 1) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def holed(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("RGBA", size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), BOX)
    return mask


def white_on_black(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, BOX)
    return mask


def opaque_white_on_black(size: tuple[int, int]) -> Image.Image:
    return white_on_black(size).convert("RGBA")


@pytest.mark.parametrize("make_mask", [holed, white_on_black, opaque_white_on_black])
def test_outside_the_mask_the_image_is_equal_to_the_byte(real, png, make_mask):
    photo = noise((250, 250))
    answer = real.client().images.edit(
        image=("photo.png", png(photo)),
        mask=("mask.png", png(make_mask(photo.size))),
        prompt="a hat",
        extra_body={"seed": 3, "steps": 4, "feather": 0},
    )
    drawn = np.asarray(Image.open(BytesIO(base64.b64decode(answer.data[0].b64_json))))
    before = np.asarray(photo)
    inside = np.zeros((250, 250), bool)
    inside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    assert drawn.shape == before.shape
    assert np.array_equal(drawn[~inside], before[~inside])
    assert (drawn[inside] != before[inside]).mean() > 0.5
    assert answer.size == "250x250"
    assert answer.usage.input_tokens_details.image_tokens > 0
    assert real.records()[0].door == "openai"


def test_all_of_an_image_is_drawn_over(steady, png):
    photo = noise((256, 320))
    answer = steady.client().images.edit(
        image=png(photo), prompt="a fox", extra_body={"strength": 0.4, "seed": 1}, response_format="url"
    )
    recipe = steady.engine.requests[-1]
    assert (recipe.strength, recipe.mask, recipe.prompt, recipe.seed) == (0.4, None, "a fox", 1)
    assert steady.engine.inputs[-1].image(recipe.init_image).tobytes() == photo.tobytes()
    assert httpx.get(answer.data[0].url).status_code == 200


def test_an_image_of_the_history_can_be_drawn_from_by_its_id(steady):
    client = steady.client()
    client.images.generate(prompt="first", size="256x256")
    first = steady.records()[0]
    extra = {"init_image": {"image_id": first.id}, "strength": 0.5}
    client.images.generate(prompt="second", extra_body=extra)
    assert steady.engine.requests[-1].init_image == first.pixel_hash
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(prompt="third", extra_body={"init_image": {"image_id": "0" * 32}})
    assert caught.value.param == "init_image"


def test_one_image_of_a_list_and_the_jpeg_format(steady, png):
    answer = steady.client().images.edit(image=[png(noise((256, 256)))], prompt="a", output_format="jpeg", n=2)
    assert [Image.open(BytesIO(base64.b64decode(one.b64_json))).format for one in answer.data] == ["JPEG", "JPEG"]


def test_another_size_scales_and_cuts_image_and_mask_alike(steady, png):
    photo = Image.new("RGB", (600, 300), "red")
    photo.paste("blue", (150, 0, 450, 300))
    mask = Image.new("L", (600, 300), 255)
    mask.paste(0, (150, 0, 450, 300))
    mask.paste(255, (280, 140, 320, 160))
    answer = steady.client().images.edit(image=png(photo), mask=png(mask), prompt="a", size="256x256")
    recipe, inputs = steady.engine.requests[-1], steady.engine.inputs[-1]
    assert (answer.size, (recipe.width, recipe.height)) == ("256x256", (256, 256))
    kept, its_mask = inputs.image(recipe.init_image), inputs.image(recipe.mask)
    assert (kept.size, its_mask.size) == ((256, 256), (256, 256))
    assert kept.getpixel((20, 20)) == (0, 0, 255)
    assert (its_mask.getpixel((20, 20)), its_mask.getpixel((128, 128))) == (0, 255)


def test_an_edit_streams_under_its_own_names(steady, png):
    events = list(steady.client().images.edit(image=png(noise((256, 256))), prompt="a", stream=True, partial_images=2))
    assert [event.type for event in events][-2:] == ["image_edit.partial_image", "image_edit.completed"]


def test_the_async_client_edits(steady, png):
    async def draw():
        async with steady.async_client() as client:
            return await client.images.edit(image=png(noise((256, 256))), prompt="a", extra_body={"seed": 8})

    image = Image.open(BytesIO(base64.b64decode(asyncio.run(draw()).data[0].b64_json)))
    assert image.getpixel((0, 0)) == colour_of("a", 8, 1, 1).getpixel((0, 0))


@pytest.mark.parametrize(
    ("values", "param", "words"),
    [
        ({"image": [b"one", b"two"]}, "image", "2 images"),
        ({"image": b"this is no image"}, "image", "no PNG"),
        ({"mask": Image.new("L", (64, 64), 255)}, "mask", "64x64"),
        ({"mask": Image.new("L", (256, 256), 0)}, "mask", "marks nothing"),
        ({"input_fidelity": "high"}, "input_fidelity", "low"),
        ({"markup": Image.new("RGBA", (256, 256))}, "markup", "`mask`"),
        ({"extra_body": {"strength": 2}}, "strength", "1"),
        ({"extra_body": {"init_image": '{"input_id": "x"}'}}, "init_image", "no such field"),
        ({"extra_body": {"loras": [{"name": "nope", "strength": 0.5}]}}, "loras.0.name", "nope"),
        ({"extra_body": {"loras": [{"name": "a"}, {"name": "b", "strength": 0.5}]}}, "loras", "JSON text"),
        ({"extra_body": {"width": 512}}, "width", "`size`"),
        ({"size": "100x100"}, "size", "256x256"),
        ({"background": "transparent"}, "background", "opaque"),
    ],
)
def test_what_cannot_be_is_refused(steady, png, values, param, words):
    values = {name: png(value) if isinstance(value, Image.Image) else value for name, value in values.items()}
    with pytest.raises(openai.BadRequestError) as caught:
        steady.client().images.edit(**{"image": png(noise((256, 256))), "prompt": "a", **values})
    assert caught.value.param == param
    assert words in caught.value.message


def test_an_edit_without_an_image_or_a_form(steady):
    url = f"{steady.url}/v1/images/edits"
    answers = [httpx.post(url, data={"prompt": "a"}), httpx.post(url, json={"prompt": "a"}), httpx.post(url)]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert answers[0].json()["error"]["param"] == "image"
    assert all("multipart/form-data" in answer.json()["error"]["message"] for answer in answers[1:])


def test_objects_come_as_the_package_writes_them(steady, png):
    steady.client().images.edit(
        image=png(noise((256, 256))), prompt="a", extra_body={"outpaint": {"left": 64, "right": 32}}
    )
    outpaint = steady.engine.requests[-1].outpaint
    assert (outpaint.left, outpaint.right) == (64, 32)


def test_an_upload_may_be_larger_than_a_body(steady, png):
    large = png(noise((700, 700)))
    assert len(large) > 2**20
    assert steady.client().images.edit(image=large, prompt="a", size="256x256").data


@pytest.mark.parametrize("name", ["image", "image[]"])
def test_what_open_webui_sends(steady, png, name):
    """Its edits: open-webui@02530d5, routers/images.py."""
    answer = httpx.post(
        f"{steady.url}/v1/images/edits",
        headers={"Authorization": "Bearer none"},
        data={"model": "gpt-image-1.5", "prompt": "a cat", "n": "1", "size": "256x256"},
        files=[(name, ("image.png", png(noise((256, 256))), "image/png"))],
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"][0]["b64_json"]


def test_a_model_of_the_omni_variant_draws_from_several_images(live, png):
    make_omni_folder(live.services.settings.base_dir / "Z-Image" / "ckpts" / "omni")
    photos = [noise((96, 64), seed) for seed in (1, 2)]
    live.client().images.edit(
        image=[png(photo) for photo in photos], prompt="both", model="omni", size="256x256", extra_body={"steps": 3}
    )
    recipe = live.engine.requests[-1]
    assert (recipe.model, recipe.width, recipe.height, recipe.init_image) == ("omni", 256, 256, None)
    kept = [live.engine.inputs[-1].image(input_id) for input_id in recipe.references]
    assert [image.tobytes() for image in kept] == [photo.tobytes() for photo in photos]


def test_it_takes_no_mask_and_no_more_than_eight(live, png):
    make_omni_folder(live.services.settings.base_dir / "Z-Image" / "ckpts" / "omni")
    photo = png(noise((64, 64)))
    for sent, param in (({"image": photo, "mask": photo}, "mask"), ({"image": [photo] * 9}, "image")):
        with pytest.raises(openai.BadRequestError) as caught:
            live.client().images.edit(prompt="a", model="omni", **sent)
        assert caught.value.param == param
