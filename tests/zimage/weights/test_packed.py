"""Matrices that stay quantised on the way out of a file: what is stored so is kept, the rest quantised once."""

import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from zimage.errors import WeightsError
from zimage.quant.packing import FORMATS, FP8, INT8, quantize_rows
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.packed import block_type, is_packed, read_blocks, read_packed

from tests.zimage import quantized_files

LAYER = "layers.0.feed_forward.w1"
KEPT = {
    "int8": ("int8", quantized_files.FORMATS["int8"]),
    "int8 by row": ("int8", quantized_files.FORMATS["int8 by row"]),
    "int8 by row, rotated": ("int8", quantized_files.FORMATS["int8 by row, rotated"]),
    "fp8": ("fp8", quantized_files.FORMATS["fp8"]),
    "fp8 e5m2": ("fp8", quantized_files.FORMATS["fp8 e5m2"]),
    "fp8 by row": ("fp8", quantized_files.FORMATS["fp8 by row"]),
    "fp8 by row, a column of scales": ("fp8", quantized_files.FORMATS["fp8 by row, a column of scales"]),
    "fp8, old names": ("fp8", quantized_files.FORMATS["fp8, old names"]),
    "fp8, no scales": ("fp8", lambda matrix: quantized_files.fp8(matrix, scales="none")),
}
ANEW = [
    *((name, wanted) for name in quantized_files.FORMATS for wanted in FORMATS if KEPT.get(name, ("",))[0] != wanted),
    ("plain", "int8"),
    ("plain", "fp8"),
]


@pytest.fixture(scope="module")
def matrix():
    return np.random.default_rng(0).normal(size=(256, 64))


def stored_as(path, tensors):
    save_file({f"{LAYER}.{leaf}": tensor for leaf, tensor in tensors.items()}, path / "w.safetensors")
    return open_checkpoint(path / "w.safetensors")[f"{LAYER}.weight"]


def bits(tensor):
    return tensor.view(torch.uint8)


@pytest.mark.parametrize("name", KEPT)
def test_values_and_scales_are_kept_as_stored(name, matrix, tmp_path):
    wanted, write = KEPT[name]
    written = write(matrix)
    stored = stored_as(tmp_path, written.marked() if written.declaration else written.tensors)
    packed = read_packed(stored, FORMATS[wanted])
    assert torch.equal(bits(packed.weight), bits(written.tensors["weight"]))
    assert packed.rotation == (16 if "rotated" in name else 0)
    np.testing.assert_allclose(packed.decode().double().numpy(), written.values, rtol=1e-5, atol=1e-6)
    part = read_packed(stored.rows(64, 128), FORMATS[wanted])  # as of a packed q-k-v
    assert torch.equal(bits(part.weight), bits(written.tensors["weight"][64:128]))
    assert torch.equal(part.scale, packed.scale[64:128])


@pytest.mark.parametrize(("name", "format"), ANEW)
def test_other_formats_are_decoded_and_quantised(name, format, matrix, tmp_path):
    written = quantized_files.FORMATS[name](matrix).marked() if name != "plain" else {"weight": torch.tensor(matrix)}
    stored = stored_as(tmp_path, written)
    packed = read_packed(stored, FORMATS[format])
    expected = quantize_rows(stored.read(torch.float32), FORMATS[format])
    assert torch.equal(bits(packed.weight), bits(expected.weight))
    assert torch.equal(packed.scale, expected.scale)
    assert packed.rotation == 0


def test_dtypes_to_keep_can_be_fewer(matrix, tmp_path):
    stored = stored_as(tmp_path, quantized_files.fp8(matrix, torch.float8_e5m2).marked())
    assert is_packed(stored, FP8.kept)
    assert not is_packed(stored, (FP8.dtype,))
    assert read_packed(stored, FP8, kept=(FP8.dtype,)).weight.dtype == torch.float8_e4m3fn


