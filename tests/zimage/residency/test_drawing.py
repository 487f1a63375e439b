"""Pictures of a model that is partly away, on a processor as the device: the same to the last bit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
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
from zimage.conditions.source import Source
from zimage.layers import Block
from zimage.placement import Placement
from zimage.quant import linear as linear_module
from zimage.quant.linear import BlockLinear
from zimage.quant.products import DECODE, INT_MM
from zimage.residency.copier import DirectCopier
from zimage.residency.levels import Residency
from zimage.tiling import Tiles

from tests.zimage.quantized_files import write_gguf

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

ASK = {"height": 64, "width": 64, "num_inference_steps": 3, "output_type": "pt"}
PROMPT = "a red fox"
GUIDED = {"guidance_scale": 2.0, "negative_prompt": "a blurry picture of a very long list of things"}
LEVELS = {
    "encoder out": Residency(text_encoder="out"),
    "encoder and autoencoder out": Residency(text_encoder="out", vae="out"),
    "some blocks": Residency(resident_blocks=3, text_encoder="streamed"),
    "no block": Residency(resident_blocks=0, text_encoder="streamed", vae="out"),
}
WEIGHTS = {
    "float32": (torch.float32, None),
    "bfloat16": (torch.bfloat16, None),
    "int8": (torch.float32, "int8"),
    "fp8": (torch.bfloat16, "fp8"),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A model of random weights, with enough blocks and layers for two to be away and two to be there."""
    path = tmp_path_factory.mktemp("models") / "small"
    text = TextSizes(hidden=32, intermediate=64, layers=5, heads=1)
    tokenizer = build_tokenizer(byte_vocabulary(), [])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformer = build_transformer(TransformerSizes(dim=64, layers=5, refiner_layers=1), text.hidden)
        save_folder(path, build_vae(TINY_VAE), build_text_encoder(text, len(tokenizer)), tokenizer, transformer.eval())
    return path


@pytest.fixture(autouse=True)
def _products_that_read_what_is_stored(monkeypatch):
    """oneDNN's layout is one of the processor, which holds it as it is; a card has none."""
    chosen = {"int8": INT_MM, "fp8": DECODE}
    monkeypatch.setattr(linear_module, "choose_product", lambda held, *_: chosen[held.name])


def open_model(folder, residency=None, weights="float32", **more):
    dtype, quantization = WEIGHTS[weights]
    return ZImagePipeline.from_local_dir(
        folder,
        device="cpu",
        dtype=dtype,
        quantization=quantization,
        compute_dtype="float32",
        residency=residency,
        **more,
    )


def draw(pipeline, **more):
    return pipeline(PROMPT, generator=torch.Generator().manual_seed(1), **ASK, **more).images


@pytest.fixture(scope="module")
def expected(small):
    kept: dict[tuple[str, bool], torch.Tensor] = {}

    def of(weights, *, guided=False):
        if (weights, guided) not in kept:
            kept[weights, guided] = draw(open_model(small, weights=weights), **(GUIDED if guided else {}))
        return kept[weights, guided]

    return of


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "more"), [("float32", GUIDED), ("int8", {})], ids=["guided", "int8"])
def test_the_embedded_model_draws_the_same_with_all_of_it_away(repository_root, weights, more):
    nano = repository_root / "Z-Image" / "ckpts" / "zimage-nano"
    resident, away = (draw(open_model(nano, level, weights), **more) for level in (None, LEVELS["no block"]))
    assert torch.equal(away, resident)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("level", LEVELS)
def test_the_picture_is_the_same_to_the_last_bit(small, expected, level, weights):
    assert torch.equal(draw(open_model(small, LEVELS[level], weights)), expected(weights))


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_so_it_is_with_guidance(small, expected, weights):
    assert torch.equal(
        draw(open_model(small, LEVELS["some blocks"], weights), **GUIDED), expected(weights, guided=True)
    )


