"""Quantised weights in files of every writer are found, joined with their scales, and decoded."""

import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from zimage.errors import WeightsError
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.quantized import QuantizedTensor

from tests.zimage import quantized_files
from tests.zimage.quantized_files import FORMATS

LAYER = "layers.0.feed_forward.w1"


@pytest.fixture
def matrix():
    return np.random.default_rng(0).normal(size=(256, 64))


def write(path, tensors, layer=LAYER, metadata=None):
    save_file({f"{layer}.{leaf}": tensor for leaf, tensor in tensors.items()}, path, metadata)
    return path


def read(path, layer=LAYER):
    return open_checkpoint(path)[f"{layer}.weight"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("declared", ["nowhere", "beside the weight", "in the header", "in both"])
def test_values_are_those_of_the_formula(name, declared, matrix, tmp_path):
    written = FORMATS[name](matrix)
    if declared == "nowhere" and "rotated" in name:
        pytest.skip("nothing but a declaration can tell of a rotation")
    tensors = written.marked() if declared in ("beside the weight", "in both") else written.tensors
    layers = {LAYER.removeprefix("layers."): written.declaration}  # the header's names may lack a prefix
    header = {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": layers})}
    path = write(
        tmp_path / "w.safetensors", tensors, metadata=header if declared in ("in the header", "in both") else None
    )
    stored = read(path)
    assert open_checkpoint(path).keys() == {f"{LAYER}.weight"}
    assert stored.shape == matrix.shape
    np.testing.assert_allclose(stored.read().double().numpy(), written.values, rtol=1e-5, atol=1e-6)
    assert stored.read(torch.bfloat16).dtype == torch.bfloat16


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("start", "stop"), [(0, 128), (128, 256), (64, 192), (16, 32)])
def test_rows_are_cut(name, start, stop, matrix, tmp_path):
    written = FORMATS[name](matrix)
    stored = read(write(tmp_path / "w.safetensors", written.marked())).rows(start, stop)
    assert stored.shape == (stop - start, 64)
    np.testing.assert_allclose(stored.read().double().numpy(), written.values[start:stop], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_rows_of_rows_are_cut(name, matrix, tmp_path):
    written = FORMATS[name](matrix)
    stored = read(write(tmp_path / "w.safetensors", written.marked())).rows(16, 240).rows(16, 32)
    np.testing.assert_allclose(stored.read().double().numpy(), written.values[32:48], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("writer", [quantized_files.nvfp4, quantized_files.mxfp8])
@pytest.mark.parametrize("says_shape", [True, False])
def test_padding_is_cut_by_what_is_declared_or_by_the_module(writer, says_shape, tmp_path):
    matrix = np.random.default_rng(1).normal(size=(682, 200))
    written = writer(matrix, says_shape)
    stored = read(write(tmp_path / "w.safetensors", written.marked())).fitted((682, 200))
    assert stored.shape == (682, 200)
    np.testing.assert_allclose(stored.read().double().numpy(), written.values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_a_matrix_of_another_shape_is_not_cut_to_fit(name, matrix, tmp_path):
    stored = read(write(tmp_path / "w.safetensors", FORMATS[name](matrix).marked()))
    assert stored.fitted((100, 64)).shape == (256, 64)


def test_a_bare_cast_is_read_as_it_is(matrix, tmp_path):
    written = quantized_files.fp8(matrix, scales="none")
    stored = read(write(tmp_path / "w.safetensors", {**written.tensors, "scaled_fp8": torch.zeros(2)}))
    assert not isinstance(stored, QuantizedTensor)
    assert np.array_equal(stored.read(torch.float32).double().numpy(), written.values)


def test_a_block_that_does_not_divide_a_layer_left_it_scaled_by_row(matrix, tmp_path):
    written = quantized_files.fp8(matrix, scales="row")
    written.declaration = {"format": "float8_e4m3fn_blockwise", "group_size": 96}
    stored = read(write(tmp_path / "w.safetensors", written.marked()))
    np.testing.assert_allclose(stored.read().double().numpy(), written.values, rtol=1e-5, atol=1e-6)


def test_markers_and_scales_of_activations_are_no_weights(matrix, tmp_path):
    extra = {"input_scale": torch.ones(()), "scale_input": torch.ones(())}
    path = write(tmp_path / "w.safetensors", quantized_files.fp8(matrix).tensors | extra)
    assert open_checkpoint(path).keys() == {f"{LAYER}.weight"}


def refused(path, message):
    with pytest.raises(WeightsError, match=re.escape(message)) as caught:
        read(path).read()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("unread", ["convrot_w4a4", "asym_w4a8_int8", "awq_w4a16"])
def test_a_format_that_is_not_read_is_named(unread, matrix, tmp_path):
    written = quantized_files.int8(matrix)
    written.declaration = {"format": unread}
    refused(
        write(tmp_path / "w.safetensors", written.marked()),
        f"is in the format '{unread}', which is not read; those read are",
    )


def test_nunchaku_is_named(tmp_path):
    tensors = {"qweight": torch.zeros(2, 2, dtype=torch.int8), "wscales": torch.ones(2)}
    refused(
        write(tmp_path / "w.safetensors", tensors), "is in Nunchaku's format (SVDQuant), which is not read: take int8"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_scale": None}, "(int8_tensorwise) lacks its scale"),
        ({"weight": None}, "is the scale of a weight that is not there"),
        ({"weight_scale": torch.full((256, 1), torch.nan)}, "a scale is NaN or infinite"),
        ({"weight_scale": torch.ones(255, 1)}, "a scale of the shape (255, 1) does not fit 256×64 values"),
        ({"scale_weight": torch.ones(256, 1)}, "has scales under the names of two layouts"),
        ({"weight": torch.ones(256, 64)}, "is said to be int8_tensorwise, but holds F32"),
        ({"comfy_quant": torch.tensor(list(b"{nonsense"), dtype=torch.uint8)}, "comfy_quant is no JSON"),
        ({"comfy_quant": torch.tensor(list(b"[]"), dtype=torch.uint8)}, "comfy_quant is no JSON object"),
        ({"comfy_quant": torch.zeros(3)}, "comfy_quant is no text"),
    ],
)
def test_parts_that_do_not_fit_are_named(change, message, matrix, tmp_path):
    tensors = quantized_files.int8(matrix).marked() | change
    path = write(tmp_path / "w.safetensors", {leaf: value for leaf, value in tensors.items() if value is not None})
    refused(path, message)


def test_a_rotation_that_is_not_possible_is_named(matrix, tmp_path):
    written = quantized_files.int8(matrix, rotated=16)
    written.declaration["convrot_groupsize"] = 32
    refused(write(tmp_path / "w.safetensors", written.marked()), "a rotation of 32 inputs is not possible")


@pytest.mark.parametrize("text", ["{", "[]", '{"layers": []}', '{"layers": {"a": 1}}'])
def test_a_damaged_declaration_of_the_header_is_named(text, matrix, tmp_path):
    written = quantized_files.int8(matrix)
    path = write(tmp_path / "w.safetensors", written.tensors, metadata={"_quantization_metadata": text})
    refused(path, "_quantization_metadata of its header")
