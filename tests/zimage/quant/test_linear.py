"""Layers whose matrices stay quantised: values against float64, and what they hold."""

import numpy as np
import pytest
import torch
from torch import nn
from zimage import precision
from zimage.errors import ConfigError
from zimage.quant.blocks import BLOCK_TYPES
from zimage.quant.layouts import hadamard, rotate_inputs, rotation_factors
from zimage.quant.linear import BlockLinear, Quantization, QuantLinear, make_compilable
from zimage.quant.packing import FORMATS, FP8, INT8, Packed, quantize_rows
from zimage.quant.products import DECODE, INT_MM, Decode, OneDnn

from tests.zimage import quantized_files

ROWS, COLUMNS = 24, 64


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def packed_like(written, rotation=0):
    scale = written.tensors["weight_scale"].float().flatten().expand(ROWS).contiguous()
    return Packed(written.tensors["weight"], scale, rotation)


MATRIX = noise(ROWS, COLUMNS).double().numpy()
WRITTEN = {
    "int8 by row": (quantized_files.int8(MATRIX), 0),
    "int8, one scale": (quantized_files.int8(MATRIX, "tensor"), 0),
    "int8, rotated": (quantized_files.int8(MATRIX, rotated=16), 16),
    "fp8 by row": (quantized_files.fp8(MATRIX, scales="row"), 0),
    "fp8, one scale": (quantized_files.fp8(MATRIX), 0),
    "fp8 e5m2": (quantized_files.fp8(MATRIX, torch.float8_e5m2), 0),
}


@pytest.mark.parametrize("piece", [1, 200, 2**20])
@pytest.mark.parametrize("shape", [(COLUMNS,), (7, COLUMNS), (2, 3, COLUMNS), (2, 0, COLUMNS)])
@pytest.mark.parametrize("name", WRITTEN)
def test_a_decoded_product_is_that_of_the_values(name, shape, piece, monkeypatch):
    monkeypatch.setattr(precision, "PIECE_VALUES", piece)
    written, rotation = WRITTEN[name]
    x = noise(*shape, seed=1)
    given = QuantLinear(packed_like(written, rotation))(x)
    assert given.dtype == x.dtype
    np.testing.assert_allclose(given.double().numpy(), x.double().numpy() @ written.values.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in WRITTEN if "int8" in name])
def test_an_integer_product_is_near(name):
    written, rotation = WRITTEN[name]
    x = noise(30, COLUMNS, seed=1)
    given = QuantLinear(packed_like(written, rotation), INT_MM)(x).double().numpy()
    expected = x.double().numpy() @ written.values.T
    assert 0 < np.linalg.norm(given - expected) / np.linalg.norm(expected) < 0.02


@torch.no_grad()
@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_tokens_keep_their_dtype_and_a_bias_is_added(format):
    packed, bias = quantize_rows(noise(ROWS, COLUMNS), format), nn.Parameter(noise(ROWS, seed=2))
    x = noise(5, COLUMNS, seed=1).bfloat16()
    given = QuantLinear(packed, bias=bias)(x)
    assert given.dtype == torch.bfloat16
    expected = x.float() @ packed.decode().T + bias
    assert float((given.float() - expected).norm() / expected.norm()) < 0.01


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_a_layer_holds_a_byte_a_value_and_a_scale_a_row(format):
    layer = QuantLinear(quantize_rows(noise(ROWS, COLUMNS), format))
    assert sum(buffer.nbytes for buffer in layer.buffers()) == ROWS * COLUMNS + 4 * ROWS
    assert list(layer.state_dict()) == ["weight", "scale"]
    assert not list(layer.parameters())


@pytest.mark.parametrize("size", [4, 16, 64, 256, 1024])
def test_a_rotation_in_two_factors_is_the_rotation(size):
    x = noise(3, 2 * size)
    left, right = rotation_factors(size)
    torch.testing.assert_close(torch.kron(left, right), hadamard(size))
    expected = (x.view(3, 2, size) @ hadamard(size)).view(3, 2 * size)
    torch.testing.assert_close(rotate_inputs(x, left, right), expected)


class Counting(Decode):
    name, least_tokens = "counting", 3

    def __init__(self):
        self.calls = 0

    def fits(self, weight):
        return weight.shape[1] % 8 == 0

    def multiply(self, x, prepared, scale):
        self.calls += 1
        return super().multiply(x, prepared, scale)


def test_few_tokens_are_decoded():
    product = Counting()
    layer = QuantLinear(quantize_rows(noise(ROWS, COLUMNS), INT8), product)
    layer(noise(2, COLUMNS))
    assert product.calls == 0
    layer(noise(3, COLUMNS))
    assert product.calls == 1


def test_a_matrix_that_a_product_does_not_fit_is_decoded():
    assert QuantLinear(quantize_rows(noise(4, 12), INT8), Counting()).product is DECODE


