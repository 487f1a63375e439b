"""The whole way from prompt to picture: diffusers' pictures, and what diffusers does not have."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.errors import NotFiniteError
from zimage.outputs import StepEvent
from zimage.sampling import Guidance
from zimage.scheduler import linear_sigmas
from zimage.tiling import Tiles
from zimage.utils.attention import AttentionUnavailable

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

SIDE = 128
PROMPT = "a red fox, 一只红色的狐狸"
LONG = "a picture of a very small house on a very large hill under a very blue sky, with a fence around it"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


@pytest.fixture(scope="module")
def ours(folder) -> ZImagePipeline:
    return ZImagePipeline.from_local_dir(folder, device="cpu")


def open_peer(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import ZImagePipeline as Peer

        peer = Peer.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    peer.set_progress_bar_config(disable=True)
    return peer


@pytest.fixture(scope="module")
def peer(folder) -> Any:
    return open_peer(folder)


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def draw(pipeline: ZImagePipeline, prompt: Any = PROMPT, seeds: tuple[int, ...] = (1,), **more: Any) -> np.ndarray:
    arguments = {"height": SIDE, "width": SIDE, "num_inference_steps": 4, "generator": seeded(*seeds), **more}
    return np.stack([np.asarray(image).astype(int) for image in pipeline(prompt, **arguments).images])


def draw_peer(peer: Any, prompt: Any = PROMPT, seeds: tuple[int, ...] = (1,), **more: Any) -> np.ndarray:
    arguments = {"height": SIDE, "width": SIDE, "guidance_scale": 0.0, **more}
    steps = arguments.pop("num_inference_steps", 4)
    prompt = list(prompt) if isinstance(prompt, list) else prompt  # it writes into the list
    images = peer(prompt, sigmas=linear_sigmas(steps), generator=seeded(*seeds), **arguments).images
    return np.stack([np.asarray(image).astype(int) for image in images])


OPTIONS: dict[str, dict[str, Any]] = {
    "turbo": {},
    "one step": {"num_inference_steps": 1},
    "nine steps": {"num_inference_steps": 9},
    "not square": {"width": 192},
    "guidance": {"guidance_scale": 4.0},
    "negative prompt": {"guidance_scale": 2.5, "negative_prompt": "blurry"},
    "ragged negative prompt": {"guidance_scale": 2.5, "negative_prompt": LONG},
    "truncation": {"guidance_scale": 4.0, "cfg_truncation": 0.3},
    "truncated from the start": {"guidance_scale": 4.0, "cfg_truncation": 0.0},
    "normalisation": {"guidance_scale": 6.0, "cfg_normalization": 1.0},
    "normalisation by yes": {"guidance_scale": 6.0, "cfg_normalization": True},
    "several prompts": {"prompt": [PROMPT, LONG], "seeds": (1, 2)},
    "several prompts with guidance": {
        "prompt": [PROMPT, LONG], "seeds": (1, 2), "guidance_scale": 3.0, "negative_prompt": ["grey", "dull"],
    },
    "several pictures": {"num_images_per_prompt": 2, "seeds": (1, 2)},
    "several of each": {"prompt": [PROMPT, LONG], "num_images_per_prompt": 2, "seeds": (1, 2, 3, 4)},
    "short of tokens": {"prompt": LONG, "max_sequence_length": 20},
}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option_gives_the_picture_of_diffusers(ours, peer, options):
    given, expected = draw(ours, **options), draw_peer(peer, **options)
    assert given.shape == expected.shape
    assert np.abs(given - expected).max() <= 1
    assert given.std() > 1


NANO_OPTIONS: dict[str, dict[str, Any]] = {
    "turbo": {"num_inference_steps": 9},
    "guidance": {"guidance_scale": 2.0},
    "negative prompt": {"guidance_scale": 2.0, "negative_prompt": "blue"},
    "truncation": {"guidance_scale": 3.0, "cfg_truncation": 0.3},
    "normalisation": {"guidance_scale": 4.0, "cfg_normalization": 1.0},
}


@pytest.fixture(scope="module")
def nano_and_peer(repository_root) -> tuple[ZImagePipeline, Any]:
    folder = repository_root / "Z-Image" / "ckpts" / "zimage-nano"
    return ZImagePipeline.from_local_dir(folder, device="cpu"), open_peer(folder)


@pytest.mark.parametrize("options", NANO_OPTIONS.values(), ids=NANO_OPTIONS)
def test_the_embedded_model_gives_the_picture_of_diffusers(nano_and_peer, options):
    size = {"height": 256, "width": 256, "num_inference_steps": 3, **options}
    given, expected = draw(nano_and_peer[0], "a red fox", **size), draw_peer(nano_and_peer[1], "a red fox", **size)
    assert np.abs(given - expected).max() <= 1
    assert given.std() > 1


def test_embeds_are_as_good_as_prompts(ours):
    features = ours.text_encoder.encode([PROMPT, ""])
    with_embeds = draw(ours, None, prompt_embeds=features[:1], negative_prompt_embeds=features[1:], guidance_scale=3.0)
    assert np.array_equal(with_embeds, draw(ours, guidance_scale=3.0))


def test_one_generator_draws_for_the_whole_batch_as_in_diffusers(ours, peer):
    arguments = {"height": SIDE, "width": SIDE, "guidance_scale": 0.0, "output_type": "latent"}
    given = ours([PROMPT, "x"], num_inference_steps=2, generator=torch.Generator().manual_seed(3), **arguments).images
    expected = peer(
        [PROMPT, "x"], sigmas=linear_sigmas(2), generator=torch.Generator().manual_seed(3), **arguments
    ).images
    assert float((given - expected).abs().max()) <= 1e-4


def test_a_ragged_batch_equals_its_singles(ours):
    prompts = ["x", PROMPT, LONG]
    arguments = {
        "guidance_scale": 3.0,
        "output_type": "latent",
        "height": SIDE,
        "width": SIDE,
        "num_inference_steps": 4,
    }
    together = ours(prompts, generator=seeded(1, 2, 3), **arguments).images
    for index, prompt in enumerate(prompts):
        alone = ours(prompt, generator=seeded(index + 1), **arguments).images
        assert float((together[index] - alone[0]).abs().max()) <= 1e-5


def test_the_same_seed_is_the_same_picture_and_another_one_is_not(ours):
    first = draw(ours, seeds=(5,))
    assert np.array_equal(first, draw(ours, seeds=(5,)))
    assert not np.array_equal(first, draw(ours, seeds=(6,)))


def test_the_autoencoder_works_in_tiles_when_told_so(folder, ours, monkeypatch):
    seen: list[tuple[int, ...]] = []
    tiled = ZImagePipeline.from_local_dir(folder, device="cpu", vae_tiles=Tiles(4, 1))
    decode = tiled.vae._decode
    monkeypatch.setattr(tiled.vae, "_decode", lambda tile: (seen.append(tuple(tile.shape[-2:])), decode(tile))[1])
    assert draw(tiled, num_inference_steps=2).shape == draw(ours, num_inference_steps=2).shape
    assert set(seen) == {(4, 4)}


def test_given_latents_are_denoised_and_decode_to_the_image(ours):
    noise = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    latents = ours(PROMPT, height=SIDE, width=SIDE, latents=noise, output_type="latent", num_inference_steps=3).images
    assert latents.shape == noise.shape
    assert not torch.equal(latents, noise)
    picture = ours(PROMPT, height=SIDE, width=SIDE, latents=noise, num_inference_steps=3, output_type="pt").images
    assert torch.equal(ours.decode(latents), picture)


def test_output_types_show_the_same_picture(ours):
    def output(kind: str) -> Any:
        return ours(
            PROMPT, height=SIDE, width=SIDE, generator=seeded(1), output_type=kind, num_inference_steps=2
        ).images

    tensor, array, [picture] = output("pt"), output("np"), output("pil")
    assert (tensor.shape, array.shape, picture.size) == ((1, 3, SIDE, SIDE), (1, SIDE, SIDE, 3), (SIDE, SIDE))
    assert np.array_equal(array, tensor.permute(0, 2, 3, 1).numpy())
    assert np.array_equal(np.asarray(picture), (array[0] * 255).round().astype(np.uint8))


@pytest.mark.parametrize("kind", ["pt", "np", "latent"])
def test_latents_embeds_and_arrays_are_those_of_diffusers(ours, peer, kind):
    noise = torch.randn(1, 16, 8, 12, generator=torch.Generator().manual_seed(0))
    features = ours.text_encoder.encode([PROMPT])
    arguments = {
        "height": SIDE, "width": 192, "prompt_embeds": features, "guidance_scale": 0.0, "output_type": kind,
        "sigmas": linear_sigmas(3),
    }  # fmt: skip
    given = ours(latents=noise, **arguments).images
    expected = peer(latents=noise.clone(), **arguments).images
    assert given.shape == expected.shape
    assert float(abs(given - expected).max()) <= 1e-4


@pytest.mark.parametrize("width", [SIDE, 320], ids=["square", "not square"])
def test_a_shift_by_the_number_of_tokens_gives_the_picture_of_diffusers(folder, tmp_path, width):
    dynamic = Path(shutil.copytree(folder, tmp_path / "dynamic"))
    file = dynamic / "scheduler" / "scheduler_config.json"
    changes = {"use_dynamic_shifting": True, "base_image_seq_len": 8, "max_image_seq_len": 64}
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    def latents(pipeline: Any) -> torch.Tensor:
        return pipeline(
            PROMPT, height=SIDE, width=width, guidance_scale=0.0, sigmas=linear_sigmas(4), generator=seeded(1),
            output_type="latent",
        ).images  # fmt: skip

    given = latents(ZImagePipeline.from_local_dir(dynamic, device="cpu"))
    assert float((given - latents(open_peer(dynamic))).abs().max()) <= 1e-4


def test_steps_are_told_with_previews(ours):
    events: list[StepEvent] = []
    previews: list[Any] = []

    def watch(event: StepEvent) -> None:
        events.append(event)
        previews.append(event.preview()[0])

    latents = ours(
        PROMPT, height=SIDE, width=SIDE, num_inference_steps=5, generator=seeded(1), on_step=watch,
        output_type="latent",
    ).images  # fmt: skip

    assert [(event.done, event.total) for event in events] == [(step, 4) for step in range(1, 5)]
    assert events[0].step.sigma == 1
    assert events[-1].step.next_sigma == 0
    assert torch.equal(events[-1].step.latents, latents)
    assert torch.allclose(events[-1].step.estimate, latents, atol=1e-5)
    assert {preview.size for preview in previews} == {(SIDE, SIDE)}
    assert len({preview.tobytes() for preview in previews}) == 4


@pytest.mark.parametrize(("rows", "columns", "size"), [(64, 48, (24, 32)), (2, 66, (32, 1))], ids=["page", "strip"])
def test_previews_of_large_pictures_are_small(ours, rows, columns, size):
    small = ours._draw_small(torch.randn(1, 16, rows, columns, generator=torch.Generator().manual_seed(0)))
    assert small[0].size == (size[0] * 16, size[1] * 16)


def test_a_preview_that_fails_does_not_end_the_generation(ours, monkeypatch):
    previews: list[Any] = []
    decode = ours.vae.decode

    def fail_once(*arguments: Any) -> Any:
        monkeypatch.setattr(ours.vae, "decode", decode)
        raise torch.OutOfMemoryError("no memory for a look")

    monkeypatch.setattr(ours.vae, "decode", fail_once)
    picture = draw(ours, num_inference_steps=2, on_step=lambda event: previews.append(event.preview()))
    assert previews == [[]]
    assert np.array_equal(picture, draw(ours, num_inference_steps=2))


def test_a_callback_that_raises_ends_it_before_the_decode(ours, monkeypatch):
    class Cancelled(Exception):
        pass

    before, decodes, forwards = draw(ours), [], []
    monkeypatch.setattr(ours.vae, "_decode", lambda *_: decodes.append(1))
    hook = ours.transformer.t_embedder.register_forward_hook(lambda *_: forwards.append(1))

    def cancel(event: StepEvent) -> None:
        if event.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        draw(ours, on_step=cancel)
    hook.remove()
    monkeypatch.undo()

    assert decodes == []
    assert forwards == [1]  # all times at once
    assert np.array_equal(before, draw(ours))


def test_captions_and_times_are_computed_once_a_picture(ours):
    calls: list[str] = []
    modules = {"caption": ours.transformer.cap_embedder, "time": ours.transformer.t_embedder}
    hooks = [module.register_forward_hook(lambda *_, name=name: calls.append(name)) for name, module in modules.items()]
    draw(ours, num_inference_steps=9)
    for hook in hooks:
        hook.remove()
    assert sorted(calls) == ["caption", "time"]


@pytest.mark.parametrize("tensor", ["transformer.x_pad_token", "vae.decoder.conv_out.bias"])
def test_nan_is_no_picture(folder, tensor):
    pipeline = ZImagePipeline.from_local_dir(folder, device="cpu")
    part, name = tensor.split(".", 1)
    getattr(pipeline, part).get_parameter(name).data.fill_(float("nan"))
    with pytest.raises(NotFiniteError, match="NaN"):
        pipeline(PROMPT, height=SIDE, width=160, num_inference_steps=2)  # 20 tokens, so that there are pads


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"height": 130}, "height"),
        ({"width": 16400}, "width"),
        ({"height": 48}, "multiple of 32"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"guidance_scale": -1.0}, "guidance_scale"),
        ({"prompt": None}, "prompts or their embeds"),
        ({"prompt": []}, "no prompt"),
        ({"prompt": "x", "prompt_embeds": [torch.zeros(1, 32)]}, "not both"),
        ({"guidance_scale": 2.0, "negative_prompt": ["a", "b"]}, "as many negative"),
        ({"latents": torch.zeros(1, 16, 4, 4)}, "shape"),
        ({"generator": seeded(1, 2)}, "as many generators"),
        ({"sigmas": [0.5, 0.9]}, "must fall"),
        ({"sigmas": []}, "must fall"),
        ({"output_type": "jpeg", "on_step": pytest.fail}, "pil, np, pt, latent"),
        ({"max_sequence_length": 513}, "max_sequence_length"),
    ],
)
def test_invalid_arguments_are_refused(ours, arguments, words):
    with pytest.raises(ValueError, match=words):
        ours(**{"prompt": PROMPT, "height": SIDE, "width": SIDE, **arguments})


def test_bfloat16_is_close_to_float32(folder, ours):
    half = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.bfloat16)
    difference = np.abs(draw(half, num_inference_steps=2) - draw(ours, num_inference_steps=2))
    assert difference.mean() < 4


def test_the_kernel_comes_from_the_environment(folder, ours, monkeypatch):
    monkeypatch.setenv("ZIMAGE_ATTENTION", "math")
    assert np.abs(draw(ZImagePipeline.from_local_dir(folder, device="cpu")) - draw(ours)).max() <= 1
    monkeypatch.setenv("ZIMAGE_ATTENTION", "warp")
    with pytest.raises(AttentionUnavailable, match="warp"):
        ZImagePipeline.from_local_dir(folder, device="cpu")


def test_guidance_shortens_what_is_too_long_item_by_item():
    positive = torch.stack([torch.full((1, 2, 2), 1.0), torch.full((1, 2, 2), 1.0)])
    negative = torch.stack([torch.full((1, 2, 2), 1.0), torch.full((1, 2, 2), -1.0)])
    guided = Guidance(scale=2.0, normalisation=1.5).apply(positive, negative)
    assert guided[0].unique().tolist() == [1.0]
    assert guided[1].unique().tolist() == [1.5]


def test_a_warm_up_is_reported(ours, caplog):
    with caplog.at_level("INFO"):
        assert ours.warm_up(SIDE, SIDE) > 0
    assert f"warm-up at {SIDE}×{SIDE}" in caplog.text


@pytest.mark.slow
def test_a_compiled_block_gives_the_same_picture_and_can_be_given_up(folder, ours):
    pipeline = ZImagePipeline.from_local_dir(folder, device="cpu")
    pipeline.compile(backend="eager")  # what is traced is run, without a compiler: a graph that breaks is an error
    expected = draw(ours, guidance_scale=3.0)
    assert np.abs(draw(pipeline, guidance_scale=3.0) - expected).max() <= 1
    pipeline.uncompile()
    assert np.array_equal(draw(pipeline, guidance_scale=3.0), expected)
