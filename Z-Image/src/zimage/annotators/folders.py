"""Folders of annotators: what each is by its `config.json`, and what it lacks. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Role = Literal["depth", "pose", "detector"]
Kind = Literal["depth", "pose"]
Config = Mapping[str, Any]

CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
MAX_JSON_BYTES = 8 * 2**20
COCO_KEYPOINTS, WHOLE_BODY_KEYPOINTS = 17, 133
"""Of COCO, and of COCO-WholeBody, whose first are COCO's."""
PERSON = "person"


@dataclass(frozen=True)
class Architecture:
    """Architecture of transformers that is read here.

    Attributes:
        role: what its models are for.
        model: name of the class.
        processor: name of the class that prepares images; empty where that is done here.
    """

    role: Role
    model: str
    processor: str = ""


ARCHITECTURES = {
    "depth_anything": Architecture("depth", "DepthAnythingForDepthEstimation", "DPTImageProcessor"),
    "dpt": Architecture("depth", "DPTForDepthEstimation", "DPTImageProcessor"),
    "glpn": Architecture("depth", "GLPNForDepthEstimation", "GLPNImageProcessor"),
    "zoedepth": Architecture("depth", "ZoeDepthForDepthEstimation", "ZoeDepthImageProcessor"),
    "vitpose": Architecture("pose", "VitPoseForPoseEstimation"),
    "rt_detr": Architecture("detector", "RTDetrForObjectDetection", "RTDetrImageProcessor"),
    "rt_detr_v2": Architecture("detector", "RTDetrV2ForObjectDetection", "RTDetrImageProcessor"),
    "d_fine": Architecture("detector", "DFineForObjectDetection", "RTDetrImageProcessor"),
    "detr": Architecture("detector", "DetrForObjectDetection", "DetrImageProcessor"),
    "conditional_detr": Architecture(
        "detector", "ConditionalDetrForObjectDetection", "ConditionalDetrImageProcessor"
    ),
    "deformable_detr": Architecture("detector", "DeformableDetrForObjectDetection", "DeformableDetrImageProcessor"),
    "yolos": Architecture("detector", "YolosForObjectDetection", "YolosImageProcessor"),
}  # fmt: skip
"""By `model_type`. What a number of them means is known, so that near becomes bright and a box a person's."""


@dataclass(frozen=True)
class AnnotatorFolder:
    """Folder of a model.

    Attributes:
        path: of the folder.
        model_type: as its configuration says; empty where that cannot be read.
        role: what it is for; None where it is of no use here.
        fault: why it cannot be used, as a sentence.
    """

    path: Path
    model_type: str = ""
    role: Role | None = None
    fault: str | None = None

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def architecture(self) -> Architecture:
        """Architecture of a folder that can be used."""
        return ARCHITECTURES[self.model_type]


@dataclass(frozen=True)
class AnnotatorFiles:
    """What makes the control images of a kind.

    Attributes:
        kind: of the control image.
        model: folder of the model.
        detector: folder of what finds people, for poses; None takes the whole image for one person's.
    """

    kind: Kind
    model: AnnotatorFolder
    detector: AnnotatorFolder | None = None


def describe(folder: Path) -> AnnotatorFolder | None:
    """Tells what a folder is; None for one without a configuration, which is nobody's business."""
    if not (folder / CONFIG).is_file():
        return None
    try:
        config = read_json(folder / CONFIG)
    except (OSError, ValueError) as error:
        return AnnotatorFolder(folder, fault=_sentence(error))
    model_type = config.get("model_type")
    architecture = ARCHITECTURES.get(model_type) if isinstance(model_type, str) else None
    if architecture is None:
        return AnnotatorFolder(folder, fault=f"Its {CONFIG} has the model_type {model_type!r}; {name_all()} are read.")
    fault = _fault(folder, config, architecture)
    return AnnotatorFolder(folder, str(model_type), architecture.role, fault)


def choose(folders: Iterable[AnnotatorFolder], kind: Kind) -> AnnotatorFiles | None:
    """Returns the first usable folders for a kind; None without any."""
    usable = [folder for folder in folders if folder.fault is None]
    first = {role: next((one for one in usable if one.role == role), None) for role in ("depth", "pose", "detector")}
    model = first[kind]
    if model is None:
        return None
    return AnnotatorFiles(kind, model, first["detector"] if kind == "pose" else None)