class Watch(DirectCopier):
    """Counts copies, and the blocks that have weights of the device whenever one computes."""

    def __init__(self, model):
        self.copies: Counter[int] = Counter()
        self.most = 0
        self.hosts = {id(block): block.feed_forward.w1.weight for block in model.blocks()}
        self.blocks = model.blocks()
        model.stream._copier = self
        self.streamed = [block for block in self.blocks if block in model.stream._ahead]
        for block in self.blocks:
            block.register_forward_pre_hook(self.look)

    def copy(self, sources, targets):
        self.copies[sources[0].data_ptr()] += 1
        return super().copy(sources, targets)

    def there(self):
        return [block for block in self.streamed if block.feed_forward.w1.weight is not self.hosts[id(block)]]

    def look(self, block: Block, *_):
        there = self.there()
        assert block in there or block not in self.streamed
        self.most = max(self.most, len(there))


@pytest.mark.parametrize("n_resident", [0, 2])
def test_no_more_than_two_streamed_blocks_are_there_and_each_is_copied_once_a_forward(small, n_resident):
    pipeline = open_model(small, Residency(resident_blocks=n_resident))
    transformer = pipeline.transformer
    watch = Watch(transformer)
    assert len(watch.streamed) == len(watch.blocks) - n_resident
    draw(pipeline)
    assert watch.most == 2
    assert watch.there() == []
    assert transformer.stream.device_bytes == 0  # freed before the picture is decoded
    n_context = sum(block in watch.streamed for block in transformer.context_refiner)
    counted = sorted(watch.copies.values())
    assert counted == [1] * n_context + [2] * (len(watch.streamed) - n_context)  # 3 points are 2 forwards


def test_a_prompt_is_read_with_each_layer_copied_once_and_a_known_one_with_none(small):
    pipeline = open_model(small, Residency(text_encoder="streamed"))
    model = pipeline.text_encoder.model
    copies = []
    copy = model.stream._copier.copy
    model.stream._copier.copy = lambda sources, targets: (copies.append(1), copy(sources, targets))[1]
    pipeline.text_encoder.encode([PROMPT])
    assert len(copies) == len(model.layers)
    assert model.stream.device_bytes == 0
    draw(pipeline)
    assert len(copies) == len(model.layers)


def test_an_encoder_that_is_out_comes_once_for_several_prompts(small):
    pipeline = open_model(small, Residency(text_encoder="out"))
    model = pipeline.text_encoder.model
    copies = []
    copy = model.stream._copier.copy
    model.stream._copier.copy = lambda sources, targets: (copies.append(1), copy(sources, targets))[1]
    draw(pipeline, **GUIDED)
    assert len(copies) == len(model.layers)
    assert model.stream.device_bytes == 0


class Stop(Exception):
    pass


def stop_at_first_step(_event):
    raise Stop


@pytest.mark.parametrize("level", LEVELS)
def test_it_stays_usable_after_an_exception_in_the_middle(small, expected, level):
    pipeline = open_model(small, LEVELS[level])
    with pytest.raises(Stop):
        draw(pipeline, on_step=stop_at_first_step)

    def fail(*_):
        raise Stop

    for module in (pipeline.transformer.layers[1], pipeline.text_encoder.model.layers[1], pipeline.vae.decoder):
        pipeline.text_encoder.cache.clear()
        hook = module.register_forward_pre_hook(fail)
        with pytest.raises(Stop):
            draw(pipeline)
        hook.remove()
    pipeline.text_encoder.cache.clear()
    assert torch.equal(draw(pipeline), expected("float32"))


def test_a_preview_between_steps_decodes_with_an_autoencoder_that_is_out(small, expected):
    pipeline = open_model(small, LEVELS["no block"])
    previews = []
    assert torch.equal(draw(pipeline, on_step=lambda event: previews.append(event.preview())), expected("float32"))
    assert len(previews) == 2


def test_a_transformer_that_replaces_another_is_streamed_as_that_was(small, expected):
    pipeline = open_model(small, LEVELS["some blocks"])
    pipeline.replace_transformer(small / "transformer", pipeline.scheduler.config.shift)
    assert pipeline.transformer.stream is not None
    assert torch.equal(draw(pipeline), expected("float32"))


