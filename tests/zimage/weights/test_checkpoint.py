"""One file, or shards that an index joins; whatever does not fit is named, all of it."""

import json

import pytest
import torch
from safetensors.torch import save_file
from zimage.errors import WeightsError
from zimage.weights.checkpoint import open_checkpoint

INDEX = "diffusion_pytorch_model.safetensors.index.json"
SHARD = "diffusion_pytorch_model-{:05}-of-00002.safetensors"
ONE, TWO = {"a": torch.ones(2), "b": torch.ones(3)}, {"c": torch.ones(4)}


@pytest.fixture
def folder(save_shards, tmp_path):
    return save_shards(tmp_path / "transformer", ONE, TWO)


def edit_index(folder, **weight_map):
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}), "utf-8")


def test_shards_are_one_checkpoint(folder):
    tensors = open_checkpoint(folder)
    assert {name: stored.shape for name, stored in tensors.items()} == {"a": (2,), "b": (3,), "c": (4,)}
    assert tensors["c"].path == folder / SHARD.format(2)


def test_a_single_file_needs_no_index(tmp_path):
    save_file(ONE, tmp_path / "model.safetensors")
    assert open_checkpoint(tmp_path) == open_checkpoint(tmp_path / "model.safetensors")
    assert list(open_checkpoint(tmp_path)) == ["a", "b"]


def test_every_missing_and_every_truncated_shard_is_named(save_shards, tmp_path):
    folder = save_shards(tmp_path / "t", ONE, TWO, {"d": torch.ones(1)})
    shards = sorted(folder.glob("*.safetensors"))
    shards[0].unlink()
    shards[2].write_bytes(shards[2].read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{shards[0].name} cannot be read.*{shards[2].name} is truncated"):
        open_checkpoint(folder)


def test_tensors_that_index_and_shards_tell_differently_are_named(folder):
    edit_index(folder, a=SHARD.format(1), lost=SHARD.format(1), c=SHARD.format(1), other=SHARD.format(2))
    with pytest.raises(WeightsError) as caught:
        open_checkpoint(folder)
    for fault in (
        f"{SHARD.format(1)} lacks c",
        f"{SHARD.format(1)} lacks lost",
        f"{SHARD.format(1)} holds b, unknown to the index",
        f"{SHARD.format(2)} lacks other",
        f"{SHARD.format(2)} holds c, unknown to the index",
    ):
        assert fault in str(caught.value)


def test_a_file_beside_the_shards_is_told(folder):
    save_file(ONE, folder / "old.safetensors")
    with pytest.raises(WeightsError, match=r"several checkpoints.*old\.safetensors"):
        open_checkpoint(folder)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"x"', "{}", '{"weight_map": []}', '{"weight_map": {}}', "[" * 100_000]
)
def test_a_damaged_index_is_named(folder, content):
    (folder / INDEX).write_text(content, "utf-8")
    with pytest.raises(WeightsError, match=INDEX):
        open_checkpoint(folder)


@pytest.mark.parametrize(
    "shard", ["../secret.safetensors", "/etc/x.safetensors", "a\\b.safetensors", "C:x.safetensors", "x.bin", "", 7]
)
def test_an_index_cannot_name_files_elsewhere(folder, shard):
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": shard}}), "utf-8")
    with pytest.raises(WeightsError, match="beside it"):
        open_checkpoint(folder)


def test_several_checkpoints_in_one_folder_are_not_guessed_between(tmp_path):
    for name in ("model.safetensors", "other.safetensors"):
        save_file(ONE, tmp_path / name)
    with pytest.raises(WeightsError, match=r"model\.safetensors, other\.safetensors"):
        open_checkpoint(tmp_path)


def test_a_variant_beside_a_checkpoint_is_left_alone(tmp_path):
    for name in ("model.safetensors", "model.fp16.safetensors", "model.fp16-00001-of-00001.safetensors"):
        save_file(ONE if name == "model.safetensors" else TWO, tmp_path / name)
    assert open_checkpoint(tmp_path) == open_checkpoint(tmp_path / "model.safetensors")


def test_a_variant_beside_shards_is_left_alone(folder):
    expected = open_checkpoint(folder)
    save_file(ONE, folder / "diffusion_pytorch_model.fp16.safetensors")
    (folder / "diffusion_pytorch_model.fp16.safetensors.index.json").write_text("{")
    assert open_checkpoint(folder) == expected


def test_a_variant_alone_is_the_checkpoint(tmp_path):
    save_file(ONE, tmp_path / "model.fp16.safetensors")
    assert list(open_checkpoint(tmp_path)) == ["a", "b"]


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(WeightsError, match=r"no \.safetensors file"):
        open_checkpoint(tmp_path)
