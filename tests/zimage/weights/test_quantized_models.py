"""A whole transformer in each format: single files as ComfyUI's users have them, and GGUF of three writers."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.loader import load_weights
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.identify import Part, identify_part, infer_transformer_config
from zimage.weights.names.single_file import from_published

from tests.zimage.peers import MEDIUM
from tests.zimage.quantized_files import FORMATS, write_gguf

gguf = pytest.importorskip("gguf")
PREFIX = "model.diffusion_model."
# How far the output may be from that of the plain weights, relative to its size: about the format's own step.
ERRORS = {
    "fp8": 0.06, "fp8 e5m2": 0.12, "fp8 by row": 0.06, "fp8 by row, a column of scales": 0.06, "fp8 by block": 0.06,
    "fp8, old names": 0.06, "int8": 0.03, "int8 by row": 0.02, "int8 by row, rotated": 0.02, "nvfp4": 0.25,
    "mxfp8": 0.08,
}  # fmt: skip
GGUF_ERRORS = {"Q8_0": 0.02, "Q5_1": 0.1, "Q5_0": 0.1, "Q4_1": 0.2, "Q4_0": 0.2}


@pytest.fixture(scope="module")
def plain():
    torch.manual_seed(0)
    model = ZImageTransformer2DModel(**MEDIUM).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.uniform_(0.5, 1.5)
        else:
            parameter.normal_(std=parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.2)
    return model


@pytest.fixture(scope="module")
def single(plain, tmp_path_factory):
    """The tensors in the layout of single files."""
    path = tmp_path_factory.mktemp("plain") / "plain.safetensors"
    save_file(plain.state_dict(), path)
    packed = from_published(open_checkpoint(path))
    return {name: torch.cat([part.read() for part in parts]) for name, parts in packed.items()}


def is_quantised(name):
    return name.endswith(".weight") and any(part in name for part in (".qkv.", ".out.", ".w1.", ".w2.", ".w3."))


def load(path):
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**infer_transformer_config(open_checkpoint(path)).to_dict())
    load_weights(model, path, dtype=torch.float32)
    return model.eval().requires_grad_(False)


def output_of(model):
    generator = torch.Generator().manual_seed(3)
    latents = [torch.randn(16, 1, 8, 8, generator=generator)]
    caption = [torch.randn(20, MEDIUM["cap_feat_dim"], generator=generator)]
    return model(latents, torch.tensor([0.4]), caption)[0][0]


def assert_near(model, plain, bound):
    expected = output_of(plain)
    error = float((output_of(model) - expected).norm() / expected.norm())
    assert 0 < error < bound


@pytest.mark.parametrize("name", FORMATS)
def test_a_single_file_in_each_format(name, plain, single, tmp_path):
    tensors, values = {}, {}
    for key, tensor in single.items():
        if is_quantised(key):
            written = FORMATS[name](tensor.double().numpy())
            tensors |= {f"{PREFIX}{key.removesuffix('weight')}{leaf}": part for leaf, part in written.marked().items()}
            values[key] = written.values
        else:
            tensors[PREFIX + key] = tensor
    save_file(tensors, tmp_path / "model.safetensors")
    assert identify_part(open_checkpoint(tmp_path / "model.safetensors")) is Part.TRANSFORMER
    model = load(tmp_path / "model.safetensors")
    block = model.layers[1].attention
    found = torch.cat([block.to_q.weight, block.to_k.weight, block.to_v.weight]).double().numpy()
    np.testing.assert_allclose(found, values["layers.1.attention.qkv.weight"], rtol=1e-5, atol=1e-6)
    assert_near(model, plain, ERRORS[name])


@pytest.mark.parametrize(
    ("architecture", "prefix", "flat_pads"), [("lumina2", "", False), (None, PREFIX, True), ("pig", "", False)]
)
@pytest.mark.parametrize("kind", GGUF_ERRORS)
def test_gguf_of_three_writers(architecture, prefix, flat_pads, kind, plain, single, tmp_path):
    number = gguf.GGMLQuantizationType[kind]
    tensors = {}
    for key, tensor in single.items():
        values = tensor.numpy()
        if flat_pads and key.endswith("pad_token"):
            values = values.reshape(-1)
        data = gguf.quants.quantize(values, number) if is_quantised(key) else values
        tensors[prefix + key] = (values.shape, int(number) if is_quantised(key) else 0, data.tobytes())
    model = load(write_gguf(tmp_path / "model.gguf", tensors, architecture=architecture))
    assert torch.equal(model.x_pad_token, plain.x_pad_token)
    assert_near(model, plain, GGUF_ERRORS[kind])
