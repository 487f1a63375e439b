"""Decoded values are those of the formulas, whole and in rows."""

import numpy as np
import pytest
import torch
from zimage.quant.layouts import decode_e8m0, hadamard, rotate_groups, unpack_fp4, untile, widen_e4m3
from zimage.quant.schemes import spread

from tests.zimage.quantized_files import HADAMARD, tiled


def test_nibbles_are_read_from_the_upper_half_first():
    assert unpack_fp4(torch.tensor([[0x17, 0x9F]], dtype=torch.uint8)).tolist() == [[0.5, 6.0, -0.5, -6.0]]


def test_tiles_are_read_back_in_plain_order():
    scales = np.arange(130 * 6).reshape(130, 6)
    assert np.array_equal(untile(torch.from_numpy(tiled(scales)), 130, 6).numpy(), scales)


def test_every_e4m3_is_widened_exactly():
    values = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn)
    numbers = ~values.float().isnan()
    assert numbers.sum() == 254
    assert torch.equal(widen_e4m3(values)[numbers], values.float()[numbers])


def test_powers_of_two():
    values = decode_e8m0(torch.tensor([0, 126, 127, 130, 255], dtype=torch.uint8))
    assert values[:4].tolist() == [2.0**-127, 0.5, 1.0, 8.0]
    assert values[4].isnan()


@pytest.mark.parametrize("size", [4, 16, 64, 256])
def test_a_rotation_is_its_own_inverse(size):
    weight = torch.randn(3, 2 * size)
    torch.testing.assert_close(rotate_groups(rotate_groups(weight, size), size), weight)
    assert torch.equal(hadamard(size), hadamard(size).T)


def test_a_rotation_is_a_kronecker_power():
    assert np.allclose(hadamard(16).numpy(), np.kron(HADAMARD, HADAMARD) / 4)


@pytest.mark.parametrize("size", [8, 3])
def test_a_rotation_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="power of four"):
        hadamard(size)


def test_a_scale_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"a scale of the shape \(5,\) does not fit 4×8 values"):
        spread(torch.ones(5), 4, 8)