def name_types(role: Role) -> str:
    """Returns the values of `model_type` for a role, for people."""
    return ", ".join(name for name, architecture in ARCHITECTURES.items() if architecture.role == role)


def name_all() -> str:
    """Returns all values of `model_type` that are read, for people."""
    return ", ".join(ARCHITECTURES)


def is_metric(config: Config) -> bool:
    """Tells whether a depth model gives distances, rather than what grows towards the camera.

    DPT with DINOv2, which projects features, was trained on metres (NYU, KITTI); the DPT of MiDaS on inverse depth.
    """
    match config.get("model_type"):
        case "glpn" | "zoedepth":
            return True
        case "dpt":
            return bool(config.get("add_projection"))
    return config.get("depth_estimation_type") == "metric"


def read_json(path: Path) -> dict[str, Any]:
    """Reads a small file of JSON.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large, or no JSON object.
    """
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_JSON_BYTES} bytes")
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} is no JSON object")
    return value


def people_labels(config: Config) -> frozenset[int]:
    """Returns the numbers that a detector's configuration gives to people."""
    labels = config.get("id2label")
    if not isinstance(labels, dict):
        return frozenset()
    return frozenset(int(at) for at, name in labels.items() if str(name).strip().lower() == PERSON)


def _fault(folder: Path, config: Config, architecture: Architecture) -> str | None:
    checks: tuple[Callable[[], str | None], ...] = (
        lambda: _head_fault(config, architecture),
        lambda: _backbone_fault(config),
        lambda: _keypoint_fault(config) if architecture.role == "pose" else None,
        lambda: _label_fault(config) if architecture.role == "detector" else None,
        lambda: _processor_fault(folder),
        lambda: _weight_fault(folder),
    )
    try:
        return next((fault for check in checks if (fault := check())), None)
    except (OSError, ValueError) as error:
        return _sentence(error)


def _head_fault(config: Config, architecture: Architecture) -> str | None:
    named = config.get("architectures")
    if not named or architecture.model in named:
        return None
    return f"Its {CONFIG} names {', '.join(map(str, named))}; a {architecture.model} is needed."


def _backbone_fault(config: Config) -> str | None:
    """Refuses what transformers would look for on the hub, or build with another package."""
    if isinstance(config.get("backbone_config"), dict) or not config.get("backbone"):
        return None
    return (
        f"Its {CONFIG} names the backbone {config['backbone']!r}, which lies elsewhere: take a version with a "
        "backbone_config (of DETR the revision no_timm)."
    )


def _keypoint_fault(config: Config) -> str | None:
    labels = config.get("id2label")
    found = len(labels) if isinstance(labels, dict) else 0
    if found in (COCO_KEYPOINTS, WHOLE_BODY_KEYPOINTS):
        return None
    return f"It finds {found} keypoints; {COCO_KEYPOINTS} (COCO) or {WHOLE_BODY_KEYPOINTS} (COCO-WholeBody) are read."


def _label_fault(config: Config) -> str | None:
    return None if people_labels(config) else f"Its {CONFIG} has no label {PERSON!r}, so it finds no people."


def _processor_fault(folder: Path) -> str | None:
    if not (folder / PROCESSOR).is_file():
        return f"{PROCESSOR} is missing."
    read_json(folder / PROCESSOR)
    return None


def _weight_fault(folder: Path) -> str | None:
    if (folder / WEIGHTS).is_file():
        return None
    if not (folder / INDEX).is_file():
        return f"{WEIGHTS} is missing; weights are read from safetensors only."
    parts = read_json(folder / INDEX).get("weight_map")
    names = set(map(str, parts.values())) if isinstance(parts, dict) else set()
    missing = sorted(name for name in names if Path(name).name != name or not (folder / name).is_file())
    if not names:
        return f"{INDEX} names no files."
    return f"{missing[0]} is missing." if missing else None


def _sentence(error: Exception) -> str:
    text = error.strerror or "it cannot be read" if isinstance(error, OSError) else str(error)
    return f"{text[:1].upper()}{text[1:]}."
