"""Strict: what the model wants and what the files hold are the same, or an error names every difference."""

import json
import shutil

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from zimage.errors import WeightsError
from zimage.utils.loader import load_weights
from zimage.weights.files import safetensors_file
from zimage.weights.files.safetensors_file import StoredTensor

QUICK = settings(
    max_examples=80, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DAMAGES = ("cut", "flip", "lose", "empty", "swap", "forget", "invent", "garble")


class Small(nn.Module):
    """Parameters of several shapes, a frozen one, and a persistent buffer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)


class WithTable(Small):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(3.0), persistent=False)


@pytest.fixture
def source():
    torch.manual_seed(1)
    model = Small()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return model


@pytest.fixture
def empty():
    with torch.device("meta"):
        return Small()


def split(model):
    tensors = {name: value.clone() for name, value in model.state_dict().items()}
    names = list(tensors)
    return {name: tensors[name] for name in names[:3]}, {name: tensors[name] for name in names[3:]}


def assert_same(model, source, dtype):
    expected = source.state_dict()
    assert model.state_dict().keys() == expected.keys()
    for name, value in model.state_dict().items():
        wanted = expected[name].to(dtype) if dtype and expected[name].is_floating_point() else expected[name]
        assert value.dtype == wanted.dtype
        assert torch.equal(value, wanted)


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("sharded", [True, False])
def test_a_meta_model_is_filled(source, empty, tmp_path, save_shards, sharded, dtype, monkeypatch):
    monkeypatch.setattr(safetensors_file, "CHUNK_VALUES", 5)
    folder = tmp_path / "transformer"
    save_shards(folder, *(split(source) if sharded else [source.state_dict()]))
    load_weights(empty, folder, dtype=dtype)
    assert_same(empty, source, dtype)
    assert [p.requires_grad for p in empty.parameters()] == [p.requires_grad for p in source.parameters()]


def test_a_file_does_as_well_as_a_folder(source, empty, tmp_path):
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    load_weights(empty, tmp_path / "model.safetensors")
    assert_same(empty, source, None)


def test_every_tensor_at_fault_is_named_and_nothing_is_loaded(source, empty, tmp_path):
    tensors = source.state_dict()
    del tensors["scale"], tensors["inner.1.running_mean"]
    tensors["inner.0.weight"] = torch.ones(3, 5)
    tensors |= {"extra": torch.ones(1), "inner.9.bias": torch.ones(1)}
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError) as caught:
        load_weights(empty, tmp_path)
    for fault in (
        "missing scale",
        "missing inner.1.running_mean",
        "not expected extra",
        "not expected inner.9.bias",
        "misshapen inner.0.weight: 3×5 instead of 3×4",
    ):
        assert fault in str(caught.value)
    assert all(parameter.is_meta for parameter in empty.parameters())


@pytest.mark.parametrize(
    ("name", "stored", "words"),
    [
        ("inner.0.weight", torch.ones(3, 4, dtype=torch.int64), "inner.0.weight: it holds whole numbers"),
        ("inner.1.num_batches_tracked", torch.tensor(1.5), "num_batches_tracked: it holds fractions"),
    ],
)
def test_integers_do_not_fill_floating_point_parameters(source, empty, tmp_path, name, stored, words):
    save_file(source.state_dict() | {name: stored}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=words):
        load_weights(empty, tmp_path)


def test_renaming_can_also_leave_out(source, empty, tmp_path):
    tensors = {f"model.{name}": value for name, value in source.state_dict().items()}
    save_file(tensors | {"lm_head.weight": torch.ones(2)}, tmp_path / "model.safetensors")

    def rename(name):
        return None if name == "lm_head.weight" else name.removeprefix("model.")

    load_weights(empty, tmp_path, rename=rename)
    assert_same(empty, source, None)


def test_two_tensors_cannot_become_one(source, empty, tmp_path):
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="second scale"):
        load_weights(empty, tmp_path, rename=lambda _: "scale")


def test_a_table_left_on_the_meta_device_is_named_before_anything_is_read(source, tmp_path):
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    with torch.device("meta"):
        model = WithTable()
    with pytest.raises(WeightsError, match="table"):
        load_weights(model, tmp_path)
    assert model.scale.is_meta


def test_a_truncated_shard_is_named_before_anything_is_read(source, empty, tmp_path, save_shards):
    folder = save_shards(tmp_path / "t", *split(source))
    last = sorted(folder.glob("*.safetensors"))[-1]
    last.write_bytes(last.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{last.name} is truncated"):
        load_weights(empty, folder)
    assert all(parameter.is_meta for parameter in empty.parameters())


def test_a_tensor_that_cannot_be_read_is_named(source, empty, tmp_path, monkeypatch):
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    read = StoredTensor.read

    def fail(stored, *arguments):
        if stored.shape == (3, 4):
            raise WeightsError(f"{stored.path} cannot be read: Input/output error")
        return read(stored, *arguments)

    monkeypatch.setattr(StoredTensor, "read", fail)
    with pytest.raises(WeightsError, match=r"inner\.0\.weight: .*model\.safetensors cannot be read"):
        load_weights(empty, tmp_path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_chunk_is_held_besides_the_tensor_where_it_is_cast(source, empty, tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(safetensors_file, "CHUNK_VALUES", 2)
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    made, real = [], torch.empty

    def counted(*shape, **options):
        made.append(real(*shape, **options))
        return made[-1]

    monkeypatch.setattr(torch, "empty", counted)
    load_weights(empty, tmp_path, dtype=dtype)
    own = sum(value.numel() for value in source.state_dict().values())
    n_cast = 0 if dtype == torch.float32 else len(list(source.parameters())) + 2  # and the running mean and variance
    assert sum(tensor.numel() for tensor in made) == own + 2 * n_cast


def damage(folder, kind, data):
    """Harms a folder in one way; returns the file at fault."""
    shards, (index,) = sorted(folder.glob("*.safetensors")), folder.glob("*.json")
    shard = data.draw(st.sampled_from(shards))
    content = shard.read_bytes()
    weight_map = json.loads(index.read_text("utf-8"))["weight_map"]
    if kind == "cut":
        shard.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    elif kind == "flip":
        header_bytes = 8 + int.from_bytes(content[:8], "little")
        bit = data.draw(st.integers(0, 8 * header_bytes - 1))
        shard.write_bytes(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
    elif kind == "lose":
        shard.unlink()
    elif kind == "empty":
        shard.write_bytes(b"")
    elif kind == "swap":
        shards[0].rename(folder / "x")
        shards[1].rename(shards[0])
        (folder / "x").rename(shards[1])
    elif kind == "garble":
        shard, text = index, index.read_bytes()
        index.write_bytes(text[: data.draw(st.integers(0, len(text) - 2))])
    else:
        name = data.draw(st.sampled_from(sorted(weight_map)))
        weight_map.pop(name) if kind == "forget" else weight_map.update({f"{name}x": weight_map[name]})
        index.write_text(json.dumps({"weight_map": weight_map}), "utf-8")
        shard = index
    return shard


@QUICK
@given(kind=st.sampled_from(DAMAGES), data=st.data())
def test_a_damaged_folder_is_an_error_that_names_the_file_or_does_no_harm(kind, data, source, tmp_path, save_shards):
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    file = damage(save_shards(folder, *split(source)), kind, data)
    with torch.device("meta"):
        model = Small()
    told = None
    try:
        load_weights(model, folder)
    except WeightsError as error:
        told = str(error)
    if told is None:
        assert kind == "flip"  # some bits of a header mean nothing, like those of a space
        assert_same(model, source, None)
    else:
        assert file.name in told
        assert all(parameter.is_meta for parameter in model.parameters())