def test_values_are_the_same_whatever_multiplies():
    packed = quantize_rows(noise(ROWS, COLUMNS), INT8)
    layer = QuantLinear(packed, INT_MM)
    layer.set_product(DECODE)
    assert torch.equal(layer.packed.weight, packed.weight)
    assert torch.equal(layer.packed.scale, packed.scale)


class Packing(OneDnn):
    """Holds the values transposed, as oneDNN does."""

    def prepare(self, weight):
        return weight.t().contiguous()

    def restore(self, prepared):
        return prepared.t().contiguous()


def test_what_cannot_be_compiled_is_replaced():
    packed = quantize_rows(noise(ROWS, COLUMNS), INT8)
    model = nn.Sequential(QuantLinear(packed, Packing()), QuantLinear(packed, DECODE))
    make_compilable(model)
    assert [layer.product.name for layer in model] == ["int_mm", "decode"]
    assert torch.equal(model[0].weight, packed.weight)


@pytest.mark.parametrize("rotation", [0, 16])
@pytest.mark.parametrize("product", [DECODE, INT_MM], ids=lambda product: product.name)
def test_a_layer_is_one_graph(product, rotation):
    packed = quantize_rows(noise(ROWS, COLUMNS), INT8)
    layer = QuantLinear(Packed(packed.weight, packed.scale, rotation), product)
    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend="eager")
    for tokens in (20, 30):
        x = noise(2, tokens, COLUMNS)
        torch.testing.assert_close(compiled(x), layer(x))


def test_scales_and_rotations_that_do_not_fit_are_named():
    weight = torch.ones(4, 24, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"4 rows need as many scales, got \(3,\)"):
        QuantLinear(Packed(weight, torch.ones(3)))
    with pytest.raises(ValueError, match="groups of 16 inputs do not divide 24"):
        QuantLinear(Packed(weight, torch.ones(4), 16))


def test_a_device_without_float8_is_told():
    with pytest.raises(ConfigError, match="mps"):
        Quantization.choose("fp8", torch.device("mps"), torch.bfloat16)
    assert str(Quantization.choose("int8", torch.device("mps"), torch.bfloat16)) == "int8 by decode"
    assert Quantization.choose("fp8", torch.device("cpu"), torch.float32) == Quantization(FP8, DECODE)


def test_an_unknown_quantisation_is_named_beside_those_allowed():
    with pytest.raises(ConfigError, match="quantization must be one of int8, fp8, gguf, or None, got 'int4'"):
        Quantization.choose("int4", torch.device("cpu"), torch.float32)


def test_blocks_are_kept_and_others_are_in_int8():
    held = Quantization.choose("gguf", torch.device("mps"), torch.float16)
    assert held == Quantization(INT8, DECODE, keeps_blocks=True)
    assert str(held) == "of GGUF in its blocks, others int8 by decode"


def block_layer(number, columns=256, bias=None):
    blocks = BLOCK_TYPES[number]
    return BlockLinear(torch.from_numpy(quantized_files.random_blocks(number, ROWS, columns)), blocks, bias)


BLOCKS = pytest.mark.parametrize("number", BLOCK_TYPES, ids=[blocks.name for blocks in BLOCK_TYPES.values()])


@BLOCKS
@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layer_of_blocks_is_the_plain_layer_of_their_values(number, dtype):
    bias = nn.Parameter(noise(ROWS, seed=2))
    layer, x = block_layer(number, bias=bias), noise(2, 5, 256, seed=1).to(dtype)
    plain = nn.Linear(256, ROWS)
    plain.weight, plain.bias = nn.Parameter(layer.blocks.decode(layer.weight)), bias
    assert torch.equal(layer(x), plain.to(dtype)(x))


@torch.no_grad()
def test_a_layer_of_blocks_multiplies_in_float16_where_a_plain_one_does():
    layer, x = block_layer(12), noise(5, 256, seed=1) * 1e6
    plain = precision.Linear(256, ROWS, bias=False)
    plain.weight = nn.Parameter(layer.blocks.decode(layer.weight, torch.float16))
    for one in (layer, plain):
        precision.set_products(one, torch.float16)
    assert torch.equal(layer(x), plain(x))
    assert layer(x).dtype == torch.float32


def test_a_layer_of_blocks_holds_its_blocks_alone():
    layer = block_layer(2)
    assert (layer.out_features, layer.in_features) == (ROWS, 256)
    assert sum(buffer.nbytes for buffer in layer.buffers()) == ROWS * 256 // 32 * 18
    assert not list(layer.parameters())


@BLOCKS
def test_a_layer_of_blocks_is_one_graph(number):
    torch.compiler.reset()  # torch keeps few versions of a function, and a type is one
    layer = block_layer(number)
    compiled = torch.compile(layer, fullgraph=True, dynamic=True, backend="eager")
    for tokens in (20, 30):
        x = noise(2, tokens, 256)
        torch.testing.assert_close(compiled(x), layer(x))
