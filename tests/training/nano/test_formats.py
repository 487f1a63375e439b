"""The table of formats: files are written and drawn with, and distances are told."""

import math

import numpy as np
import pytest
import torch
from training.nano import formats
from training.nano.formats import Drawn, draw_labels, open_as_gguf, psnr
from training.nano.random_weights import make_random_nano

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


class Labels:
    """A source whose things are called by their numbers."""

    class Named:
        label = "a fox"

    english = (Named, Named)


def test_every_format_draws_and_the_coarser_is_farther_away(folder, monkeypatch):
    monkeypatch.setattr(formats, "THING_PX", 64)
    monkeypatch.setattr(formats, "judge_logits", lambda judge, pictures: torch.eye(2)[: len(pictures)])
    drawn = {
        name: draw_labels(load(), None, Labels, [0, 1])
        for name, load in formats.formats(folder).items()
        if name in ("float32", "int8", "GGUF Q8_0", "GGUF Q4_0")
    }
    exact = drawn["float32"].pictures
    assert (exact.shape, drawn["float32"].share) == ((2, 3, 64, 64), 1.0)
    fine, coarse = (psnr(drawn[name].pictures, exact) for name in ("GGUF Q8_0", "GGUF Q4_0"))
    assert math.inf > fine > coarse > 10
    assert psnr(drawn["int8"].pictures, exact) > coarse


def test_what_stays_wide_is_kept_as_it_is(folder):
    pipeline = open_as_gguf(folder, "Q4_0")
    plain = formats.formats(folder)["float32"]()
    own, other = (model.transformer.state_dict() for model in (pipeline, plain))
    assert torch.equal(own["cap_embedder.1.weight"], other["cap_embedder.1.weight"])
    packed = [name for name in other if own[name].dtype == torch.uint8]
    assert packed
    assert all("attention" in name or "feed_forward" in name for name in packed)
    assert all(torch.equal(own[name], other[name]) for name in other if name not in packed)


def test_configurations_are_those_of_the_folder(folder):
    config = open_as_gguf(folder, "Q8_0").text_encoder.model.config
    assert config == formats.formats(folder)["float32"]().text_encoder.model.config


def test_equal_pictures_are_as_near_as_can_be():
    pictures = torch.from_numpy(np.zeros((2, 3, 4, 4), dtype=np.float32))
    assert psnr(pictures, pictures) == pytest.approx(120.0)
    assert psnr(pictures + 0.1, pictures) == pytest.approx(20.0, abs=1e-3)
    assert Drawn(pictures, 0.5).share == 0.5
