"""Files are read as the safetensors library reads them, and damage is an error that names the file."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from zimage.errors import WeightsError
from zimage.weights.files import safetensors_file
from zimage.weights.files.safetensors_file import DTYPES, read_header, read_tensor

QUICK = settings(
    max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write_raw(path, header, data=b""):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def header_or_error(path):
    try:
        return None, read_header(path)
    except WeightsError as error:
        return str(error), {}


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    return {
        "matrix": torch.randn(7, 5),
        "half": torch.randn(3).to(torch.bfloat16),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 4),
        "whole": torch.arange(9).view(3, 3),
        "flags": torch.tensor([True, False]),
        "eighth": torch.randn(6).to(torch.float8_e4m3fn),
    }


@pytest.fixture
def path(tensors, tmp_path):
    save_file(tensors, tmp_path / "a.safetensors", metadata={"format": "pt"})
    return tmp_path / "a.safetensors"


@pytest.mark.parametrize("chunk", [2, 16 * 2**20])
def test_values_are_those_of_the_library(path, tensors, chunk, monkeypatch):
    monkeypatch.setattr(safetensors_file, "CHUNK_VALUES", chunk)
    header = read_header(path)
    assert header.keys() == tensors.keys()
    for name, expected in tensors.items():
        read = read_tensor(header[name])
        assert (read.dtype, read.shape) == (expected.dtype, expected.shape)
        assert torch.equal(read.view(-1).view(torch.uint8), expected.view(-1).view(torch.uint8))


def test_floating_point_values_are_cast_and_others_kept(path, tensors):
    header = read_header(path)
    cast = read_tensor(header["matrix"], torch.bfloat16)
    assert torch.equal(cast, tensors["matrix"].to(torch.bfloat16))
    assert read_tensor(header["eighth"], torch.float32).dtype == torch.float32
    assert read_tensor(header["whole"], torch.bfloat16).dtype == torch.int64
    assert read_tensor(header["flags"], torch.bfloat16).dtype == torch.bool


def test_rows_are_a_view_of_the_same_file(path, tensors):
    rows = read_header(path)["matrix"].rows(2, 5)
    assert torch.equal(read_tensor(rows), tensors["matrix"][2:5])


def test_tensors_come_in_the_order_of_the_file(path):
    offsets = [stored.offset for stored in read_header(path).values()]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_every_known_dtype_is_named_as_the_library_names_it(tmp_path, dtype):
    save_file({"w": torch.zeros(3, dtype=dtype)}, tmp_path / "w.safetensors")
    assert read_header(tmp_path / "w.safetensors")["w"].dtype == dtype


@QUICK
@given(data=st.data())
def test_a_truncated_file_is_named_wherever_it_ends(path, data):
    whole = path.read_bytes()
    keep = data.draw(st.integers(0, len(whole) - 1))
    cut = path.with_name("cut.safetensors")
    cut.write_bytes(whole[:keep])
    with pytest.raises(WeightsError, match=r"cut\.safetensors is truncated"):
        read_header(cut)


@QUICK
@given(data=st.data())
def test_a_flipped_bit_in_the_header_is_an_error_or_harmless(path, data):
    whole = bytearray(path.read_bytes())
    header_bytes = 8 + int.from_bytes(whole[:8], "little")
    bit = data.draw(st.integers(0, 8 * header_bytes - 1))
    whole[bit // 8] ^= 1 << bit % 8
    bent = path.with_name("bent.safetensors")
    bent.write_bytes(whole)
    told, header = header_or_error(bent)
    assert told is None or "bent.safetensors" in told
    for stored in header.values():
        read_tensor(stored)


@QUICK
@given(content=st.binary(max_size=200))
def test_random_bytes_are_no_safetensors_file(tmp_path, content):
    path = tmp_path / "any.safetensors"
    path.write_bytes(content)
    told, header = header_or_error(path)
    assert header == {}
    assert told is None or "any.safetensors" in told


@pytest.mark.parametrize(
    ("header", "data", "told"),
    [
        (b"{", b"", "no JSON"),
        (b"[" * 100_000, b"", "no JSON"),
        (b"\xff\xfe", b"", "no JSON"),
        ([1], b"", "a list"),
        ({"w": entry()}, b"\0" * 4, "truncated.* 'w'"),
        ({"v": entry(), "w": entry(offsets=(8, 16))}, b"\0" * 12, "truncated.* 'w'"),
        ({"v": entry(), "w": entry(offsets=(8, 16))}, b"\0" * 7, "truncated.* 'v'"),
        ({"w": entry()}, b"\0" * 9, "1 bytes follow"),
        ({"w": entry("F4")}, b"\0" * 8, "'w' has the dtype 'F4'"),
        ({"w": entry(shape=(3,))}, b"\0" * 8, "'w' makes no sense"),
        ({"w": entry(shape=(-2,), offsets=(0, -8))}, b"", "'w' makes no sense"),
        ({"w": entry(shape=(True, 2))}, b"\0" * 8, "'w' makes no sense"),
        ({"w": entry(offsets=(-8, 0))}, b"\0" * 8, "'w' makes no sense"),
        ({"w": {"dtype": "F32", "shape": [2]}}, b"", "'w' makes no sense"),
        ({"w": 1}, b"", "'w' makes no sense"),
        ({"v": entry(), "w": entry(offsets=(4, 12))}, b"\0" * 12, "'w' begins at"),
        ({"v": entry(), "w": entry(offsets=(16, 24))}, b"\0" * 24, "'w' begins at"),
        ({"v": entry(), "w": entry()}, b"\0" * 8, "'w' begins at"),
    ],
)
def test_a_header_that_lies_is_told(tmp_path, header, data, told):
    with pytest.raises(WeightsError, match=told):
        read_header(write_raw(tmp_path / "w.safetensors", header, data))


def test_a_header_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little"))
    with pytest.raises(WeightsError, match="1099511627776"):
        read_header(path)


def test_a_file_that_shrinks_after_its_header_was_read(path):
    header = read_header(path)
    last = list(header.values())[-1]
    with path.open("r+b") as file:
        file.truncate(last.offset)
    with pytest.raises(WeightsError, match="truncated"):
        read_tensor(last)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.safetensors"):
        read_header(tmp_path / "absent.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(WeightsError, match=r"folder\.safetensors"):
        read_header(tmp_path / "folder.safetensors")


def test_the_embedded_weights_read_as_the_library_reads_them(request):
    path = request.config.rootpath / "Z-Image/ckpts/zimage-nano/vae/diffusion_pytorch_model.safetensors"
    expected = load_file(path)
    header = read_header(path)
    assert header.keys() == expected.keys()
    assert all(torch.equal(read_tensor(header[name]), value) for name, value in expected.items())
