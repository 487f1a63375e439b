"""GGUF files of the writers that people use, and damaged ones; gguf's own decoder is the judge of values."""

import re
import struct

import numpy as np
import pytest
from zimage.errors import WeightsError
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.quantized import QuantizedTensor

from tests.zimage.quantized_files import gguf_string, write_gguf

gguf = pytest.importorskip("gguf")
F32, BF16, Q4_K, Q8_0 = 0, 30, 12, 8
QUANTIZED = [kind for kind in gguf.GGMLQuantizationType if hasattr(gguf.quants, kind.name) and kind.name != "BF16"]


def blocks(kind, rows, values=256):
    """Random bytes that are whole blocks, with small finite scales."""
    per_block, size_bytes = gguf.GGML_QUANT_SIZES[kind]
    data = np.random.default_rng(int(kind)).integers(0, 256, (rows, values // per_block * size_bytes), dtype=np.uint8)
    with np.errstate(all="ignore"):
        decoded = gguf.quants.dequantize(data, kind)
    return np.where(np.isfinite(decoded).all(1, keepdims=True), data, 0).astype(np.uint8)


@pytest.mark.parametrize("kind", QUANTIZED, ids=lambda kind: kind.name)
def test_every_type_is_decoded_whole_and_in_rows(kind, tmp_path):
    data = blocks(kind, 6)
    path = write_gguf(tmp_path / "w.gguf", {"layers.0.attention.qkv.weight": ((6, 256), int(kind), data.tobytes())})
    stored = open_checkpoint(path)["layers.0.attention.qkv.weight"]
    expected = gguf.quants.dequantize(data, kind)
    assert (stored.shape, stored.format) == ((6, 256), kind.name)
    assert np.array_equal(stored.read().numpy(), expected)
    assert np.array_equal(stored.rows(2, 4).read().numpy(), expected[2:4])


def test_the_library_writes_what_is_read(tmp_path):
    values = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(tmp_path / "w.gguf", "lumina2")
    writer.add_tensor("plain", values)
    writer.add_tensor("half", values.astype(np.float16))
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("quantised", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensors = open_checkpoint(tmp_path / "w.gguf")
    assert np.array_equal(tensors["plain"].read().numpy(), values)
    assert np.array_equal(tensors["half"].read().numpy(), values.astype(np.float16))
    assert isinstance(tensors["quantised"], QuantizedTensor)
    assert np.abs(tensors["quantised"].read().numpy() - values).max() < 0.05


def test_a_shape_that_was_flattened_comes_back(tmp_path):
    values = np.arange(24, dtype=np.float32)
    shape = struct.pack("<IQ3i", 5, 3, 2, 3, 4)
    remarks = [("comfy.gguf.orig_shape.w", 9, shape), ("a list", 9, struct.pack("<IQ", 8, 1) + gguf_string("x"))]
    path = write_gguf(tmp_path / "w.gguf", {"w": ((1, 24), F32, values.tobytes())}, remarks)
    assert np.array_equal(open_checkpoint(path)["w"].read().numpy(), values.reshape(2, 3, 4))


def test_a_file_is_known_by_its_content_not_by_its_name(tmp_path):
    path = write_gguf(tmp_path / "w.safetensors", {"w": ((4,), F32, bytes(16))}, architecture=None)
    assert open_checkpoint(path)["w"].shape == (4,)


def test_rows_of_a_shape_that_was_flattened_are_those_of_that_shape(tmp_path):
    kind = gguf.GGMLQuantizationType.Q8_0
    values = np.random.default_rng(0).normal(size=(32, 64)).astype(np.float32)
    data = gguf.quants.quantize(values, kind)
    remarks = [("comfy.gguf.orig_shape.w", 9, struct.pack("<IQ2i", 5, 2, 64, 32))]
    path = write_gguf(tmp_path / "w.gguf", {"w": ((32, 64), int(kind), data.tobytes())}, remarks)
    whole = gguf.quants.dequantize(data, kind).reshape(64, 32)
    stored = open_checkpoint(path)["w"]
    assert np.array_equal(stored.read().numpy(), whole)
    assert np.array_equal(stored.rows(8, 16).read().numpy(), whole[8:16])


def test_tensors_that_lie_over_each_other_are_named(tmp_path):
    path = write_gguf(tmp_path / "w.gguf", {"w": ((4,), F32, bytes(16)), "v": ((4,), F32, bytes(16))})
    place = path.read_bytes().index(gguf_string("v")) + len(gguf_string("v")) + 4 + 8 + 4
    data = bytearray(path.read_bytes())
    data[place : place + 8] = bytes(8)
    path.write_bytes(data)
    refused(path, "lies over another tensor")


def good(path):
    return write_gguf(path, {"w": ((2, 32), Q8_0, bytes(68)), "b": ((4,), F32, bytes(16))})


def refused(path, message):
    with pytest.raises(WeightsError, match=re.escape(message)) as caught:
        open_checkpoint(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kept", [4, 10, 30, 80, 150])
def test_a_truncated_header_is_named(kept, tmp_path):
    path = good(tmp_path / "w.gguf")
    path.write_bytes(path.read_bytes()[:kept])
    refused(path, "is truncated: its header ends")


def test_a_truncated_tensor_is_named(tmp_path):
    path = good(tmp_path / "w.gguf")
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "ends within 'b'")


@pytest.mark.parametrize(
    ("tensors", "options", "message"),
    [
        ({"w": ((2, 30), Q8_0, bytes(68))}, {}, "'w' (2, 30) is not made of blocks of 32 values"),
        ({"w": ((2, 32), 9, bytes(80))}, {}, "w is in the type Q8_1, which is not read"),
        ({"w": ((2, 32), 99, bytes(80))}, {}, "w is in the type 99, which is not read"),
        ({"w": ((4,), F32, bytes(16))}, {"version": 1}, "is of GGUF version 1; versions 2 and 3 are read"),
        ({"w": ((4,), F32, bytes(16))}, {"remarks": [("x", 77, b"")]}, "a remark of the unknown type 77"),
        ({"w": ((1,) * 5, F32, bytes(4))}, {}, "'w' has 5 dimensions"),
        (
            {"w": ((4,), F32, bytes(16))},
            {"remarks": [("comfy.gguf.orig_shape.w", 9, struct.pack("<IQ2i", 5, 2, 3, 3))]},
            "'w' has 4 values, not the shape [3, 3]",
        ),
    ],
)
def test_damage_is_named(tensors, options, message, tmp_path):
    refused(write_gguf(tmp_path / "w.gguf", tensors, **options), message)


def test_names_that_come_twice_are_named(tmp_path):
    path = write_gguf(tmp_path / "w.gguf", {"w": ((4,), F32, bytes(16)), "v": ((4,), F32, bytes(16))})
    path.write_bytes(path.read_bytes().replace(gguf_string("v"), gguf_string("w")))
    refused(path, "it has 'w' twice")


@pytest.mark.parametrize("at", [8, 16])
def test_counts_that_cannot_be_right_are_named(at, tmp_path):
    path = good(tmp_path / "w.gguf")
    data = bytearray(path.read_bytes())
    data[at : at + 8] = struct.pack("<Q", 2**62)
    path.write_bytes(data)
    refused(path, "cannot be right")


def test_values_that_are_no_numbers_are_named(tmp_path):
    block = struct.pack("<e", float("nan")) + bytes(32)
    path = write_gguf(tmp_path / "w.gguf", {"w": ((1, 32), Q8_0, block)})
    with pytest.raises(WeightsError, match=r"w \(Q8_0\) holds NaN or infinite values"):
        open_checkpoint(path)["w"].read()
