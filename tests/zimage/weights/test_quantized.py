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


@pytest.mark.parametrize("size", ["256", 16.0, -1, 1, True])
def test_a_group_size_that_makes_no_sense_is_named(size, matrix, tmp_path):
    written = quantized_files.int8(matrix, rotated=16)
    written.declaration["convrot_groupsize"] = size
    with pytest.raises(WeightsError, match="a rotation of groups of"):
        read(write(tmp_path / "w.safetensors", written.marked()))


@pytest.mark.parametrize(
    ("writer", "leaf", "dtype"),
    [
        (quantized_files.mxfp8, "weight_scale", torch.float32),
        (quantized_files.nvfp4, "weight_scale", torch.float32),
        (quantized_files.nvfp4, "weight_scale_2", torch.uint8),
        (quantized_files.int8, "weight_scale", torch.uint8),
    ],
)
def test_scales_of_another_dtype_are_named(writer, leaf, dtype, matrix, tmp_path):
    tensors = writer(matrix).marked()
    tensors[leaf] = tensors[leaf].to(dtype)
    refused(write(tmp_path / "w.safetensors", tensors), f"cannot be {'F32' if dtype == torch.float32 else 'U8'}")


def test_scales_of_nvfp4_may_be_said_to_be_bytes(matrix, tmp_path):
    written = quantized_files.nvfp4(matrix)
    tensors = written.marked()
    tensors["weight_scale"] = tensors["weight_scale"].view(torch.uint8)
    stored = read(write(tmp_path / "w.safetensors", tensors))
    np.testing.assert_allclose(stored.read().double().numpy(), written.values, rtol=1e-5, atol=1e-6)


def test_exponents_may_have_their_own_dtype(matrix, tmp_path):
    written = quantized_files.mxfp8(matrix)
    path = write(tmp_path / "w.safetensors", written.marked())
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])
    header[f"{LAYER}.weight_scale"]["dtype"] = "F8_E8M0"
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + path.read_bytes()[8 + size :])
    np.testing.assert_allclose(read(path).read().double().numpy(), written.values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [3, 100])
def test_scales_that_are_not_one_a_row_are_not_cut_as_if_they_were(rows, tmp_path):
    tensors = {
        "weight": torch.ones(192, 64).to(torch.float8_e4m3fn),
        "weight_scale": torch.arange(1.0, rows + 1)[:, None],
    }
    part = read(write(tmp_path / "w.safetensors", {**tensors, "zz": torch.full((99,), 7.0)})).rows(64, 128)
    if rows == 3:  # blocks of 64 × 64
        assert part.read().unique().tolist() == [2.0]
    else:
        with pytest.raises(WeightsError, match=r"a scale of the shape \(100, 1\) does not fit 192×64 values"):
            part.read()


def test_every_shard_declares_its_own_layers(matrix, tmp_path, save_shards):
    written = quantized_files.int8(matrix, rotated=16)
    shards = [{f"layers.{number}.w1.{leaf}": part for leaf, part in written.tensors.items()} for number in (0, 1)]
    folder = save_shards(tmp_path / "sharded", *shards)
    for number, file in enumerate(sorted(folder.glob("*.safetensors"))):
        layers = {"layers": {f"layers.{number}.w1": written.declaration}}
        save_file(shards[number], file, {"_quantization_metadata": json.dumps(layers)})
    tensors = open_checkpoint(folder)
    for number in (0, 1):
        found = tensors[f"layers.{number}.w1.weight"].read().double().numpy()
        np.testing.assert_allclose(found, written.values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (4,), (2, 2, 2)])
def test_a_weight_that_is_no_matrix_is_named(shape, tmp_path):
    tensors = {"weight": torch.zeros(shape, dtype=torch.int8), "weight_scale": torch.ones(())}
    refused(write(tmp_path / "w.safetensors", tensors), "but holds I8 of the shape")


def test_a_scale_of_no_values_is_named(matrix, tmp_path):
    tensors = quantized_files.int8(matrix).marked() | {"weight_scale": torch.ones(0, 5)}
    refused(write(tmp_path / "w.safetensors", tensors), "does not fit 256×64 values")


@pytest.mark.parametrize("text", ["{", "[]", '{"layers": []}', '{"layers": {"a": 1}}'])
def test_a_damaged_declaration_of_the_header_is_named(text, matrix, tmp_path):
    written = quantized_files.int8(matrix)
    path = write(tmp_path / "w.safetensors", written.tensors, metadata={"_quantization_metadata": text})
    refused(path, "_quantization_metadata of its header")
