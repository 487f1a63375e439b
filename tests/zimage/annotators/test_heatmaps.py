"""Parts of an image and points of heatmaps, against transformers' own, whose two calls of SciPy are defined here."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from transformers.models.vitpose import image_processing_pil_vitpose as theirs
from zimage.annotators.heatmaps import Box, cut, to_points
from zimage.annotators.pose import PoseModel

from tests.zimage.annotator_folders import noise

SIZE = (48, 64)
BOXES = [(0, 0, 120, 90), (10.5, 20.25, 60, 40), (-30, -20, 90, 200), (70, 10, 30, 75)]
"""As left, top, width, height."""


def corners(box):
    left, top, width, height = box
    return left, top, left + width, top + height


def gaussian_filter(values, sigma, radius, axes):
    """SciPy's, by its definition: a cut bell, mirrored at the edges with the edge itself."""
    assert axes == (0, 1)
    offsets = np.arange(-radius[0], radius[0] + 1)
    bell = np.exp(-(offsets**2) / (2 * sigma**2))
    bell /= bell.sum()
    padded = np.pad(values.astype(np.float64), radius[0], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (len(bell), len(bell)))
    return np.einsum("ijkl,k,l->ij", windows, bell, bell).astype(values.dtype)


def affine_transform(values, matrix, output_shape, order):
    """SciPy's for the first order, by its definition: 0 beyond the centres of the outermost pixels."""
    assert order == 1
    rows, columns = np.mgrid[: output_shape[0], : output_shape[1]]
    at = matrix @ np.stack([rows.ravel(), columns.ravel(), np.ones(rows.size)])
    y, x = at[0], at[1]
    height, width = values.shape
    inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    top, left = np.minimum(y.astype(int), height - 2), np.minimum(x.astype(int), width - 2)
    down, right = y - top, x - left
    mixed = (
        values[top, left] * (1 - down) * (1 - right) + values[top, left + 1] * (1 - down) * right
        + values[top + 1, left] * down * (1 - right) + values[top + 1, left + 1] * down * right
    )  # fmt: skip
    return (np.floor(mixed + 0.5) * inside).astype(values.dtype).reshape(output_shape)


@pytest.fixture
def processor(monkeypatch):
    monkeypatch.setattr(theirs, "gaussian_filter", gaussian_filter, raising=False)
    monkeypatch.setattr(theirs, "affine_transform", affine_transform, raising=False)
    return transformers.VitPoseImageProcessorPil(size={"height": SIZE[1], "width": SIZE[0]})


def hills(seed: int, width: int = 12, height: int = 16) -> np.ndarray:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    tops = random.uniform(0, 1, (17, 2)) * (width - 1, height - 1)
    bells = [np.exp(-((x - right) ** 2 + (y - down) ** 2) / 6) * random.uniform(0.1, 1) for right, down in tops]
    return (np.stack(bells) + random.uniform(0, 0.02, (17, height, width))).astype(np.float32)


@pytest.mark.parametrize("box", BOXES)
def test_what_the_model_sees_is_what_transformers_shows_it(processor, box):
    image = noise(120, 90)
    expected = processor(image, boxes=[[list(box)]], return_tensors="np")["pixel_values"][0]
    model = PoseModel(None, {"size": {"width": SIZE[0], "height": SIZE[1]}})
    found = model.prepare(np.asarray(image), Box.around(corners(box), SIZE))
    levels = np.abs(found - expected) * 0.225 * 255
    assert levels.max() < 1.01
    assert (levels > 0.01).mean() < 0.005  # halves that are rounded the other way


@pytest.mark.parametrize("box", BOXES)
def test_points_are_those_of_transformers(processor, box):
    heat = hills(int(box[2]))
    outputs = SimpleNamespace(heatmaps=torch.from_numpy(heat)[None])
    [[expected]] = processor.post_process_pose_estimation(outputs, boxes=[[list(box)]])
    found = to_points(heat, Box.around(corners(box), SIZE))
    assert np.abs(found[:, :2] - expected["keypoints"].numpy()).max() < 1e-3
    assert np.abs(found[:, 2] - expected["scores"].numpy()).max() < 1e-7


def test_a_hill_between_pixels_is_found_between_them():
    y, x = np.mgrid[:16, :12]
    heat = np.exp(-((x - 5.3) ** 2 + (y - 7.6) ** 2) / 8).astype(np.float32)[None]
    box = Box(100.0, 200.0, 110.0, 150.0)  # ten pixels of the image a pixel of the map
    [[right, down, score]] = to_points(heat, box)
    assert (right, down) == (pytest.approx(45 + 53, abs=0.5), pytest.approx(125 + 76, abs=0.5))
    assert 0.9 < score <= 1


def test_a_box_takes_the_shape_of_what_the_model_sees():
    assert Box.around((10, 20, 50, 30), (48, 64)) == Box(30, 25, 50.0, pytest.approx(50 * 64 / 48))
    assert Box.around((10, 20, 14, 84), (48, 64)) == Box(12, 52, 60.0, 80.0)


def test_beyond_the_image_it_is_black():
    white = np.full((20, 20, 3), 255, np.uint8)
    part = cut(white, Box(0.0, 0.0, 20.0, 20.0), (21, 21))
    assert (part[10:, 10:] == 255).all()
    assert not part[:10].any()
    assert not part[:, :10].any()


def test_an_even_heatmap_gives_a_finite_point():
    found = to_points(np.zeros((17, 16, 12), np.float32), Box(50.0, 50.0, 60.0, 80.0))
    assert np.isfinite(found).all()
    assert (found[:, 2] == 0).all()
