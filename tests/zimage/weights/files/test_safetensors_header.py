"""Headers are read without torch, and damage is an error that names the file."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from zimage.errors import WeightsError
from zimage.weights.files.safetensors_header import count_values, read_entries


def write_header(path, header):
    encoded = json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded)
    return path


@pytest.mark.parametrize(("shape", "count"), [((2, 3), 6), ((5,), 5), ((), 1), ((0, 4), 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool])
def test_count_of_values_is_that_of_the_shape(tmp_path, shape, count, dtype):
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.zeros(shape, dtype=dtype)}, path, metadata={"format": "pt"})
    assert count_values(path) == count


def test_count_of_values_needs_no_known_dtype(tmp_path):
    entry = {"dtype": "F4", "shape": [7], "data_offsets": [0, 4]}
    path = write_header(tmp_path / "a.safetensors", {"__metadata__": {"format": "pt"}, "w": entry})
    path.write_bytes(path.read_bytes() + bytes(4))
    assert count_values(path) == 7


def test_a_file_that_ends_too_early_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.ones(3)}, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=r"a\.safetensors is truncated"):
        count_values(path)


def test_header_tells_where_the_values_start(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.ones(3)}, path)
    header = read_entries(path)
    assert (header.file_bytes, header.file_bytes - header.start) == (path.stat().st_size, 12)
    assert header.entries.keys() == {"weight"}


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0\0\0\0{", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0\xff\xfe"])
def test_damaged_header_is_named(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.safetensors"):
        read_entries(path)


@pytest.mark.parametrize(
    "entry",
    [{}, 1, {"shape": 1}, {"shape": ["x"]}, {"shape": [[1], 2]}, {"shape": None},
     {"shape": [1]}, {"shape": [1], "data_offsets": []}, {"shape": [1], "data_offsets": [0, "x"]}],
)  # fmt: skip
def test_entry_without_a_shape_is_damage(tmp_path, entry):
    path = write_header(tmp_path / "a.safetensors", {"w": entry})
    with pytest.raises(WeightsError, match=r"a\.safetensors is damaged"):
        count_values(path)


def test_reading_headers_imports_no_torch(request):
    script = "import sys, zimage.weights.files.safetensors_header; sys.exit('torch' in sys.modules)"
    source = request.config.rootpath / "Z-Image" / "src"
    done = subprocess.run([sys.executable, "-c", script], cwd=source, timeout=60, check=False)
    assert done.returncode == 0