def test_single_files_are_streamed_too(small, expected):
    pipeline = ZImagePipeline.from_files(
        small / "transformer", small / "text_encoder", small / "vae", tokenizer=small / "tokenizer", device="cpu",
        dtype=torch.float32, residency=LEVELS["no block"], vae_tiles=Tiles(64, 16),
    )  # fmt: skip
    assert torch.equal(draw(pipeline), expected("float32"))


def write_blocks(folder: Path, path: Path, kind: str) -> Path:
    """Writes a part as a GGUF file, its matrices in blocks where these fit."""
    gguf = pytest.importorskip("gguf")
    blocks, entries = gguf.GGMLQuantizationType[kind], {}
    n_values = gguf.GGML_QUANT_SIZES[blocks][0]
    [file] = folder.glob("*.safetensors")
    for name, values in load_file(file).items():
        matrix = values.float().numpy()
        if values.ndim == 2 and name.endswith(("proj.weight", "to_q.weight", "to_k.weight", "w1.weight", "w3.weight")):
            assert matrix.shape[1] % n_values == 0
            entries[name] = (matrix.shape, int(blocks), gguf.quants.quantize(matrix, blocks).tobytes())
        else:
            entries[name] = (matrix.shape, 0, matrix.tobytes())
    write_gguf(path, entries)
    return path


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0"])
@pytest.mark.parametrize("level", LEVELS)
def test_blocks_of_gguf_are_streamed_as_they_are_stored(small, tmp_path, level, kind):
    transformer = write_blocks(small / "transformer", tmp_path / "transformer.gguf", kind)
    text = write_blocks(small / "text_encoder", tmp_path / "text.gguf", kind)

    def load(residency=None):
        return ZImagePipeline.from_files(
            transformer, text, small / "vae", tokenizer=small / "tokenizer", device="cpu", dtype=torch.float32,
            quantization="gguf", residency=residency,
        )  # fmt: skip

    resident, away = load(), load(LEVELS[level])
    for pipeline in (resident, away):
        assert isinstance(pipeline.transformer.layers[0].feed_forward.w1, BlockLinear)
        assert isinstance(pipeline.text_encoder.model.layers[0].mlp.up_proj, BlockLinear)
    expected = draw(resident, **GUIDED)
    assert torch.equal(draw(away, **GUIDED), expected)
    assert torch.equal(draw(away, **GUIDED), expected)
    stream = away.text_encoder.model.stream
    of_layer = [layer for layer in resident.text_encoder.model.layers[0].modules() if isinstance(layer, BlockLinear)]
    assert len(of_layer) == 7
    assert stream.host_bytes == 4 * sum(layer.weight.nbytes for layer in of_layer)


@pytest.mark.parametrize("level", LEVELS)
def test_an_image_that_begins_from_another_is_the_same(small, level):
    picture = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., 1:3] = 1.0

    def redraw(pipeline):
        return draw(pipeline, source=Source(pipeline.encode_image(picture), 0.7, mask))

    assert torch.equal(redraw(open_model(small, LEVELS[level])), redraw(open_model(small)))


def test_what_a_processor_packs_for_its_own_products_stays_as_it_is(small, monkeypatch):
    from zimage.quant.products import OneDnn

    product = OneDnn()
    monkeypatch.setattr(linear_module, "choose_product", lambda *_: product)
    try:
        resident = draw(open_model(small, weights="int8"))
    except (RuntimeError, AttributeError):
        pytest.skip("this build of torch has no oneDNN product")
    assert torch.equal(draw(open_model(small, LEVELS["no block"], "int8")), resident)


def test_the_placement_tells_loaders_what_stays(small):
    from zimage.weights.folder import read_config

    config = read_config(small).transformer
    level = LEVELS["some blocks"]
    assert Placement.choose(config, "cpu", None, None, None, None, level).for_loading()["residency"] == level
    assert Placement.choose(config, "cpu", None, None, None).for_loading()["residency"] == Residency()
