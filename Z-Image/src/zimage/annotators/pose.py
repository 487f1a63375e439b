"""People in an image by ViTPose, each in the box of a detector of objects; both run by transformers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from zimage.annotators.folders import CONFIG, PROCESSOR, AnnotatorFolder, people_labels, read_json
from zimage.annotators.heatmaps import Box, cut, to_points
from zimage.annotators.loading import load_model, load_processor, usable
from zimage.annotators.skeleton import Keypoints, draw_skeletons
from zimage.errors import ConditionError, WeightsError

Corners = tuple[float, float, float, float]

MAX_PEOPLE = 32
AT_ONCE = 4
COCO_EXPERT = 0
"""Of ViTPose+, which has an expert a dataset."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, where the processor's file says nothing else."""


class Detector:
    """Finds people."""

    def __init__(self, model: Any, processor: Any, labels: frozenset[int]) -> None:
        """Joins transformers' model with its processor of images.

        Args:
            model: gives boxes and classes.
            processor: of images.
            labels: numbers of the class of people.
        """
        self.model = model
        self.processor = processor
        self.labels = labels

    @classmethod
    def load(cls, folder: AnnotatorFolder, device: str | torch.device = "cpu") -> Detector:
        """Loads a folder.

        Raises:
            WeightsError: a file is missing or damaged.
        """
        processor = load_processor(folder)
        return cls(load_model(folder, device), processor, people_labels(read_json(folder.path / CONFIG)))

    @torch.inference_mode()
    def find(self, image: Image.Image, min_score: float) -> list[Corners]:
        """Returns the corners of the boxes of people in an RGB image, the surest first."""
        inputs = self.processor(images=[image], return_tensors="pt").to(self.model.device)
        outputs = self.model(**inputs)
        sizes = [(image.height, image.width)]
        [found] = self.processor.post_process_object_detection(outputs, threshold=min_score, target_sizes=sizes)
        rows = zip(found["scores"].tolist(), found["labels"].tolist(), found["boxes"].tolist(), strict=True)
        people = sorted(((score, tuple(box)) for score, label, box in rows if label in self.labels), reverse=True)
        return [corners for _, corners in people[:MAX_PEOPLE]]


class PoseModel:
    """Finds the keypoints of people."""

    def __init__(self, model: Any, settings: dict[str, Any], detector: Detector | None = None) -> None:
        """Joins transformers' model with the settings of its processor.

        Args:
            model: gives heatmaps.
            settings: of the processor's file.
            detector: of people; None takes the whole image for one person's box.
        """
        size = settings.get("size") or {}
        self.model = model
        self.detector = detector
        self.size = int(size.get("width", 192)), int(size.get("height", 256))
        self._mean = np.asarray(settings.get("image_mean") or MEAN, np.float32)
        self._std = np.asarray(settings.get("image_std") or STD, np.float32)
        self._scale = float(settings.get("rescale_factor") or 1 / 255)

    @classmethod
    def load(
        cls, folder: AnnotatorFolder, detector: AnnotatorFolder | None = None, device: str | torch.device = "cpu"
    ) -> PoseModel:
        """Loads a folder of ViTPose, and that of a detector.

        Raises:
            WeightsError: a file is missing or damaged.
        """
        finder = None if detector is None else Detector.load(detector, device)
        settings = read_json(folder.path / PROCESSOR)
        model = load_model(folder, device)
        try:
            return cls(model, settings, finder)
        except (TypeError, ValueError, AttributeError) as error:
            raise WeightsError(f"{folder.name} cannot be loaded: its {PROCESSOR} makes no sense ({error})") from error

    def find(self, image: Image.Image, min_person: float) -> list[Keypoints]:
        """Returns the keypoints of each person in an RGB image, in its pixels."""
        if self.detector is None:
            people: list[Corners] = [(0, 0, image.width, image.height)]
        else:
            people = self.detector.find(image, min_person)
        boxes = [Box.around(corners, self.size) for corners in people]
        pixels = np.asarray(image)
        found: list[Keypoints] = []
        for start in range(0, len(boxes), AT_ONCE):
            part = boxes[start : start + AT_ONCE]
            heatmaps = self.heatmaps(np.stack([self.prepare(pixels, box) for box in part]))
            found += [to_points(heat, box) for heat, box in zip(heatmaps, part, strict=True)]
        return found

    def prepare(self, pixels: Keypoints, box: Box) -> Keypoints:
        """Returns a part of an image (H, W, 3) as the model wants it, (3, h, w) in float32."""
        values = cut(pixels, box, self.size).astype(np.float32) * np.float32(self._scale)
        return np.asarray(((values - self._mean) / self._std).transpose(2, 0, 1), np.float32)

    @torch.inference_mode()
    def heatmaps(self, parts: Keypoints) -> Keypoints:
        """Returns the heatmaps (N, K, h, w) of prepared parts (N, 3, h, w)."""
        more = {}
        if getattr(self.model.config.backbone_config, "num_experts", 1) > 1:
            more["dataset_index"] = torch.full((len(parts),), COCO_EXPERT, device=self.model.device)
        outputs = self.model(pixel_values=torch.from_numpy(parts).to(self.model.device), **more)
        return np.asarray(outputs.heatmaps.float().cpu().numpy())

    def annotate(self, image: Image.Image, min_score: float, min_person: float) -> Image.Image:
        """Returns the skeletons of the people in an RGB image as a control image of its size.

        Raises:
            ConditionError: there is nobody.
        """
        seen = usable(image)
        people = self.find(seen, min_person)
        if not any((person[:, 2] >= min_score).any() for person in people):
            raise ConditionError(
                f"no person is found in the image: none with a score of {min_person:g} or more"
                if not people
                else f"no person is found in the image: no keypoint has a score of {min_score:g} or more"
            )
        scale = image.width / seen.width, image.height / seen.height, 1.0
        return draw_skeletons(image.size, [person * scale for person in people], min_score)
