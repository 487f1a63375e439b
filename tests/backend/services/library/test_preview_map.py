from __future__ import annotations

import pytest

from backend.services.library.preview_map import FLUX_VAE_MAP, PreviewMap, parse_preview_map


def test_a_map_is_read():
    assert parse_preview_map({"rows": [[1, 2, 3], [4, 5, 6.5]], "offset": [0, 0, -1]}) == PreviewMap(
        rows=((1.0, 2.0, 3.0), (4.0, 5.0, 6.5)), offset=(0.0, 0.0, -1.0)
    )


@pytest.mark.parametrize(
    "value", [{}, [], 3, {"rows": []}, {"rows": [[1, 2]], "offset": [0, 0, 0]}, {"rows": 3, "offset": [0, 0, 0]},
              {"rows": [["x", 2, 3]], "offset": [0, 0, 0]}]
)  # fmt: skip
def test_anything_else_is_none(value):
    with pytest.raises(ValueError, match=r"preview map|could not convert|unpack"):
        parse_preview_map(value)


def test_the_map_of_the_published_models_has_their_channels():
    assert len(FLUX_VAE_MAP.rows) == 16
