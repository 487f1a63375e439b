"""Where annotators lie, which is used, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.models.config import Settings
from backend.services.errors import UnknownAnnotator
from backend.services.library.annotators import ANNOTATORS, Annotators
from backend.services.library.catalogue import Catalogue
from tests.backend.fakes import make_annotator

LABELS = {"id2label": {"0": "person"}}
KEYPOINTS = {"id2label": {str(at): f"part {at}" for at in range(17)}}


@pytest.fixture
def home(settings: Settings) -> Path:
    assert settings.annotators_dir == settings.data_dir / ANNOTATORS
    return settings.annotators_dir


def test_without_any_it_says_what_fits_and_where_it_is_to_be_put(settings):
    annotators = Annotators(settings)
    assert (annotators.look(), annotators.kinds()) == ([], frozenset())
    for kind, model_type in (("depth", "depth_anything"), ("pose", "vitpose")):
        with pytest.raises(UnknownAnnotator) as refused:
            annotators.find(kind)
        said = str(refused.value)
        for part in (f"no {'depth model' if kind == 'depth' else 'ViTPose'}", model_type, "ZIMAGE_ANNOTATORS_DIR",
                     "config.json", "preprocessor_config.json", "model.safetensors", "finished image"):  # fmt: skip
            assert part in said
        assert str(settings.data_dir) not in said
        assert annotators.remark(kind) == (False, said)


def test_a_folder_that_is_put_there_is_found_without_a_restart(settings, home):
    annotators = Annotators(settings)
    depth = make_annotator(home / "small")
    assert annotators.kinds() == {"depth"}
    assert annotators.find("depth").model.path == depth
    assert annotators.remark("depth") == (True, "With small.")
    make_annotator(home / "pose", "vitpose", **KEYPOINTS)
    assert annotators.kinds() == {"depth", "pose"}
    assert annotators.find("pose").detector is None
    assert "the whole image is one person's" in annotators.remark("pose")[1]
    make_annotator(home / "people", "rt_detr", **LABELS)
    assert annotators.find("pose").detector.path.name == "people"
    assert annotators.remark("pose") == (True, "With pose, and people, which finds the people.")


def test_what_is_broken_is_named_and_passed_over(settings, home):
    annotators = Annotators(settings)
    (make_annotator(home / "a") / "model.safetensors").unlink()
    make_annotator(home / "b", "clip")
    with pytest.raises(UnknownAnnotator, match=r"a cannot be used: model\.safetensors is missing.*b cannot be used"):
        annotators.find("depth")
    make_annotator(home / "c")
    assert annotators.find("depth").model.name == "c"
    assert [folder.name for folder in annotators.look()] == ["a", "b", "c"]


def test_hidden_folders_and_files_are_none(settings, home):
    make_annotator(home / ".cache" / "x")
    make_annotator(home / ".hidden")
    (home / "config.json").write_text("{}")
    (home / "empty").mkdir()
    assert Annotators(settings).look() == []


def test_those_beside_the_models_are_found_after_ones_own(settings, tmp_path):
    beside = tmp_path / "models"
    own = settings.model_copy(update={"models_dir": beside})
    make_annotator(beside / ANNOTATORS / "b")
    make_annotator(settings.base_dir / "Z-Image" / "ckpts" / ANNOTATORS / "c")
    assert [folder.name for folder in Annotators(own).look()] == ["b", "c"]
    make_annotator(settings.annotators_dir / "z")
    assert Annotators(own).find("depth").model.name == "z"


def test_comfyui_s_folder_of_models_may_have_them(settings, tmp_path):
    comfy = tmp_path / "ComfyUI"
    (comfy / "models" / "diffusion_models").mkdir(parents=True)
    make_annotator(comfy / "models" / ANNOTATORS / "depth")
    assert Annotators(settings.model_copy(update={"models_dir": comfy})).kinds() == {"depth"}
    paths = comfy / "extra_model_paths.yaml"
    paths.write_text("{}")
    assert Annotators(settings.model_copy(update={"models_dir": paths})).kinds() == frozenset()


def test_they_are_no_weights_of_a_model(settings, tmp_path):
    beside = tmp_path / "models"
    make_annotator(beside / ANNOTATORS / "depth")
    own = settings.model_copy(update={"models_dir": beside})
    assert Catalogue(own).weight_files() == []


def test_a_folder_that_cannot_be_read_is_empty(settings, home, monkeypatch, caplog):
    make_annotator(home / "a")

    def refuse(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert Annotators(settings).look() == []
    assert "cannot be read: Permission denied" in caplog.text
