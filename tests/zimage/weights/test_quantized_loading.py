"""Models whose matrices stay quantised: what is held, how near the output is, and the strict loader's messages."""

import shutil
import weakref

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.errors import ConfigError, PartError, WeightsError
from zimage.quant.linear import Quantization, QuantLinear
from zimage.quant.packing import FORMATS, INT8, is_quantizable, quantize_rows
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.loader import load_tensors
from zimage.weights import packed as packed_module
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.names.single_file import to_published

from tests.zimage.peers import TINY
from tests.zimage.quantized_files import int8

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
ASK = {"height": 64, "width": 64, "num_inference_steps": 3, "output_type": "pt"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


def open_pipeline(folder, quantization=None, dtype=torch.float32):
    return ZImagePipeline.from_local_dir(folder, device="cpu", dtype=dtype, quantization=quantization)


def draw(pipeline):
    return pipeline("a red fox", generator=torch.Generator().manual_seed(1), **ASK).images


@pytest.fixture(scope="module")
def exact(folder):
    return draw(open_pipeline(folder))


def quantised_layers(model):
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, QuantLinear)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_pipeline_draws_nearly_the_same(name, dtype, folder, exact):
    pipeline = open_pipeline(folder, name, dtype)
    difference = (draw(pipeline) - exact).abs()
    assert 0 < float(difference.mean()) < 0.02
    for model in (pipeline.transformer, pipeline.text_encoder.model):
        layers = quantised_layers(model)
        assert len(layers) == 7 * len([m for m in model.modules() if type(m).__name__ in ("Block", "Layer")])
        assert {layer.weight.dtype for layer in layers.values()} == {FORMATS[name].dtype}
        assert {parameter.dtype for parameter in model.parameters()} == {dtype}  # what stays wide
        assert not any(is_quantizable(parameter) for parameter, _ in model.named_parameters())
    assert not quantised_layers(pipeline.vae)


def test_without_quantisation_every_layer_is_plain(folder):
    pipeline = open_pipeline(folder)
    assert not quantised_layers(pipeline.transformer)
    assert all(isinstance(p, nn.Parameter) for p in pipeline.transformer.state_dict(keep_vars=True).values())


def test_an_unknown_quantisation_is_named_before_anything_is_read(folder):
    with pytest.raises(ConfigError, match="quantization must be one of int8, fp8, gguf, or None, got 'int4'"):
        open_pipeline(folder, "int4")


@pytest.mark.parametrize("name", FORMATS)
def test_a_quantised_pipeline_can_be_compiled(name, folder):
    pipeline = open_pipeline(folder, name)
    expected = draw(pipeline)
    pipeline.compile(backend="eager")
    assert float((draw(pipeline) - expected).abs().mean()) < 0.01  # other last bits of tokens round to other integers


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    torch.manual_seed(0)
    model = ZImageTransformer2DModel(**TINY)
    path = tmp_path_factory.mktemp("plain") / "plain.safetensors"
    save_file(model.state_dict(), path)
    return path


def load(path, format=INT8):
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**TINY)
    tensors = to_published(open_checkpoint(path))
    load_tensors(model, path, tensors, dtype=torch.float32, quantization=Quantization(format))
    return model


@pytest.mark.parametrize("rotated", [0, 16])
def test_a_packed_qkv_is_kept_as_stored(rotated, plain, tmp_path):
    tensors = load_file(plain)
    qkv = torch.cat([tensors.pop(f"layers.0.attention.to_{one}.weight") for one in "qkv"])
    written = int8(qkv.double().numpy(), rotated=rotated)
    tensors |= {f"layers.0.attention.qkv.{leaf}": part for leaf, part in written.marked().items()}
    save_file(tensors, tmp_path / "packed.safetensors")
    attention = load(tmp_path / "packed.safetensors").layers[0].attention
    layers = (attention.to_q, attention.to_k, attention.to_v)
    assert torch.equal(torch.cat([layer.packed.weight for layer in layers]), written.tensors["weight"])
    assert torch.equal(torch.cat([layer.packed.scale for layer in layers]), written.tensors["weight_scale"].flatten())
    assert {layer.rotation for layer in layers} == {rotated}
    x = torch.randn(3, 64)
    given = torch.cat([layer(x) for layer in layers], dim=-1).double().numpy()
    np.testing.assert_allclose(given, x.double().numpy() @ written.values.T, rtol=1e-4, atol=1e-5)


def test_one_plain_matrix_is_held_at_a_time(plain, monkeypatch):
    matrices = []

    def counted(matrix, format):
        assert all(earlier() is None for earlier in matrices)
        matrices.append(weakref.ref(matrix))
        return quantize_rows(matrix, format)

    monkeypatch.setattr(packed_module, "quantize_rows", counted)
    model = load(plain)
    layers = quantised_layers(model).values()
    assert len(matrices) == len(layers) == 28
    held = sum(tensor.nbytes for tensor in model.state_dict().values())
    wide = sum(parameter.nbytes for parameter in model.parameters())
    assert held == wide + sum(layer.in_features * layer.out_features + 4 * layer.out_features for layer in layers)


def test_what_does_not_fit_is_named_as_ever(plain, tmp_path):
    tensors = load_file(plain)
    del tensors["layers.0.attention.to_q.weight"]
    tensors["layers.1.feed_forward.w1.weight"] = torch.ones(3, 4)
    tensors["strange.weight"] = torch.ones(1)
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(WeightsError) as caught:
        load(tmp_path / "odd.safetensors")
    for fault in ("missing layers.0.attention.to_q.weight", "misshapen layers.1.feed_forward.w1.weight: 3×4 instead of",
                  "not expected strange.weight"):  # fmt: skip
        assert fault in str(caught.value)


def test_a_matrix_of_no_numbers_is_named(folder, tmp_path, plain):
    tensors = load_file(plain)
    tensors["layers.0.attention.to_k.weight"][0, 0] = torch.nan
    save_file(tensors, tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match=r"layers\.0\.attention\.to_k\.weight: .*nan\.safetensors.*NaN"):
        load(tmp_path / "nan.safetensors")


def test_a_part_with_such_a_matrix_is_named(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    [file] = (copy / "text_encoder").glob("*.safetensors")
    tensors = load_file(file)
    name = next(name for name in tensors if name.endswith("q_proj.weight"))
    tensors[name][0, 0] = torch.inf
    save_file(tensors, file)
    with pytest.raises(PartError, match=r"text_encoder: .*q_proj"):
        open_pipeline(copy, "int8")
