"""What a folder is, and what it lacks, without loading it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from zimage.annotators.folders import choose, describe, is_metric

from tests.zimage.annotator_folders import LABELS

CONFIGS = {
    "depth": {"model_type": "depth_anything", "architectures": ["DepthAnythingForDepthEstimation"]},
    "pose": {"model_type": "vitpose", "id2label": {str(at): f"part {at}" for at in range(17)}},
    "detector": {"model_type": "rt_detr", "id2label": {str(at): name for at, name in LABELS.items()}},
}


def make(folder: Path, role: str = "depth", **config: object) -> Path:
    """Writes a folder that looks whole; a file of weights need not be one here."""
    folder.mkdir(parents=True)
    values = {**CONFIGS[role], **config}
    (folder / "config.json").write_text(
        json.dumps({name: value for name, value in values.items() if value is not None})
    )
    (folder / "preprocessor_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def fault(folder: Path) -> str:
    found = describe(folder)
    assert found is not None
    return found.fault or ""


@pytest.mark.parametrize("role", CONFIGS)
def test_a_whole_folder_is_told_by_its_configuration(tmp_path, role):
    found = describe(make(tmp_path / "any name", role))
    assert (found.role, found.fault, found.name) == (role, None, "any name")


def test_a_folder_without_a_configuration_is_nobodys_business(tmp_path):
    assert describe(tmp_path) is None
    assert describe(tmp_path / "gone") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "[" * 100_000])
def test_a_damaged_configuration_is_named(tmp_path, text):
    folder = make(tmp_path / "a")
    (folder / "config.json").write_text(text)
    assert fault(folder) == "Config.json is no JSON object."
    assert describe(folder).role is None


@pytest.mark.parametrize("model_type", ["clip", None, 3, ["dpt"]])
def test_another_architecture_is_refused_with_those_that_are_read(tmp_path, model_type):
    said = fault(make(tmp_path / "a", model_type=model_type))
    assert repr(model_type) in said
    for name in ("depth_anything", "dpt", "glpn", "zoedepth", "vitpose", "rt_detr", "detr"):
        assert name in said


def test_a_model_for_something_else_is_refused(tmp_path):
    said = fault(make(tmp_path / "a", model_type="dpt", architectures=["DPTForSemanticSegmentation"]))
    assert "DPTForSemanticSegmentation" in said
    assert "DPTForDepthEstimation is needed" in said


def test_a_backbone_that_lies_elsewhere_is_refused(tmp_path):
    said = fault(make(tmp_path / "a", "detector", model_type="detr", backbone="resnet50", use_timm_backbone=True))
    assert "'resnet50'" in said
    assert "no_timm" in said
    whole = make(tmp_path / "b", backbone="some/where", backbone_config={"model_type": "dinov2"})
    assert describe(whole).fault is None


@pytest.mark.parametrize(("count", "is_read"), [(17, True), (133, True), (16, False), (52, False), (0, False)])
def test_keypoints_are_those_of_coco(tmp_path, count, is_read):
    said = fault(make(tmp_path / "a", "pose", id2label={str(at): "x" for at in range(count)}))
    assert (not said) == is_read
    assert is_read or f"{count} keypoints" in said


@pytest.mark.parametrize("labels", [{"0": "cat"}, None, ["person"]])
def test_a_detector_that_knows_no_people_is_refused(tmp_path, labels):
    assert "no label 'person'" in fault(make(tmp_path / "a", "detector", id2label=labels))


def test_files_that_are_missing_are_named_and_pickles_are_none(tmp_path):
    folder = make(tmp_path / "a")
    (folder / "preprocessor_config.json").unlink()
    assert fault(folder) == "preprocessor_config.json is missing."
    (folder / "preprocessor_config.json").write_text("nothing")
    assert "no JSON object" in fault(folder)
    (folder / "preprocessor_config.json").write_text("{}")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "model.safetensors is missing; weights are read from safetensors only" in fault(folder)


def test_weights_in_parts_are_all_there(tmp_path):
    folder = make(tmp_path / "a")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    assert fault(folder) == ""
    index.write_text(json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}))
    assert fault(folder) == "model-2.safetensors is missing."
    index.write_text(json.dumps({"weight_map": {"a": "../a/model-1.safetensors"}}))
    assert "../a/model-1.safetensors is missing" in fault(folder)
    index.write_text("{}")
    assert fault(folder) == "model.safetensors.index.json names no files."


def test_the_first_usable_folders_are_chosen(tmp_path):
    broken = make(tmp_path / "a")
    (broken / "model.safetensors").unlink()
    depth, pose = make(tmp_path / "b"), make(tmp_path / "c", "pose")
    found = [describe(folder) for folder in (broken, depth, make(tmp_path / "d"), pose)]
    assert choose(found, "depth").model.path == depth
    assert choose(found, "depth").detector is None
    assert choose(found, "pose").model.path == pose
    assert choose(found, "pose").detector is None
    detector = make(tmp_path / "e", "detector")
    assert choose([*found, describe(detector)], "pose").detector.path == detector
    assert choose([describe(detector)], "pose") is None
    assert choose([], "depth") is None


@pytest.mark.parametrize(
    ("config", "metric"),
    [
        ({"model_type": "depth_anything"}, False),
        ({"model_type": "depth_anything", "depth_estimation_type": "relative"}, False),
        ({"model_type": "depth_anything", "depth_estimation_type": "metric"}, True),
        ({"model_type": "dpt"}, False),
        ({"model_type": "dpt", "add_projection": False}, False),
        ({"model_type": "dpt", "add_projection": True}, True),
        ({"model_type": "glpn"}, True),
        ({"model_type": "zoedepth"}, True),
    ],
)
def test_which_models_give_distances(config, metric):
    assert is_metric(config) is metric


def test_nothing_slow_is_imported_to_look_at_a_folder(tmp_path):
    make(tmp_path / "a")
    script = (
        "import sys; from pathlib import Path; from zimage.annotators.folders import describe\n"
        "slow = [name for name in ('torch', 'transformers') if name in sys.modules]\n"
        f"print(describe(Path({str(tmp_path / 'a')!r})).role, slow)"
    )
    paths = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script], env=paths, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["depth", "[]"]
