"""Tiny annotators with random weights, in the layout that transformers publishes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image

LABELS = {0: "cat", 1: "person"}
PARTS = (
    "Nose", "L_Eye", "R_Eye", "L_Ear", "R_Ear", "L_Shoulder", "R_Shoulder", "L_Elbow", "R_Elbow", "L_Wrist", "R_Wrist",
    "L_Hip", "R_Hip", "L_Knee", "R_Knee", "L_Ankle", "R_Ankle",
)  # fmt: skip


def noise(width: int, height: int) -> Image.Image:
    """Returns an image of noise, always the same."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def save_depth(folder: Path, model_type: str = "depth_anything", **more: Any) -> Path:
    """Writes a depth model of an architecture."""
    model, processor = _DEPTH[model_type](**more)
    return _save(folder, model, processor)


def save_pose(folder: Path, *, experts: int = 1, labels: int = len(PARTS)) -> Path:
    """Writes a ViTPose; with several experts as ViTPose+ has them."""
    torch.manual_seed(0)
    names = dict(enumerate((*PARTS, *(f"more {at}" for at in range(labels - len(PARTS)))))) if labels >= 17 else {}
    backbone = transformers.VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_experts=experts, part_features=8, out_indices=[2],
    )  # fmt: skip
    config = transformers.VitPoseConfig(backbone_config=backbone, id2label=names or {0: "one", 1: "two"})
    model = transformers.VitPoseForPoseEstimation(config)
    with torch.no_grad():  # heat, rather than zeros
        for value in model.head.parameters():
            value.normal_(std=0.03)
    processor = transformers.VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    return _save(folder, model, processor)


def save_detector(folder: Path, model_type: str = "yolos", labels: dict[int, str] | None = None) -> Path:
    """Writes a detector of people."""
    model, processor = _DETECTORS[model_type](labels or LABELS)
    return _save(folder, model, processor)


def change_config(folder: Path, **values: Any) -> Path:
    """Changes fields of a folder's configuration; None takes one out."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
    return folder


def _save(folder: Path, model: Any, processor: Any) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _dinov2() -> Any:
    return transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=24, image_size=56, patch_size=14,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip


def _depth_anything(**more: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    config = transformers.DepthAnythingConfig(
        backbone_config=_dinov2(), reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
        head_hidden_size=8, patch_size=14, **more,
    )  # fmt: skip
    processor = transformers.DPTImageProcessorPil(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14
    )
    return _loud(transformers.DepthAnythingForDepthEstimation(config)), processor


def _dpt(*, dinov2: bool = False) -> tuple[Any, Any]:
    torch.manual_seed(0)
    own = {"backbone_config": _dinov2(), "add_projection": True} if dinov2 else {"backbone_out_indices": [0, 1, 2, 3]}
    config = transformers.DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=24, image_size=64, patch_size=16,
        neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=256 if dinov2 else 8, is_hybrid=False, **own,
    )  # fmt: skip
    if dinov2:
        processor = transformers.DPTImageProcessorPil(do_resize=False, do_pad=True, size_divisor=14)
        return _loud(transformers.DPTForDepthEstimation(config)), processor
    return _loud(transformers.DPTForDepthEstimation(config)), transformers.DPTImageProcessorPil(
        size={"height": 64, "width": 64}
    )


def _glpn() -> tuple[Any, Any]:
    torch.manual_seed(0)
    config = transformers.GLPNConfig(
        num_encoder_blocks=4, depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8, max_depth=10,
    )  # fmt: skip
    return _loud(transformers.GLPNForDepthEstimation(config)), transformers.GLPNImageProcessorPil()


def _zoedepth() -> tuple[Any, Any]:
    torch.manual_seed(0)
    backbone = transformers.BeitConfig(
        image_size=64, num_hidden_layers=4, hidden_size=16, intermediate_size=24, num_attention_heads=2,
        use_relative_position_bias=True, reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.ZoeDepthConfig(
        backbone_config=backbone, backbone_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
        bottleneck_features=8, num_relative_features=4,
        bin_configurations=[{"n_bins": 4, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}], bin_embedding_dim=8,
        num_attractors=[4, 2, 2, 1],
    )  # fmt: skip
    processor = transformers.ZoeDepthImageProcessorPil(size={"height": 64, "width": 64}, ensure_multiple_of=32)
    return _loud(transformers.ZoeDepthForDepthEstimation(config)), processor


def _loud(model: Any) -> Any:
    """Draws weights of a size that makes a map other than even."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.startswith(("neck", "head", "decoder")) and value.ndim > 1:
                value.normal_(std=0.3)
            elif name.startswith("head"):
                value.fill_(0.2)
    return model


def _yolos(labels: dict[int, str]) -> tuple[Any, Any]:
    torch.manual_seed(0)
    config = transformers.YolosConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, image_size=[64, 64],
        num_detection_tokens=6, id2label=labels,
    )  # fmt: skip
    processor = transformers.YolosImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 128})
    return transformers.YolosForObjectDetection(config), processor


def _rt_detr(labels: dict[int, str], name: str = "RTDetr", **more: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = getattr(transformers, f"{name}Config")(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], feat_strides=[8, 16, 32],
        encoder_ffn_dim=16, encoder_attention_heads=2, d_model=16, num_queries=6, decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16, decoder_layers=2, decoder_attention_heads=2, num_denoising=0, id2label=labels, **more,
    )  # fmt: skip
    return getattr(transformers, f"{name}ForObjectDetection")(config), transformers.RTDetrImageProcessorPil(
        size={"height": 64, "width": 64}
    )


def _detr(labels: dict[int, str], name: str = "Detr", **more: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]
    )
    config = getattr(transformers, f"{name}Config")(
        use_timm_backbone=False, backbone_config=backbone, encoder_layers=1, decoder_layers=2, d_model=32,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=6,
        id2label=labels, **more,
    )  # fmt: skip
    processor = getattr(transformers, f"{name}ImageProcessorPil")(size={"shortest_edge": 64, "longest_edge": 128})
    return getattr(transformers, f"{name}ForObjectDetection")(config), processor


_DEPTH = {"depth_anything": _depth_anything, "dpt": _dpt, "glpn": _glpn, "zoedepth": _zoedepth}
_DETECTORS = {
    "yolos": _yolos,
    "rt_detr": _rt_detr,
    "rt_detr_v2": partial(_rt_detr, name="RTDetrV2"),
    "d_fine": partial(_rt_detr, name="DFine"),
    "detr": _detr,
    "conditional_detr": partial(_detr, name="ConditionalDetr"),
    "deformable_detr": partial(_detr, name="DeformableDetr", num_feature_levels=1),
}
