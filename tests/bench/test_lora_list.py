"""The measurement of the list of LoRAs, on a few."""

from __future__ import annotations

from bench.lora_list import measure


def test_it_measures_what_it_says(tmp_path):
    rows = measure(tmp_path, count=3, runs=1)
    assert len(rows) == 4
    assert all(row.value.split()[1] in ("s", "ms") for row in rows)
