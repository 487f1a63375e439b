from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from backend.services.errors import NoParameters
from backend.services.images.metadata.foreign import read_parameters
from tests.backend.services.images.keeping import png_that_claims_a_size

A1111 = (
    "a red fox, <b>snow</b>\nsecond line\nNegative prompt: blurry, ugly\n"
    'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12345, Size: 512x768, Model: "a, b: c", Version: v1.10'
)
COMFY = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 42, "steps": 9, "cfg": 1.0, "model": ["11", 0], "positive": ["6", 0], "negative": ["7", 0],
        "latent_image": ["13", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "一只狐狸", "clip": ["30", 0]}},
    "7": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}},
    "11": {"class_type": "ModelSamplingAuraFlow", "inputs": {"shift": 3.0, "model": ["28", 0]}},
    "13": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768, "batch_size": 1}},
    "28": {"class_type": "UNETLoader", "inputs": {"unet_name": "z_image_turbo_bf16.safetensors"}},
}  # fmt: skip
INVOKE = {
    "positive_prompt": "a fox", "negative_prompt": "", "width": 1024, "height": 1024, "steps": 30, "cfg_scale": 7.5,
    "seed": 5, "model": {"name": "SDXL", "key": "x"},
}  # fmt: skip
SWARM = {
    "sui_image_params": {
        "prompt": "a fox", "negativeprompt": "", "model": "Z/turbo", "seed": 7, "steps": 8, "cfgscale": 1.0,
        "width": 1024, "height": 1024,
    }
}  # fmt: skip


def png(**texts: str) -> BytesIO:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    buffer.seek(0)
    return buffer


def read(file: BytesIO) -> tuple[str, dict]:
    result = read_parameters(file)
    return result.source, result.parameters.model_dump(exclude_none=True)


def test_a1111():
    assert read(png(parameters=A1111)) == ("a1111", {
        "prompt": "a red fox, <b>snow</b>\nsecond line", "negative_prompt": "blurry, ugly", "width": 512, "height": 768,
        "num_inference_steps": 20, "seed": 12345, "guidance_scale": 6.0, "model": "a, b: c",
    })  # fmt: skip


def test_comfyui_follows_the_graph():
    source, found = read(png(prompt=json.dumps(COMFY), workflow="{}"))
    assert (source, found) == ("comfyui", {
        "prompt": "一只狐狸", "width": 1024, "height": 768, "num_inference_steps": 9,
        "seed": 42, "guidance_scale": 0.0, "model": "z_image_turbo_bf16.safetensors",
    })  # fmt: skip


def test_a_graph_in_a_circle_ends():
    graph = {**COMFY, "6": {"class_type": "Loop", "inputs": {"conditioning": ["7", 0]}}}
    assert "prompt" not in read(png(prompt=json.dumps(graph)))[1]


def test_invokeai_and_swarmui():
    assert read(png(invokeai_metadata=json.dumps(INVOKE))) == ("invokeai", {
        "prompt": "a fox", "negative_prompt": "", "width": 1024, "height": 1024, "num_inference_steps": 30, "seed": 5,
        "guidance_scale": 6.5, "model": "SDXL",
    })  # fmt: skip
    assert read(png(parameters=json.dumps(SWARM)))[0] == "swarmui"
    assert read(png(parameters=json.dumps(SWARM)))[1]["model"] == "Z/turbo"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_the_comment_of_a_jpeg_or_webp(kind):
    image, buffer = Image.new("RGB", (8, 8)), BytesIO()
    exif = image.getexif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.replace("fox", "狐狸").encode("utf-16-be")
    image.save(buffer, kind, exif=exif)
    buffer.seek(0)

    source, found = read(buffer)
    assert (source, found["seed"]) == ("a1111", 12345)
    assert found["prompt"].startswith("a red 狐狸")


def test_a_seed_that_we_cannot_use_is_left_out():
    assert "seed" not in read(png(parameters=A1111.replace("12345", str(2**64))))[1]


@pytest.mark.parametrize(
    "texts",
    [{}, {"parameters": "no such thing"}, {"parameters": "{"}, {"parameters": "Steps: many, Seed: x"},
     {"prompt": "{}"}, {"prompt": "[]"}, {"prompt": "[" * 20_000}, {"invokeai_metadata": "3"}, {"zimage": "[]"},
     {"parameters": "{\"sui_image_params\": 3}"}],
)  # fmt: skip
def test_nothing_known(texts):
    with pytest.raises(NoParameters):
        read_parameters(png(**texts))


def test_a_picture_too_large_is_not_looked_into():
    with pytest.raises(NoParameters):
        read_parameters(BytesIO(png_that_claims_a_size(60_000, 60_000)))


def test_a_line_of_spaces_within_the_limit_is_searched_once():
    """With a pattern that could take each space for two things, this would run for minutes."""
    with pytest.raises(NoParameters):
        read_parameters(png(parameters="x" + " " * 4000 + "; Steps:"))


def test_the_pixels_of_a_png_are_not_decoded(monkeypatch):
    def load(self: PngImageFile) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(PngImageFile, "load", load)
    file = png(parameters=A1111)
    assert read(file)[0] == "a1111"
