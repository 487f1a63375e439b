"""People through tiny models, and through models that find what a test says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from zimage.annotators.folders import ARCHITECTURES, describe
from zimage.annotators.heatmaps import Box
from zimage.annotators.pose import MAX_PEOPLE, Detector, PoseModel
from zimage.errors import ConditionError, WeightsError

from tests.zimage.annotator_folders import change_config, noise, save_detector, save_pose

IMAGE = noise(200, 150)


class Heated(torch.nn.Module):
    """A pose model that finds all joints in the middle of what it sees."""

    def __init__(self, heat: float = 1.0) -> None:
        super().__init__()
        self.config = SimpleNamespace(backbone_config=SimpleNamespace(num_experts=1))
        self.device = torch.device("cpu")
        self.heat = heat
        self.batches: list[int] = []

    def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        self.batches.append(len(pixel_values))
        y, x = torch.meshgrid(torch.arange(33), torch.arange(25), indexing="ij")
        hill = torch.exp(-((x - 12) ** 2 + (y - 16) ** 2) / 8) * self.heat
        return SimpleNamespace(heatmaps=hill.expand(len(pixel_values), 17, 33, 25))


def finder(*boxes: tuple[float, ...]) -> SimpleNamespace:
    return SimpleNamespace(find=lambda image, min_score: list(boxes))


@pytest.mark.parametrize("experts", [1, 6])
@pytest.mark.parametrize("size", [(200, 150), (40, 300), (7, 5)])
def test_a_folder_draws_people_of_every_size_of_image(tmp_path, experts, size):
    model = PoseModel.load(describe(save_pose(tmp_path / "a", experts=experts)))
    made = model.annotate(IMAGE.resize(size), min_score=0.0, min_person=0.5)
    assert (made.mode, made.size) == ("RGB", size)
    assert np.asarray(made).any()


def test_heatmaps_are_those_of_transformers(tmp_path):
    folder = save_pose(tmp_path / "a")
    model = PoseModel.load(describe(folder))
    part = model.prepare(np.asarray(IMAGE), Box.around((0, 0, 200, 150), model.size))
    assert part.shape == (3, 64, 48)
    peer = transformers.VitPoseForPoseEstimation.from_pretrained(folder)
    with torch.no_grad():
        expected = peer(pixel_values=torch.from_numpy(part)[None]).heatmaps.numpy()
    found = model.heatmaps(part[None])
    assert found.std() > 0.01
    assert np.array_equal(found, expected)


def test_of_the_whole_body_the_first_points_are_drawn(tmp_path):
    model = PoseModel.load(describe(save_pose(tmp_path / "a", labels=133)))
    assert model.find(IMAGE, 0.5)[0].shape == (133, 3)
    assert np.asarray(model.annotate(IMAGE, min_score=0.0, min_person=0.5)).any()


def test_without_a_detector_the_image_is_one_persons():
    [person] = PoseModel(Heated(), {}).find(IMAGE, 0.5)
    assert np.abs(person[:, :2] - (100, 75)).max() < 0.01


def test_with_a_detector_each_box_has_a_person():
    model = Heated()
    boxes = [(10, 20, 50, 100), (100, 10, 180, 140), (0, 0, 20, 20), (50, 50, 90, 90), (1, 1, 9, 9)]
    people = PoseModel(model, {}, finder(*boxes)).find(IMAGE, 0.5)
    assert [tuple(np.round(person[0, :2]).astype(int)) for person in people] == [
        (30, 60), (140, 75), (10, 10), (70, 70), (5, 5)
    ]  # fmt: skip
    assert model.batches == [4, 1]


def test_nobody_is_told_by_what_was_missing():
    with pytest.raises(ConditionError, match=r"none with a score of 0\.4 or more"):
        PoseModel(Heated(), {}, finder()).annotate(IMAGE, 0.3, 0.4)
    with pytest.raises(ConditionError, match=r"no keypoint has a score of 0\.3 or more"):
        PoseModel(Heated(0.2), {}).annotate(IMAGE, 0.3, 0.4)


@pytest.mark.parametrize("kind", sorted(kind for kind, one in ARCHITECTURES.items() if one.role == "detector"))
def test_boxes_are_those_of_people_as_transformers_finds_them(tmp_path, kind):
    folder = save_detector(tmp_path / "a", kind)
    peer = transformers.AutoModelForObjectDetection.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    with torch.no_grad():
        outputs = peer(**processor(images=IMAGE, return_tensors="pt"))
    [expected] = processor.post_process_object_detection(outputs, threshold=0.0, target_sizes=[(150, 200)])
    found_by_peer = zip(expected["boxes"].tolist(), expected["labels"].tolist(), strict=True)
    boxes = [tuple(box) for box, label in found_by_peer if label == 0]
    change_config(folder, id2label={"0": " Person", "1": "cat"})
    found = Detector.load(describe(folder)).find(IMAGE, 0.0)
    change_config(folder, id2label={"0": "cat", "1": "person"})
    others = Detector.load(describe(folder)).find(IMAGE, 0.0)
    assert sorted(found) == sorted(boxes)
    assert len(found) + len(others) == len(expected["boxes"]) > 0


def test_a_class_that_is_no_person_is_left_out_and_the_surest_come_first():
    scores = torch.linspace(0.1, 0.9, 50)
    boxes = torch.arange(50).float()[:, None].expand(-1, 4)
    found = {"scores": scores, "labels": torch.tensor([0, 1] * 25), "boxes": boxes}

    class Processor:
        def __call__(self, images, return_tensors):
            return transformers.BatchFeature({"pixel_values": torch.zeros(1, 3, 4, 4)})

        def post_process_object_detection(self, outputs, threshold, target_sizes):
            assert (threshold, target_sizes) == (0.5, [(150, 200)])
            return [found]

    class Model:
        device = "cpu"

        def __call__(self, **_inputs):
            return None

    corners = Detector(Model(), Processor(), frozenset({1})).find(IMAGE, 0.5)
    assert [int(box[0]) for box in corners] == list(range(49, 0, -2))
    assert len(corners) <= MAX_PEOPLE


def test_a_processor_that_makes_no_sense_is_told(tmp_path):
    folder = save_pose(tmp_path / "mine")
    (folder / "preprocessor_config.json").write_text('{"size": "large"}')
    with pytest.raises(WeightsError, match=r"mine cannot be loaded: its preprocessor_config\.json"):
        PoseModel.load(describe(folder))
