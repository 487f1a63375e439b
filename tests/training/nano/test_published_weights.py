"""The committed weights: whole, small, deterministic, and the same thing in both languages."""

import json
import logging

import pytest
import torch
from diffusers import ZImagePipeline
from safetensors import safe_open
from torch.nn.functional import avg_pool2d
from training.nano.folder import load_folder
from training.nano.layout import (
    TextSizes,
    TransformerSizes,
    VaeSizes,
    build_text_encoder,
    build_transformer,
    build_vae,
)
from training.nano.sampling import draw

LIMIT_BYTES = 48_500_000
# Of transformers and diffusers themselves, not of ours.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def folder(request):
    path = request.config.rootpath / "Z-Image" / "ckpts" / "zimage-nano"
    if not (path / "README.md").exists():
        pytest.skip("the trained weights are not here")
    return path


@pytest.fixture(scope="module")
def parts(folder):
    return load_folder(folder)


def shapes(path):
    with safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def test_loads_without_a_warning_about_keys(folder, caplog):
    with caplog.at_level(logging.WARNING):
        ZImagePipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    assert not [record.message for record in caplog.records if "key" in record.message.lower()]


def test_tensor_sizes_match_their_configurations(folder, parts):
    built = {
        "vae/diffusion_pytorch_model": build_vae(VaeSizes()),
        "transformer/diffusion_pytorch_model": build_transformer(TransformerSizes(), TextSizes().hidden),
        "text_encoder/model": build_text_encoder(TextSizes(), parts.text_encoder.config.vocab_size),
    }
    for name, module in built.items():
        expected = {key: tuple(value.shape) for key, value in module.state_dict().items()}
        assert shapes(folder / f"{name}.safetensors") == expected
    assert parts.text_encoder.config.vocab_size == len(parts.tokenizer)


def test_everything_together_is_small(folder):
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= LIMIT_BYTES


def test_the_catalogue_facts_are_those_of_the_model(folder):
    entry = json.loads((folder / "zimage.json").read_text("utf-8"))
    assert entry["name"] == "zimage-nano"
    assert entry["size_multiple"] == 32


def test_attribution_stands_beside_the_weights(folder):
    assert "Microsoft" in (folder / "LICENSE-fluent-emoji").read_text("utf-8")
    assert "Miles Johnson" in (folder / "LICENSE-emojibase").read_text("utf-8")
    assert (folder / "contact-sheet.webp").stat().st_size < 600_000


def test_the_same_seed_gives_the_same_picture(parts):
    first, again, other = (draw(parts, ["fox"], [seed], 256, 256) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_both_languages_give_the_same_thing(parts):
    prompts = ["a fox on a blue background", "狐狸，蓝色背景", "a pizza on a blue background", "披萨，蓝色背景"]
    fox_en, fox_zh, pizza_en, pizza_zh = draw(parts, prompts, [1, 1, 1, 1], 256, 256)

    assert distance(fox_en, fox_zh) < distance(fox_en, pizza_zh)
    assert distance(pizza_en, pizza_zh) < distance(pizza_en, fox_zh)


def distance(some, other):
    """Of two pictures at an eighth of their size, where details do not count."""
    return float((avg_pool2d(some, 8) - avg_pool2d(other, 8)).square().mean())


PHRASED = {
    "a nice fox, thanks": "a fox",
    "cute red apple on wooden table": "red apple",
    "a cinematic portrait of a cat, 4k, highly detailed": "a cat",
    "a photo of a fox in the forest": "a fox",
    "一只可爱的猫坐在窗边": "a cat",
    "请帮我画一张企鹅的高清图片": "penguin",
    "asdf zxcv": "thinking face",
}


def test_whatever_the_words_the_thing_is_that_of_its_label(parts):
    phrased = draw(parts, list(PHRASED), [1] * len(PHRASED), 256, 256)
    plain = draw(parts, list(PHRASED.values()), [1] * len(PHRASED), 256, 256)
    [other] = draw(parts, ["pizza"], [1], 256, 256)
    for prompt, one, label in zip(PHRASED, phrased, plain, strict=True):
        assert distance(one, label) < 0.25 * distance(label, other), prompt


@pytest.mark.parametrize(("prompt", "strong"), [("a blue apple", 2), ("a green fox", 1), ("一个红色的火箭", 0)])
def test_things_have_the_colour_that_is_asked_for(parts, prompt, strong):
    [picture] = draw(parts, [prompt], [1], 256, 256)
    shares = picture[:, 96:160, 96:160].mean((1, 2))
    assert int(shares.argmax()) == strong


def test_the_background_is_not_the_thing_s_colour(parts):
    [picture] = draw(parts, ["a blue apple on a pink background"], [1], 256, 256)
    corner, middle = picture[:, 4:20, 4:20].mean((1, 2)), picture[:, 112:144, 112:144].mean((1, 2))
    assert int(corner.argmax()) == 0
    assert int(middle.argmax()) == 2
