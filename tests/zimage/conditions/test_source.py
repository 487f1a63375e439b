"""A source image in the sampler: diffusers' latents by diffusers' rules, and by ours what a strength promises."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.conditions.images import to_tensor
from zimage.conditions.masks import to_unit_mask
from zimage.conditions.source import Source, mask_to_latents, mask_to_latents_as_diffusers
from zimage.conditions.strength import tail_of_sigmas
from zimage.errors import ConditionError, ConfigError, NotFiniteError
from zimage.outputs import StepEvent
from zimage.scheduler import linear_sigmas
from zimage.utils.helpers import draw_noise

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

SIDE, CELL, PROMPT = 128, 16, "a red fox"
SHAPE = (1, 16, SIDE // CELL, SIDE // CELL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    torch.set_num_threads(1)  # so small a model only waits for more
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


@pytest.fixture(scope="module")
def ours(folder) -> ZImagePipeline:
    return ZImagePipeline.from_local_dir(folder, device="cpu")


@pytest.fixture(scope="module")
def peers(folder) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import ZImageImg2ImgPipeline, ZImageInpaintPipeline, ZImagePipeline

        parts = ZImagePipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32).components
        pipelines = ZImageImg2ImgPipeline(**parts), ZImageInpaintPipeline(**parts)
    for pipeline in pipelines:
        pipeline.set_progress_bar_config(disable=True)
    return pipelines


def photo(seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    return Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def largest(given: Tensor, expected: Tensor) -> float:
    assert given.shape == expected.shape
    return float((given - expected).abs().max())


def as_diffusers(
    ours: ZImagePipeline, strength: float, forwards: int, mask: Tensor | None = None, **more: Any
) -> Tensor:
    generator = seeded()
    clean = ours.encode_image(photo(), generator)  # the posterior is drawn before the noise
    noise = draw_noise(SHAPE, generator, torch.device("cpu"))
    return ours(
        PROMPT, height=SIDE, width=SIDE, sigmas=tail_of_sigmas(linear_sigmas(forwards + 1), strength), latents=noise,
        source=Source(clean, strength or 1.0, mask), output_type="latent", **more,
    ).images  # fmt: skip


@pytest.mark.parametrize("forwards", [4, 8])
@pytest.mark.parametrize("strength", [0.2, 0.5, 0.6, 0.87, 1.0])
def test_image_to_image_gives_diffusers_latents(ours, peers, strength, forwards):
    expected = peers[0](
        PROMPT, image=photo(), strength=strength, num_inference_steps=forwards, guidance_scale=0.0,
        generator=seeded(), output_type="latent",
    ).images  # fmt: skip
    assert largest(as_diffusers(ours, strength, forwards), expected) <= 1e-5


def test_image_to_image_gives_diffusers_latents_at_25_steps(ours, peers):
    """0.56 of 25 is where exact mathematics would begin a step later."""
    expected = peers[0](
        PROMPT, image=photo(), strength=0.56, num_inference_steps=25, guidance_scale=0.0, generator=seeded(),
        output_type="latent",
    ).images  # fmt: skip
    assert largest(as_diffusers(ours, 0.56, 25), expected) <= 1e-5


def test_with_guidance_too(ours, peers):
    arguments = {"guidance_scale": 3.0, "negative_prompt": "blurry"}
    expected = peers[0](
        PROMPT,
        image=photo(),
        strength=0.6,
        num_inference_steps=5,
        generator=seeded(),
        output_type="latent",
        **arguments,
    ).images
    assert largest(as_diffusers(ours, 0.6, 5, **arguments), expected) <= 2e-5


def left_half(value: int = 255) -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    mask.paste(value, (0, 0, SIDE // 2 - 5, SIDE))
    return mask


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_inpainting_gives_diffusers_latents(ours, peers, strength):
    expected = peers[1](
        PROMPT, image=photo(), mask_image=left_half(), strength=strength, num_inference_steps=5, guidance_scale=0.0,
        generator=seeded(), output_type="latent",
    ).images  # fmt: skip
    mask = mask_to_latents_as_diffusers(to_unit_mask(left_half()), CELL)
    assert 0 < float(mask.mean()) < 1
    assert largest(as_diffusers(ours, strength, 5, mask), expected) <= 1e-5


def draw(ours: ZImagePipeline, source: Source | None = None, prompt: Any = PROMPT, **more: Any) -> Tensor:
    arguments = {
        "height": SIDE, "width": SIDE, "num_inference_steps": 9, "generator": seeded(), "output_type": "latent", **more,
    }  # fmt: skip
    return ours(prompt, source=source, **arguments).images


@pytest.fixture(scope="module")
def clean(ours) -> Tensor:
    return ours.encode_image(photo())


@pytest.mark.parametrize("guidance_scale", [0.0, 2.0])
def test_strength_1_is_text_to_image_to_the_bit(ours, clean, guidance_scale):
    plain = draw(ours, guidance_scale=guidance_scale)
    assert torch.equal(draw(ours, Source(clean, 1.0), guidance_scale=guidance_scale), plain)


def test_less_strength_stays_closer_to_the_image(ours, clean):
    distances = [float((draw(ours, Source(clean, percent / 100)) - clean).norm()) for percent in range(4, 101, 8)]
    assert distances == sorted(distances)
    assert len(set(distances)) == len(distances)


def test_steps_that_are_told_are_those_that_are_run(ours, clean):
    forwards: list[int] = []
    hook = ours.transformer.layers[0].register_forward_hook(lambda *_: forwards.append(1))
    events: list[StepEvent] = []
    draw(ours, Source(clean, 0.4), on_step=events.append)
    hook.remove()
    assert [(event.done, event.total) for event in events] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(forwards) == 4


def grey(value: float) -> Tensor:
    return torch.full((1, 1, *SHAPE[2:]), value)


@pytest.mark.parametrize("eighths", [1, 2, 5, 8])
def test_a_grey_everywhere_is_that_strength(ours, clean, eighths):
    value = eighths / 8
    assert largest(draw(ours, Source(clean, 1.0, grey(value))), draw(ours, Source(clean, value))) <= 1e-5


def test_a_darker_grey_changes_less_between_steps_too(ours, clean):
    distances = [float((draw(ours, Source(clean, 0.8, grey(value / 20))) - clean).norm()) for value in range(21)]
    assert distances[0] <= 1e-5
    assert distances == sorted(distances)
    assert len({round(distance, 5) for distance in distances}) == len(distances)


def test_what_a_mask_keeps_are_the_image_s_own_latents(ours, clean):
    mask = mask_to_latents(to_unit_mask(left_half()), CELL)
    events: list[StepEvent] = []
    latents = draw(ours, Source(clean, 1.0, mask), on_step=events.append)
    kept = (mask == 0).expand_as(clean)
    assert torch.equal(latents[kept], clean[kept])
    assert torch.equal(events[0].step.estimate[kept], clean[kept])
    assert float((latents - clean)[~kept].abs().mean()) > 0.1


def test_all_white_is_no_mask(ours, clean):
    assert torch.equal(draw(ours, Source(clean, 0.6, grey(1.0))), draw(ours, Source(clean, 0.6)))


def test_every_latent_that_a_mask_touches_may_change():
    mask = torch.zeros(1, 1, 64, 64)
    mask[0, 0, 17, 31], mask[0, 0, 63, 63] = 1.0, 0.3
    expected = torch.zeros(1, 1, 4, 4)
    expected[0, 0, 1, 1], expected[0, 0, 3, 3] = 1.0, 0.3
    assert torch.equal(mask_to_latents(mask, 16), expected)


def test_images_of_a_batch_do_not_depend_on_each_other(ours):
    prompts, clean = [PROMPT, "a house on a very large hill"], torch.cat([ours.encode_image(photo(n)) for n in (0, 1)])
    masks = torch.cat([grey(0.5), mask_to_latents(to_unit_mask(left_half()), CELL)])
    generators = [seeded(1), seeded(2)]
    together = draw(ours, Source(clean, 0.7, masks), prompts, generator=generators, guidance_scale=2.0)
    for index, prompt in enumerate(prompts):
        source = Source(clean[index : index + 1], 0.7, masks[index : index + 1])
        alone = draw(ours, source, prompt, generator=[seeded(index + 1)], guidance_scale=2.0)
        assert largest(together[index : index + 1], alone) <= 1e-5


def test_one_image_for_several_prompts(ours, clean):
    both = draw(ours, Source(clean, 0.5, grey(0.5)), [PROMPT, PROMPT], generator=[seeded(), seeded()])
    assert largest(both[:1], both[1:]) <= 1e-5


def test_several_images_of_a_prompt_share_the_source(ours, clean):
    source = Source(clean, 0.5, mask_to_latents(to_unit_mask(left_half()), CELL))
    both = draw(ours, source, num_images_per_prompt=2, generator=[seeded(1), seeded(2)])
    for index in (0, 1):
        assert largest(both[index : index + 1], draw(ours, source, generator=[seeded(index + 1)])) <= 1e-5
    kept = (source.mask == 0).expand_as(clean)
    assert torch.equal(both[0][kept[0]], both[1][kept[0]])
    assert not torch.equal(both[0], both[1])


def test_an_image_is_encoded_by_its_mean(ours, clean):
    assert clean.shape == SHAPE
    assert clean.dtype == torch.float32
    assert torch.equal(clean, ours.encode_image(to_tensor(photo())))
    expected = ours.vae.normalise(ours.vae.encode(to_tensor(photo())).mode())
    assert torch.equal(clean, expected)
    assert not torch.equal(clean, ours.encode_image(photo(), seeded()))


def test_images_that_cannot_be_encoded(ours):
    with pytest.raises(ConditionError, match="multiples of 32"):
        ours.encode_image(Image.new("RGB", (40, 64)))
    with pytest.raises(NotFiniteError, match="NaN"):
        ours.encode_image(torch.full((1, 3, 64, 64), float("nan")))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda clean: Source(clean, 0.0), "strength"),
        (lambda clean: Source(clean, 1.2), "strength"),
        (lambda clean: Source(clean, 1.0, torch.ones(1, 1, 4, 4)), "mask must have the shape"),
        (lambda clean: Source(clean[..., :4]), "latents of a source"),
        (lambda clean: Source(clean.repeat(3, 1, 1, 1)), "latents of a source"),
        (lambda clean: Source(clean, 1.0, torch.ones(3, 1, *SHAPE[2:])), "mask of a source"),
    ],
)
def test_sources_that_fit_nothing_are_refused(ours, clean, source, words):
    with pytest.raises(ConfigError, match=words):
        draw(ours, source(clean))
