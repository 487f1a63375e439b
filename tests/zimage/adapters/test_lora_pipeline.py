"""Pictures of a pipeline with LoRAs: streamed, quantised, out of GGUF files, under ControlNets and at some steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from training.nano.layout import (
    TextSizes,
    TransformerSizes,
    build_text_encoder,
    build_transformer,
    build_vae,
    save_folder,
)
from training.nano.random_weights import TINY_VAE
from training.nano.text.tokenizer import build_tokenizer, byte_vocabulary
from zimage import ZImagePipeline
from zimage.adapters.control_kinds import KINDS
from zimage.adapters.controlnet import ControlNet
from zimage.adapters.controls import Control
from zimage.adapters.lora import ActiveLora
from zimage.errors import LoraError
from zimage.residency.levels import Residency
from zimage.weights.checkpoint import open_checkpoint

from tests.zimage.lora_files import DIALECTS, patched, save
from tests.zimage.quantized_files import write_gguf

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

ASK = {"height": 64, "width": 64, "num_inference_steps": 5, "output_type": "latent"}
NO_BLOCK = Residency(resident_blocks=0, text_encoder="streamed", vae="out")
KINDS_OF_CHANGE = ("kohya, all layers", "PEFT DoRA", "LyCORIS LoHa", "differences")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A model of random weights with a few layers."""
    path = tmp_path_factory.mktemp("models") / "small"
    text = TextSizes(hidden=32, intermediate=64, layers=3, heads=1)
    tokenizer = build_tokenizer(byte_vocabulary(), [])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformer = build_transformer(TransformerSizes(dim=64, layers=3, refiner_layers=1), text.hidden)
        save_folder(path, build_vae(TINY_VAE), build_text_encoder(text, len(tokenizer)), tokenizer, transformer.eval())
    return path


@pytest.fixture(scope="module")
def weights(small) -> dict[str, Tensor]:
    [file] = (small / "transformer").glob("*.safetensors")
    return {name: value.float() for name, value in load_file(file).items()}


