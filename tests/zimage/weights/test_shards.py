import json

import pytest
import torch
from safetensors.torch import save_file
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.files.safetensors_file import read_header
from zimage.weights.files.safetensors_writer import plan, write_file
from zimage.weights.shards import divide, index_of, stem_of


@pytest.fixture
def planned(tmp_path):
    save_file({name: torch.ones(n) for name, n in zip("abcd", (10, 20, 5, 1), strict=True)}, tmp_path / "s.safetensors")
    stored = read_header(tmp_path / "s.safetensors")
    return [plan(name, [stored[name]], None) for name in "abcd"]


def names(shards):
    return {file: [tensor.name for tensor in group] for file, group in shards.items()}


def test_what_fits_is_one_file_without_an_index(planned):
    shards = divide("model", planned, 1000)
    assert names(shards) == {"model.safetensors": list("abcd")}
    assert index_of("model", shards) == {}


@pytest.mark.parametrize(
    ("limit_bytes", "groups"), [(120, ["ab", "cd"]), (100, ["a", "bc", "d"]), (1, list("abcd")), (143, ["abc", "d"])]
)
def test_files_are_filled_in_order(planned, limit_bytes, groups):
    shards = divide("model", planned, limit_bytes)
    assert list(names(shards).values()) == [list(group) for group in groups]
    assert next(iter(shards)) == f"model-00001-of-{len(groups):05}.safetensors"


def test_shards_and_index_are_a_checkpoint(planned, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    shards = divide("diffusion_pytorch_model", planned, 100)
    for file, group in shards.items():
        write_file(folder / file, group)
    for file, text in index_of("diffusion_pytorch_model", shards).items():
        (folder / file).write_text(text, "utf-8")
        assert json.loads(text)["metadata"]["total_size"] == 36 * 4
    assert sorted(open_checkpoint(folder)) == list("abcd")
    assert stem_of(folder) == "diffusion_pytorch_model"


def test_the_stem_is_that_of_the_files(tmp_path):
    assert stem_of(tmp_path) == "diffusion_pytorch_model"
    (tmp_path / "model.safetensors").touch()
    assert stem_of(tmp_path) == "model"
