"""Models from folders: what is missing is told, nothing is fetched, no pickle is read."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from zimage.annotators.folders import AnnotatorFolder, describe
from zimage.annotators.loading import MAX_ASPECT, load_model, load_processor, usable
from zimage.errors import ConditionError, WeightsError

from tests.zimage.annotator_folders import change_config, save_depth, save_detector, save_pose

PLAIN = {"format": "pt"}


def rewrite(folder: Path, keep) -> None:
    path = folder / "model.safetensors"
    tensors = {name: value for name, value in load_file(path).items() if keep(name)}
    save_file(tensors, path, PLAIN)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_given, **_named):
        raise AssertionError("something asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("save", [save_depth, save_pose, save_detector])
def test_a_model_is_loaded_in_float32_without_the_network(tmp_path, save):
    folder = save(tmp_path / "a")
    rewrite(folder, lambda _name: True)
    change_config(folder, dtype="float16", torch_dtype="float16")
    model = load_model(describe(folder), "cpu")
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert not model.training


@pytest.mark.parametrize(
    "name", ["neck.fusion_stage.layers.0.residual_layer1.convolution1.weight", "head.head.0.weight"]
)
def test_a_missing_weight_is_told_unless_it_is_never_used(tmp_path, name):
    folder = save_depth(tmp_path / "a", "dpt")
    assert name in load_file(folder / "model.safetensors")
    rewrite(folder, lambda one: one != name)
    if "residual_layer1" in name:
        load_model(describe(folder), "cpu")
        return
    with pytest.raises(WeightsError, match=rf"a lacks 1 weights, for example {name}"):
        load_model(describe(folder), "cpu")


def test_weights_of_another_size_or_damaged_are_told_by_the_folders_name(tmp_path):
    folder = save_depth(tmp_path / "secret" / "mine", "dpt")
    change_config(folder, fusion_hidden_size=12)
    with pytest.raises(WeightsError, match=r"^mine cannot be loaded") as caught:
        load_model(describe(folder), "cpu")
    change_config(folder, fusion_hidden_size=8)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match=r"^mine cannot be loaded") as again:
        load_model(describe(folder), "cpu")
    assert "secret" not in f"{caught.value}{again.value}"


def test_a_pickle_beside_is_not_read(tmp_path):
    folder = save_depth(tmp_path / "a")
    described = describe(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="a cannot be loaded"):
        load_model(described, "cpu")


def test_code_of_others_is_not_run(tmp_path):
    folder = save_depth(tmp_path / "a")
    (folder / "evil.py").write_text("raise SystemExit('run')")
    change_config(folder, auto_map={"AutoConfig": "evil.Config", "AutoModelForDepthEstimation": "evil.Model"})
    assert type(load_model(describe(folder), "cpu")).__name__ == "DepthAnythingForDepthEstimation"


def test_a_folder_that_cannot_be_used_says_why(tmp_path):
    with pytest.raises(WeightsError, match="mine cannot be used: It is odd"):
        load_model(AnnotatorFolder(tmp_path / "mine", fault="It is odd."), "cpu")


def test_a_processor_that_makes_no_sense_is_told(tmp_path):
    folder = save_depth(tmp_path / "a")
    (folder / "preprocessor_config.json").write_text('{"size": "large"}')
    with pytest.raises(WeightsError, match="a cannot be loaded"):
        load_processor(describe(folder))


def test_an_architecture_that_transformers_lacks_is_told(tmp_path, monkeypatch):
    import transformers
    from zimage.annotators import folders

    folder = describe(save_depth(tmp_path / "a"))
    monkeypatch.setattr(folders, "ARCHITECTURES", {"depth_anything": folders.Architecture("depth", "Nope", "NopeToo")})
    with pytest.raises(WeightsError, match=f"transformers {transformers.__version__} does not have"):
        load_model(folder, "cpu")
    with pytest.raises(WeightsError, match="does not have"):
        load_processor(folder)


def test_small_images_are_enlarged_and_narrow_ones_refused():
    assert usable(Image.new("RGB", (300, 200))).size == (300, 200)
    assert usable(Image.new("RGB", (1, 1))).size == (64, 64)
    assert usable(Image.new("RGB", (32, 16))).size == (128, 64)
    assert usable(Image.new("RGB", (10, 10 * MAX_ASPECT))).size == (64, 64 * MAX_ASPECT)
    with pytest.raises(ConditionError, match=r"8 times.*10×81"):
        usable(Image.new("RGB", (10, 81)))


def test_large_images_are_shrunk_where_the_model_would_look_at_all_of_them():
    assert usable(Image.new("RGB", (4000, 3000)), 1024).size == (1024, 768)
    assert usable(Image.new("RGB", (800, 600)), 1024).size == (800, 600)
    assert usable(Image.new("RGB", (8, 8)), 1024).size == (64, 64)
    assert usable(Image.new("RGB", (4000, 3000))).size == (4000, 3000)