def plain_with(value):
    tensor = torch.ones(4, 8)
    tensor[1, 2] = value
    return tensor


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("format", [INT8, FP8], ids=["int8", "fp8"])
def test_values_that_are_no_numbers_name_the_file(format, dtype, tmp_path):
    stored = stored_as(tmp_path, {"weight": plain_with(torch.nan).to(dtype)})
    with pytest.raises(WeightsError, match=rf"w\.safetensors: a matrix cannot be quantised to {format.name}: .*NaN"):
        read_packed(stored, format)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_scale": torch.full((256, 1), torch.inf)}, "a scale is NaN or infinite"),
        ({"weight_scale": torch.ones(255, 1)}, r"a scale of the shape \(255, 1\) does not fit 256×64 values"),
    ],
)
def test_scales_that_do_not_fit_are_named_as_when_decoding(change, message, matrix, tmp_path):
    stored = stored_as(tmp_path, quantized_files.int8(matrix).marked() | change)
    with pytest.raises(WeightsError, match=message):
        read_packed(stored, INT8)


def test_a_rotation_that_does_not_divide_is_named(matrix, tmp_path):
    written = quantized_files.int8(matrix, rotated=16)
    written.declaration["convrot_groupsize"] = 256
    with pytest.raises(WeightsError, match="groups of 256 inputs do not divide 64"):
        read_packed(stored_as(tmp_path, written.marked()), INT8)


def test_a_rotation_that_is_no_power_of_four_is_named(matrix, tmp_path):
    written = quantized_files.int8(matrix, rotated=16)
    written.declaration["convrot_groupsize"] = 32
    with pytest.raises(WeightsError, match="a rotation of 32 inputs is not possible"):
        read_packed(stored_as(tmp_path, written.marked()), INT8)


def gguf_matrix(path, data, number, columns, remarks=()):
    shape = (len(data), columns)
    quantized_files.write_gguf(path / "w.gguf", {f"{LAYER}.weight": (shape, number, data.tobytes())}, remarks)
    return open_checkpoint(path / "w.gguf")[f"{LAYER}.weight"]


@pytest.mark.parametrize("number", quantized_files.BLOCKS)
def test_blocks_of_gguf_are_kept_as_stored(number, tmp_path):
    data = quantized_files.random_blocks(number, 12, 512)
    stored = gguf_matrix(tmp_path, data, number, 512)
    for where, rows in ((stored, slice(None)), (stored.rows(4, 8), slice(4, 8))):  # as of a packed q-k-v
        kept, blocks = read_blocks(where)
        assert np.array_equal(kept.numpy(), data[rows])
        assert torch.equal(blocks.decode(kept), where.read())


def test_matrices_without_blocks_that_can_stay(matrix, tmp_path):
    plain = stored_as(tmp_path, {"weight": torch.tensor(matrix)})
    int8 = stored_as(tmp_path, quantized_files.int8(matrix).marked())
    iq1_s = gguf_matrix(tmp_path, np.zeros((4, 50), dtype=np.uint8), 19, 256)  # a type that only `gguf` decodes
    assert [block_type(stored) for stored in (plain, int8, iq1_s)] == [None, None, None]
    with pytest.raises(ValueError, match="a matrix in IQ1_S has no blocks to keep"):
        read_blocks(iq1_s)


def test_blocks_of_another_shape_cannot_stay(tmp_path):
    remarks = [(f"comfy.gguf.orig_shape.{LAYER}.weight", 9, struct.pack("<IQ2i", 5, 2, 64, 32))]
    stored = gguf_matrix(tmp_path, quantized_files.random_blocks(8, 32, 64), 8, 64, remarks)
    assert stored.shape == (64, 32)
    assert block_type(stored) is block_type(stored.rows(0, 32)) is None


def test_blocks_that_hold_no_numbers_are_named_as_when_decoding(tmp_path):
    data = quantized_files.random_blocks(12, 4, 256)
    data[2, 2:4] = 0xFF
    stored = gguf_matrix(tmp_path, data, 12, 256)
    messages = []
    for read in (read_blocks, lambda stored: stored.read()):
        with pytest.raises(WeightsError, match=r"w\.gguf: .*w1\.weight \(Q4_K\) holds NaN") as caught:
            read(stored)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    read_blocks(stored.rows(0, 2))
