"""The script that measures LoRAs, on a model of a few values."""

from __future__ import annotations

import pytest

from bench import loras


@pytest.mark.slow
def test_it_gives_a_row_of_each():
    rows = loras.measure(loras.parse(["tiny", "--size", "64", "--rounds", "2"]))
    assert [row.bar for row in rows] == [loras.SHARE_BAR, loras.EXCHANGE_BAR]
    assert rows[0].value.startswith("× ")
    assert rows[1].value.endswith(" ms")
