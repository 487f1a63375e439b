"""Which of a folder's files are the checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from zimage.errors import WeightsError
from zimage.weights.selection import choose_checkpoint, find_checkpoints

MODEL, INDEX = "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json"
FP16_INDEX = "diffusion_pytorch_model.fp16.safetensors.index.json"
SHARDS = [f"diffusion_pytorch_model-{number:05}-of-00002.safetensors" for number in (1, 2)]
FP16_SHARDS = [name.replace("model-", "model.fp16-") for name in SHARDS]


@pytest.fixture
def fill(tmp_path):
    """Makes empty weight files, and indices that name shards."""

    def fill(*files: str, **indices: list[str]) -> None:
        for name in files:
            (tmp_path / name).touch()
        for name, shards in indices.items():
            file = {"main": INDEX, "fp16": FP16_INDEX}[name]
            (tmp_path / file).write_text(json.dumps({"weight_map": {str(i): s for i, s in enumerate(shards)}}))

    return fill


@pytest.mark.parametrize("hidden", ["._" + MODEL, "." + MODEL, "._" + INDEX, "._" + SHARDS[0]])
def test_hidden_files_are_no_weights(fill, tmp_path, hidden):
    fill(hidden)
    with pytest.raises(WeightsError, match=r"no \.safetensors file"):
        choose_checkpoint(tmp_path)
    fill(MODEL)
    assert choose_checkpoint(tmp_path).files == (tmp_path / MODEL,)


def test_an_index_of_a_variant_that_is_not_there_is_passed_over(fill, tmp_path):
    fill(MODEL, fp16=FP16_SHARDS)
    assert choose_checkpoint(tmp_path).path.name == MODEL


def test_an_index_whose_shards_are_not_there_is_passed_over(fill, tmp_path):
    fill(MODEL, SHARDS[0], main=SHARDS)
    assert choose_checkpoint(tmp_path).path.name == MODEL


def test_a_variant_that_is_whole_counts_where_the_other_is_not(fill, tmp_path):
    fill(SHARDS[1], *FP16_SHARDS, main=SHARDS, fp16=FP16_SHARDS)
    assert choose_checkpoint(tmp_path).path.name == FP16_INDEX


def test_of_two_whole_ones_the_variant_is_left_alone(fill, tmp_path):
    fill(*SHARDS, *FP16_SHARDS, "diffusion_pytorch_model.fp16.safetensors", main=SHARDS, fp16=FP16_SHARDS)
    assert choose_checkpoint(tmp_path).path.name == INDEX


def test_a_damaged_index_does_not_hide_a_whole_file(fill, tmp_path):
    fill(MODEL)
    (tmp_path / INDEX).write_text("{")
    assert choose_checkpoint(tmp_path).path.name == MODEL


def test_what_is_missing_is_named(fill, tmp_path):
    fill(SHARDS[0], main=SHARDS)
    fault = choose_checkpoint(tmp_path).fault
    assert f"{SHARDS[1]} is missing" in fault
    assert SHARDS[0] not in fault


@pytest.mark.parametrize("name", [MODEL, SHARDS[0]])
def test_a_link_to_nothing_is_no_file(fill, tmp_path, name):
    fill(SHARDS[1], main=SHARDS) if name != MODEL else None
    (tmp_path / name).symlink_to(tmp_path / "gone")
    assert "link to a file that is not there" in choose_checkpoint(tmp_path).fault


def test_shards_without_their_index_are_no_checkpoint(fill, tmp_path):
    fill(*SHARDS)
    assert find_checkpoints(tmp_path) == []


def test_choosing_imports_no_torch(request):
    script = "import sys, zimage.weights.selection; sys.exit('torch' in sys.modules)"
    source = request.config.rootpath / "Z-Image" / "src"
    assert subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(source)}, check=False).returncode == 0
