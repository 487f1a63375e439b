from __future__ import annotations

import json

import pytest

from backend.utils.safetensors_header import count_values
from tests.backend.fakes import write_safetensors


@pytest.mark.parametrize(("shape", "count"), [((2, 3), 6), ((5,), 5), ((), 1), ((0, 4), 0)])
def test_values_are_counted_without_reading_them(tmp_path, shape, count):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, shape)
    assert count_values(path) == count


def test_metadata_are_no_tensor(tmp_path):
    path = tmp_path / "a.safetensors"
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": {"shape": [7]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert count_values(path) == 7


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0\0\0\0{", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0\xff\xfe"])
def test_a_damaged_header_is_a_value_error(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        count_values(path)