@pytest.fixture(scope="module")
def files(weights, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("loras")
    return {
        name: save(folder / f"{index}.safetensors", DIALECTS[name](weights))
        for index, name in enumerate(KINDS_OF_CHANGE)
    }


def open_model(folder: Path, quantization: str | None = None, **more: Any) -> ZImagePipeline:
    values = {"device": "cpu", "dtype": torch.float32, "compute_dtype": "float32", **more}
    return ZImagePipeline.from_local_dir(folder, quantization=quantization, **values)


def draw(pipeline: ZImagePipeline, **more: Any) -> Tensor:
    prompt = None if "prompt_embeds" in more else "a red fox"
    images = pipeline(prompt, generator=torch.Generator().manual_seed(1), **{**ASK, **more}).images
    assert isinstance(images, Tensor)
    return images


def set_all(pipeline: ZImagePipeline, files: dict[str, Path], **span: float) -> None:
    pipeline.set_loras([ActiveLora(pipeline.load_lora(file), 0.4, **span) for file in files.values()])


def test_the_picture_is_that_of_patched_weights_and_leaves_none(small, weights, files, tmp_path):
    pipeline = open_model(small)
    plain = draw(pipeline)
    for name, file in files.items():
        pipeline.set_loras([ActiveLora(pipeline.load_lora(file), 0.8)])
        given = draw(pipeline)
        path = tmp_path / f"{file.stem}.safetensors"
        save_file(patched(weights, DIALECTS[name](weights).changes, 0.8), path)
        other = open_model(small)
        other.replace_transformer(path, 3.0)
        wanted = draw(other)
        assert float((wanted - plain).abs().max()) > 0.02
        assert float((given - wanted).abs().max()) <= 2e-5
    pipeline.set_loras([])
    assert torch.equal(draw(pipeline), plain)


@pytest.mark.parametrize("span", [{}, {"end": 0.5}, {"start": 0.5}], ids=str)
@pytest.mark.parametrize("quantization", [None, "int8", "fp8"])
def test_streamed_weights_draw_the_same_to_the_last_bit(small, files, quantization, span):
    resident, away = open_model(small, quantization), open_model(small, quantization, residency=NO_BLOCK)
    plain = draw(resident)
    for pipeline in (resident, away):
        set_all(pipeline, files, **span)
    given = draw(resident)
    assert float((given - plain).abs().max()) > 0.02
    assert torch.equal(draw(away), given)
    away.set_loras([])
    assert torch.equal(draw(away), plain)


def test_streamed_weights_are_fused_into_and_come_back(small, files):
    pipeline = open_model(small, residency=NO_BLOCK)
    plain = draw(pipeline)
    set_all(pipeline, files)
    beside = draw(pipeline)
    pipeline.fuse_loras()
    assert float((draw(pipeline) - beside).abs().max()) <= 2e-5
    pipeline.unfuse_loras()
    assert torch.equal(draw(pipeline), beside)
    pipeline.fuse_loras()
    pipeline.set_loras([])
    assert torch.equal(draw(pipeline), plain)


@pytest.mark.parametrize("kind", [gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0])
def test_weights_in_blocks_draw_as_their_decoded_ones(small, weights, files, tmp_path, kind):
    entries = {
        name: (tuple(value.shape), int(kind), gguf.quants.quantize(value.numpy(), kind).tobytes())
        if ".attention.to_" in name or ".w1." in name
        else (tuple(value.shape), 0, value.numpy().tobytes())
        for name, value in weights.items()
    }
    file = write_gguf(tmp_path / "transformer.gguf", entries)
    decoded = {name: stored.read(torch.float32) for name, stored in open_checkpoint(file).items()}
    save_file(decoded, tmp_path / "decoded.safetensors")
    pictures = []
    for path, quantization in ((file, "gguf"), (tmp_path / "decoded.safetensors", None)):
        pipeline = ZImagePipeline.from_files(
            path, small / "text_encoder", small / "vae", tokenizer=small / "tokenizer", device="cpu",
            dtype=torch.float32, quantization=quantization,
        )  # fmt: skip
        set_all(pipeline, files)
        pictures.append(draw(pipeline, prompt_embeds=[torch.linspace(-1, 1, 20 * 32).view(20, 32)]))
    assert float((pictures[0] - pictures[1]).abs().max()) <= 2e-5


def test_steps_of_a_span_are_those_of_the_model_with_it(small, files):
    """Step by step: a picture that is begun with a LoRA and ended without one is the second model's from there."""
    pipeline = open_model(small)
    seen: list[Tensor] = []
    more = {"guidance_scale": 1.5, "negative_prompt": "blurry"}

    def on_step(event: Any) -> None:
        seen.append(event.step.latents.clone())

    set_all(pipeline, files, end=0.5)
    given = draw(pipeline, on_step=on_step, **more)
    set_all(pipeline, files)
    whole: list[Tensor] = []
    draw(pipeline, on_step=lambda event: whole.append(event.step.latents.clone()), **more)
    assert torch.equal(seen[0], whole[0])
    assert torch.equal(seen[1], whole[1])
    assert not torch.equal(seen[2], whole[2])

    pipeline.set_loras([])
    levels = [1.0, 0.75, 0.5, 0.25]  # unshifted; the rest of the schedule, from where the span ends
    wanted = draw(pipeline, latents=seen[1], sigmas=levels[2:], **more)
    assert float((given - wanted).abs().max()) <= 1e-5


def test_what_is_computed_once_is_computed_anew_only_where_others_begin_to_act(small, files):
    pipeline = open_model(small)
    calls: list[int] = []
    pipeline.transformer.cap_embedder.register_forward_hook(lambda *_: calls.append(1))
    draw(pipeline)
    assert len(calls) == 1
    set_all(pipeline, files)
    draw(pipeline)
    assert len(calls) == 2
    set_all(pipeline, files, start=0.5)
    draw(pipeline)
    assert len(calls) == 4
    draw(pipeline)
    assert len(calls) == 6


def test_a_callback_that_ends_it_leaves_the_model_as_it_was(small, files):
    pipeline = open_model(small)
    plain = draw(pipeline)
    set_all(pipeline, files, end=0.75)

    def stop(_event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(pipeline, on_step=stop)
    pipeline.set_loras([])
    assert torch.equal(draw(pipeline), plain)


def test_controls_go_on_beside_them(small, weights, files, tmp_path):
    pipeline = open_model(small)
    kind = next(kind for kind in KINDS if kind.name == "v1")
    torch.manual_seed(3)
    net = ControlNet(kind, pipeline.transformer.config).eval().requires_grad_(requires_grad=False)
    for parameter in net.parameters():
        parameter.normal_(std=parameter.shape[-1] ** -0.5)
    channels = pipeline.transformer.config.in_channels
    rows = ASK["height"] // pipeline.vae.config.size_multiple
    control = Control(net, torch.randn(channels, rows, rows), scale=0.5, end=0.75)
    name = "kohya, all layers"
    pipeline.set_loras([ActiveLora(pipeline.load_lora(files[name]), 0.8)])
    given = draw(pipeline, controls=[control])
    uncontrolled = draw(pipeline)
    pipeline.set_loras([])
    state = pipeline.transformer.state_dict()
    pipeline.transformer.load_state_dict(patched(state, DIALECTS[name](weights).changes, 0.8))
    wanted = draw(pipeline, controls=[control])
    assert float((wanted - uncontrolled).abs().max()) > 0.02
    assert float((given - wanted).abs().max()) <= 2e-5


def test_another_transformer_drops_them_and_theirs_do_not_fit_it(small, files):
    pipeline = open_model(small)
    plain = draw(pipeline)
    lora = pipeline.load_lora(next(iter(files.values())))
    pipeline.set_loras([ActiveLora(lora)])
    [file] = (small / "transformer").glob("*.safetensors")
    pipeline.replace_transformer(file, 3.0)
    assert torch.equal(draw(pipeline), plain)
    with pytest.raises(LoraError, match="another transformer"):
        pipeline.set_loras([ActiveLora(lora)])
    pipeline.set_loras([ActiveLora(pipeline.load_lora(lora.path))])
    assert not torch.equal(draw(pipeline), plain)


def test_a_span_without_a_step_is_refused(small, files):
    pipeline = open_model(small)
    set_all(pipeline, files, start=0.3, end=0.4)
    with pytest.raises(LoraError, match=r"of 4 steps acts at none"):
        draw(pipeline)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_compiled_blocks_draw_the_same_beside_and_fused(small, files):
    torch.compiler.reset()
    pipeline = open_model(small)
    plain = draw(pipeline)
    set_all(pipeline, files)
    beside = draw(pipeline)
    pipeline.compile(backend="eager")
    assert torch.equal(draw(pipeline), beside)
    pipeline.set_loras([])
    assert float((draw(pipeline) - plain).abs().max()) <= 1e-5
    pipeline.set_loras([ActiveLora(pipeline.load_lora(files["kohya, all layers"]))])
    once = draw(pipeline)
    pipeline.fuse_loras()
    assert pipeline.transformer.layers[0]._compiled_call_impl is not None
    assert float((draw(pipeline) - once).abs().max()) <= 2e-5
    pipeline.uncompile()
    pipeline.set_loras([])
    assert torch.equal(draw(pipeline), plain)
    torch.compiler.reset()
