"""Control images of depth and people, from an image of any mode and the folders of a kind."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from zimage.annotators import annotate as module
from zimage.annotators.annotate import annotate
from zimage.annotators.depth import DepthModel
from zimage.annotators.folders import choose, describe
from zimage.annotators.pose import PoseModel
from zimage.errors import ConfigError

from tests.zimage.annotator_folders import noise, save_depth, save_detector, save_pose

PEOPLE = {0: "person", 1: "person"}
IMAGE = noise(120, 90)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("annotators")
    saved = save_depth(root / "depth"), save_pose(root / "pose"), save_detector(root / "people", labels=PEOPLE)
    return [describe(folder) for folder in saved]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK"])
def test_images_of_any_mode_are_seen(folders, mode):
    made = annotate(IMAGE.convert(mode), choose(folders, "depth"))
    assert (made.mode, made.size) == ("RGB", (120, 90))
    assert np.asarray(made).max() == 255


def test_it_is_the_model_of_the_kind(folders):
    expected = DepthModel.load(folders[0]).annotate(IMAGE.convert("RGB"))
    assert annotate(IMAGE, choose(folders, "depth")).tobytes() == expected.tobytes()
    skeleton = annotate(IMAGE, choose(folders[:2], "pose"), min_score=0.0)
    assert np.asarray(skeleton).any()
    assert skeleton.tobytes() != expected.tobytes()


def test_scores_decide_what_is_drawn(folders):
    files = choose(folders, "pose")
    assert files.detector is not None
    [person, *_] = PoseModel.load(files.model, files.detector).find(IMAGE.convert("RGB"), 0.0)
    middle = float(np.median(person[:, 2]))
    drawn = [np.asarray(annotate(IMAGE, files, min_score=score, min_person=0.0)) for score in (0.0, middle)]
    assert 0 < (drawn[1] > 0).sum() < (drawn[0] > 0).sum()


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("depth", {"low": 1}, "depth takes no options, got low"),
        ("pose", {"low": 1}, "pose takes min_score, min_person, got low"),
        ("pose", {"min_score": 1.5}, "min_score from 0 to 1, got 1.5"),
        ("pose", {"min_person": float("nan")}, "min_person from 0 to 1, got nan"),
    ],
)
def test_options_are_checked_before_anything_is_loaded(folders, kind, options, said, monkeypatch):
    monkeypatch.setattr(module, "DepthModel", None)
    monkeypatch.setattr(module, "PoseModel", None)
    with pytest.raises(ConfigError, match=said):
        annotate(IMAGE, choose(folders, kind), **options)


def test_a_score_of_people_needs_a_detector(folders):
    with pytest.raises(ConfigError, match="there is none: leave it out"):
        annotate(IMAGE, choose(folders[:2], "pose"), min_person=0.4)


def test_the_model_is_let_go(folders, monkeypatch):
    held = []
    load = DepthModel.load

    def watched(folder, device):
        model = load(folder, device)
        held.append(weakref.ref(model.model))
        return model

    monkeypatch.setattr(module, "DepthModel", type("Watched", (), {"load": staticmethod(watched)}))
    annotate(IMAGE, choose(folders, "depth"))
    gc.collect()
    assert [one() for one in held] == [None]
