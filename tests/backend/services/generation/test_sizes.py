from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.generation.sizes import CPU_MAX_AREA_PX, fit_size, nearest_size


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1024, 1024, (512, 512)),
        (2048, 1024, (720, 352)),
        (512, 512, (512, 512)),
        (256, 256, (256, 256)),
        (1024, 256, (1024, 256)),
        (1536, 1024, (624, 416)),
        (2048, 256, (1440, 176)),
    ],
)
def test_the_cpu_area(width, height, expected):
    assert fit_size(width, height, multiple=16, max_area=CPU_MAX_AREA_PX) == expected


def test_a_coarser_grid():
    assert fit_size(272, 272, multiple=32, max_area=None) == (288, 288)
    assert fit_size(256, 512, multiple=32, max_area=None) == (256, 512)


FEW = ((256, 256), (384, 256), (256, 384), (512, 512), (768, 512))


@pytest.mark.parametrize(
    ("width", "height", "max_area", "expected"),
    [
        (256, 256, None, (256, 256)),
        (1024, 1024, None, (512, 512)),
        (320, 320, None, (256, 256)),
        (1536, 1024, None, (768, 512)),
        (1536, 1024, CPU_MAX_AREA_PX, (384, 256)),
        (1024, 1536, CPU_MAX_AREA_PX, (256, 384)),
        (2048, 256, CPU_MAX_AREA_PX, (384, 256)),
        (512, 512, 100, (256, 256)),
    ],
)
def test_a_model_of_few_sizes_gets_the_nearest(width, height, max_area, expected):
    assert nearest_size(width, height, FEW, max_area) == expected


SIDES = st.integers(16, 128).map(lambda n: 16 * n)


@given(SIDES, SIDES, st.sampled_from([16, 32, 64]), st.sampled_from([None, CPU_MAX_AREA_PX]))
def test_any_size_lands_on_the_grid_and_below_the_area(width, height, multiple, max_area):
    fitted = fit_size(width, height, multiple=multiple, max_area=max_area)

    assert all(side % multiple == 0 and side > 0 for side in fitted)
    if max_area is not None:
        assert fitted[0] * fitted[1] <= max_area
        assert fitted == fit_size(*fitted, multiple=multiple, max_area=max_area)
    assert (fitted[0] >= fitted[1]) == (width >= height) or fitted[0] == fitted[1]
