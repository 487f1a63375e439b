"""Matrices quantised by rows, against the formula in float64."""

import numpy as np
import pytest
import torch
from zimage.quant import packing
from zimage.quant.packing import FORMATS, FP8, INT8, Packed, is_quantizable, quantize_rows

from tests.zimage import quantized_files


@pytest.fixture(scope="module")
def matrix():
    return torch.randn(96, 64, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 1, 96)[:, None]


@pytest.mark.parametrize("piece", [1, 100, 2**20])
@pytest.mark.parametrize(
    ("format", "write"),
    [(INT8, quantized_files.int8), (FP8, lambda matrix: quantized_files.fp8(matrix, scales="row"))],
    ids=FORMATS,
)
def test_values_are_those_of_the_formula(format, write, piece, matrix, monkeypatch):
    monkeypatch.setattr(packing, "PIECE_VALUES", piece)
    packed, written = quantize_rows(matrix, format), write(matrix.double().numpy())
    assert packed.weight.dtype == format.dtype
    np.testing.assert_allclose(packed.scale, written.tensors["weight_scale"].flatten(), rtol=1e-6)
    step = written.values - packed.decode().double().numpy()
    assert (np.abs(step) > 1e-6 * np.abs(written.values).max(1, keepdims=True)).mean() < 0.01  # ties of rounding


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_int8_is_off_by_half_a_step(dtype, matrix):
    packed = quantize_rows(matrix.to(dtype), INT8)
    error = (packed.decode().double() - matrix.to(dtype).double()).abs()
    assert bool((error <= 0.5001 * packed.scale[:, None].double()).all())
    assert packed.weight.abs().amax(1).eq(127).all()


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_a_row_of_zeros_stays_one(format):
    packed = quantize_rows(torch.zeros(2, 8), format)
    assert torch.equal(packed.decode(), torch.zeros(2, 8))


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused(format, value):
    matrix = torch.ones(3, 8)
    matrix[1, 2] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        quantize_rows(matrix, format)


def test_rotated_values_are_rotated_back():
    matrix = np.random.default_rng(0).normal(size=(8, 32))
    written = quantized_files.int8(matrix, rotated=16)
    packed = Packed(written.tensors["weight"], written.tensors["weight_scale"].flatten(), 16)
    np.testing.assert_allclose(packed.decode().double().numpy(), written.values, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("layers.3.attention.to_q.weight", True),
        ("noise_refiner.0.attention.to_out.0.weight", True),
        ("context_refiner.1.feed_forward.w2.weight", True),
        ("model.layers.0.self_attn.o_proj.weight", True),
        ("layers.0.mlp.gate_proj.weight", True),
        ("model.diffusion_model.layers.0.attention.qkv.weight", True),
        ("layers.0.attention.out.weight", True),
        ("layers.0.adaLN_modulation.0.weight", False),
        ("layers.0.attention.norm_q.weight", False),
        ("t_embedder.mlp.0.weight", False),
        ("cap_embedder.1.weight", False),
        ("all_x_embedder.2-1.weight", False),
        ("all_final_layer.2-1.linear.weight", False),
        ("x_pad_token", False),
        ("embed_tokens.weight", False),
        ("lm_head.weight", False),
    ],
)
def test_matrices_of_attentions_and_feed_forwards_are_quantised(name, expected):
    assert is_quantizable(name) is expected
