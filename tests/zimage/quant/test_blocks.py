"""Blocks of ggml: every value is, to the last bit, what the `gguf` package decodes."""

import numpy as np
import pytest
import torch
from zimage.quant import blocks as blocks_module
from zimage.quant.blocks import BLOCK_TYPES

gguf = pytest.importorskip("gguf")
TYPES = pytest.mark.parametrize("number", BLOCK_TYPES, ids=[blocks.name for blocks in BLOCK_TYPES.values()])
ROWS, COLUMNS = 12, 768


def random_bytes(number, rows=ROWS):
    blocks = BLOCK_TYPES[number]
    shape = (rows, COLUMNS // blocks.n_values * blocks.size_bytes)
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def decoded(data, number):
    with np.errstate(all="ignore"):
        return gguf.quants.dequantize(data, gguf.GGMLQuantizationType(number))


def test_the_types_that_people_use_are_there():
    expected = "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS"
    assert [blocks.name for blocks in BLOCK_TYPES.values()] == expected.split()


@TYPES
def test_names_and_sizes_are_those_of_ggml(number):
    kind, blocks = gguf.GGMLQuantizationType(number), BLOCK_TYPES[number]
    assert (blocks.name, blocks.n_values, blocks.size_bytes) == (kind.name, *gguf.GGML_QUANT_SIZES[kind])
    assert blocks.columns(5 * blocks.size_bytes) == 5 * blocks.n_values


@pytest.mark.parametrize("piece", [1, 1000, 2**19])
@TYPES
def test_random_bytes_are_decoded_to_the_last_bit(number, piece, monkeypatch):
    monkeypatch.setattr(blocks_module, "CACHED_VALUES", piece)
    data = random_bytes(number)
    expected = decoded(data, number)
    given = BLOCK_TYPES[number].decode(torch.from_numpy(data)).numpy()
    assert given.shape == (ROWS, COLUMNS)
    numbers = ~np.isnan(expected)
    assert numbers.mean() > 0.5
    assert np.array_equal(np.isnan(given), ~numbers)
    assert np.array_equal(given.view(np.uint32)[numbers], expected.view(np.uint32)[numbers])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@TYPES
def test_values_are_rounded_once(number, dtype):
    data = torch.from_numpy(random_bytes(number))
    blocks = BLOCK_TYPES[number]
    torch.testing.assert_close(
        blocks.decode(data, dtype), blocks.decode(data).to(dtype), rtol=0, atol=0, equal_nan=True
    )


@TYPES
def test_rows_are_decoded_alone(number):
    data, blocks = torch.from_numpy(random_bytes(number)), BLOCK_TYPES[number]
    torch.testing.assert_close(blocks.decode(data[3:5]), blocks.decode(data)[3:5], rtol=0, atol=0, equal_nan=True)


@TYPES
def test_what_is_no_number_is_found_without_decoding(number):
    data, blocks = random_bytes(number, 200), BLOCK_TYPES[number]
    finite = np.isfinite(decoded(data, number)).all(1)
    assert 0 < finite.sum() < 200
    for row, is_finite in zip(torch.from_numpy(data), finite, strict=True):
        assert blocks.is_finite(row[None]) == is_finite
