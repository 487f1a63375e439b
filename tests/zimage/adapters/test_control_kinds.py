"""What the headers of published files show, at their real numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from zimage.adapters.control_kinds import KINDS, ControlShape, Refiner, choose_kind, is_control, read_shape
from zimage.config import TransformerConfig
from zimage.errors import WeightsError
from zimage.weights.files.safetensors_file import StoredTensor

TURBO = TransformerConfig()
PUBLISHED = {
    "v1": (ControlShape(3840, 16, 6, 2, Refiner.PLAIN), (0, 5, 10, 15, 20, 25)),
    "2.0": (ControlShape(3840, 33, 15, 2, Refiner.CONTROL), tuple(range(0, 30, 2))),
    "2.1": (ControlShape(3840, 33, 15, 2, Refiner.CONTROL), tuple(range(0, 30, 2))),
    "2.1-lite": (ControlShape(3840, 33, 3, 2, Refiner.CONTROL), (0, 10, 20)),
}


def stored(*shape: int) -> StoredTensor:
    return StoredTensor(Path("x"), 0, torch.bfloat16, shape)


def header(shape: ControlShape) -> dict[str, StoredTensor]:
    tensors = {"control_all_x_embedder.2-1.weight": stored(shape.dim, 4 * shape.channels)}
    tensors |= {f"control_layers.{index}.after_proj.weight": stored(2, 2) for index in range(shape.n_layers)}
    leaf = "after_proj.weight" if shape.refiner is Refiner.CONTROL else "feed_forward.w1.weight"
    return tensors | {f"control_noise_refiner.{index}.{leaf}": stored(2, 2) for index in range(shape.n_refiners)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_are_told_apart(name):
    shape, places = PUBLISHED[name]
    assert read_shape(header(shape)) == shape
    kind = choose_kind(shape, TURBO, lambda: name == "2.0")
    assert (kind.name, kind.places(30)) == (name, places)


def test_values_are_asked_for_only_where_they_decide():
    def never() -> bool:
        raise AssertionError

    for name in ("v1", "2.1-lite"):
        assert choose_kind(PUBLISHED[name][0], TURBO, never).name == name


@pytest.mark.parametrize(
    "shape",
    [
        ControlShape(3840, 33, 10, 2, Refiner.CONTROL),
        ControlShape(3840, 17, 15, 2, Refiner.CONTROL),
        ControlShape(3840, 16, 15, 2, Refiner.PLAIN),
        ControlShape(3840, 33, 15, 2, Refiner.PLAIN),
        ControlShape(3840, 33, 3, 0, Refiner.LAYERS),
    ],
    ids=str,
)
def test_others_are_refused_with_all_that_are_read(shape):
    with pytest.raises(WeightsError, match="no known kind") as caught:
        choose_kind(shape, TURBO, lambda: False)
    assert all(kind.name in str(caught.value) for kind in KINDS)
    assert f"{shape.n_layers} control layers, {shape.channels} channels" in str(caught.value)


def test_another_number_of_refiners_is_refused():
    with pytest.raises(WeightsError, match="3 blocks"):
        choose_kind(ControlShape(3840, 33, 3, 3, Refiner.CONTROL), TURBO, lambda: False)


@pytest.mark.parametrize("shape", [(), (8,), (8, 0), (8, 63)])
def test_an_embedder_of_no_shape_is_damaged(shape):
    with pytest.raises(WeightsError, match=r"control_all_x_embedder\.2-1\.weight"):
        read_shape({"control_all_x_embedder.2-1.weight": stored(*shape)})


def test_names_tell_a_controlnet():
    assert is_control(header(PUBLISHED["v1"][0]))
    assert not is_control({"layers.0.attention.to_q.weight": 0})
