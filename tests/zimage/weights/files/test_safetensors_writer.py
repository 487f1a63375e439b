"""What is written is read by the library itself; a file is whole or absent."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from zimage.errors import WeightsError
from zimage.weights.files import safetensors_file
from zimage.weights.files.safetensors_file import read_header
from zimage.weights.files.safetensors_writer import is_written, plan, write_file


@pytest.fixture
def tensors():
    torch.manual_seed(3)
    return {
        "flags": torch.tensor([True, False, True]),
        "half": torch.randn(3).to(torch.bfloat16),
        "matrix": torch.randn(7, 5),
        "scalar": torch.tensor(0.1),
        "empty": torch.empty(0, 4),
        "whole": torch.arange(5),
    }


@pytest.fixture
def stored(tensors, tmp_path):
    save_file(tensors, tmp_path / "source.safetensors")
    return read_header(tmp_path / "source.safetensors")


def planned(stored, dtype=None):
    return [plan(name, [part], dtype) for name, part in stored.items()]


@pytest.mark.parametrize("chunk", [3, 16 * 2**20])
@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float32])
def test_the_library_reads_what_is_written(tensors, stored, tmp_path, chunk, dtype, monkeypatch):
    monkeypatch.setattr(safetensors_file, "CHUNK_VALUES", chunk)
    path, told = tmp_path / "new.safetensors", []
    write_file(path, planned(stored, dtype), told.append)
    read = load_file(path)
    assert read.keys() == tensors.keys()
    for name, value in tensors.items():
        expected = value.to(dtype) if dtype and value.is_floating_point() else value
        assert read[name].dtype == expected.dtype
        assert torch.equal(read[name], expected)
    assert sum(told) == sum(tensor.size_bytes for tensor in planned(stored, dtype))
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_every_tensor_lies_aligned(stored, tmp_path):
    write_file(tmp_path / "new.safetensors", planned(stored))
    assert all(new.offset % new.dtype.itemsize == 0 for new in read_header(tmp_path / "new.safetensors").values())


def test_parts_are_joined_along_the_first_axis(tensors, stored, tmp_path):
    matrix = stored["matrix"]
    joined = plan("joined", [matrix.rows(4, 7), matrix.rows(0, 1)], torch.float32)
    write_file(tmp_path / "new.safetensors", [joined])
    expected = torch.cat([tensors["matrix"][4:7], tensors["matrix"][:1]])
    assert torch.equal(load_file(tmp_path / "new.safetensors")["joined"], expected)


def test_parts_of_different_kinds_cannot_be_joined(stored):
    with pytest.raises(WeightsError, match="joined"):
        plan("joined", [stored["matrix"], stored["half"]], None)


def test_an_interruption_leaves_what_was_there(stored, tmp_path):
    path = tmp_path / "new.safetensors"
    path.write_bytes(b"old")

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(path, planned(stored), stop)
    assert path.read_bytes() == b"old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.safetensors", "source.safetensors"]


def test_a_file_counts_as_written_when_it_is_whole_and_the_same(stored, tmp_path):
    path = tmp_path / "new.safetensors"
    assert not is_written(path, planned(stored))
    write_file(path, planned(stored))
    assert is_written(path, planned(stored))
    assert not is_written(path, planned(stored, torch.bfloat16))
    assert not is_written(path, planned(stored)[:-1])
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_written(path, planned(stored))
