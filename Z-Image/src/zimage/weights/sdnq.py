"""SDNQ's files: matrices with `scale`, `zero_point`, `svd_up` and `svd_down` beside them, settings in a JSON file.

The settings are needed: tensors alone do not tell how codes are packed, nor whether the inputs were rotated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from zimage.config.base import read_object
from zimage.errors import ConfigError, WeightsError
from zimage.quant.sdnq import UNSIGNED, WHOLE, Sdnq
from zimage.weights.files.safetensors_file import StoredTensor

METHOD = "sdnq"
SETTINGS_FILE = "quantization_config.json"
ROLES = ("scale", "zero_point", "svd_up", "svd_down")
OWN_LEAVES = frozenset(ROLES) - {"scale"}
FLOATS = (torch.float32, torch.float16, torch.bfloat16)
READ = ("int8", "uint8", "int4", "uint4")
INSTEAD = "take the model in int8 or uint4 without rotation, or GGUF"
# What does not change how values are stored, or is checked below; of a setting that is not known, only "no" is.
KNOWN = frozenset({
    "add_skip_keys", "dequantize_fp32", "dynamic_loss_threshold", "group_size", "hadamard_group_size", "is_integer",
    "modules_dtype_dict", "modules_to_not_convert", "non_blocking", "quant_conv", "quant_embedding", "quant_method",
    "quantization_device", "quantized_matmul_dtype", "return_device", "sdnq_version", "svd_rank", "svd_steps",
    "use_grad_ckpt", "use_quantized_matmul", "use_quantized_matmul_conv", "use_static_quantization",
    "use_stochastic_rounding", "use_svd", "weights_dtype",
})  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How a file was quantised.

    Attributes:
        dtype: of the codes.
        group_size: inputs of a group; 0 when the writer chose it, −1 for one group a row.
    """

    dtype: str
    group_size: int


@dataclass(frozen=True)
class SdnqLayer:
    """A quantised matrix: its format, and its tensors by role."""

    scheme: Sdnq
    parts: dict[str, StoredTensor]


def is_sdnq(tensors: Mapping[str, StoredTensor]) -> bool:
    """Whether some matrices are SDNQ's, by names and dtypes."""
    return any(leaf in OWN_LEAVES or _is_scaled(tensors, layer) for layer, leaf in map(_split, tensors))


def find_layers(path: Path, tensors: Mapping[str, StoredTensor]) -> dict[str, SdnqLayer]:
    """Returns the quantised matrices by the name of their weight.

    Args:
        path: the file, or the index of several; the settings lie beside it.
        tensors: all tensors.

    Raises:
        WeightsError: settings are missing or not read here, or parts are missing, left over or contradict each other.
    """
    settings = _read_settings(path)
    integers = {name for name, stored in tensors.items() if stored.dtype in (torch.int8, torch.uint8)}
    layers = dict.fromkeys(
        layer
        for layer, leaf in map(_split, tensors)
        if leaf in ROLES or (leaf == "weight" and f"{layer}.weight" in integers)
    )
    return {f"{layer}.weight": _layer(path, layer, tensors, settings) for layer in layers}


def _split(name: str) -> tuple[str, str]:
    layer, _, leaf = name.rpartition(".")
    return layer, leaf


def _is_scaled(tensors: Mapping[str, StoredTensor], layer: str) -> bool:
    weight = tensors.get(f"{layer}.weight")
    return weight is not None and weight.dtype not in FLOATS and f"{layer}.scale" in tensors


def _layer(path: Path, layer: str, tensors: Mapping[str, StoredTensor], settings: Settings) -> SdnqLayer:
    name = f"{layer}.weight"
    found = {role: tensors[f"{layer}.{role}"] for role in ROLES if f"{layer}.{role}" in tensors}
    if name not in tensors:
        raise WeightsError(f"{path}: {layer}.{next(iter(found))} belongs to a weight that is not there")
    weight = tensors[name]
    dtype = "int8" if weight.dtype == torch.int8 else settings.dtype
    if weight.dtype != WHOLE.get(dtype, torch.uint8):
        raise WeightsError(f"{path}: {name} is said to be SDNQ {dtype}, but holds {weight.format}")
    needed = {"scale"} | ({"zero_point"} if dtype in UNSIGNED else set())
    needed |= {"svd_up", "svd_down"} if found.keys() & {"svd_up", "svd_down"} else set()
    if missing := needed - found.keys():
        raise WeightsError(f"{path}: {name} (SDNQ {dtype}) lacks its {' and '.join(sorted(missing))}")
    for role, part in found.items():
        if part.dtype not in FLOATS:
            raise WeightsError(f"{path}: the {role} of {name} (SDNQ {dtype}) cannot be {part.format}")
    try:
        scheme = Sdnq.of_shapes(dtype, weight.shape, found["scale"].shape)
    except ValueError as error:
        raise WeightsError(f"{path}: {name} (SDNQ {dtype}): {error}") from error
    _require_group(path, name, scheme, settings.group_size)
    return SdnqLayer(scheme, {"weight": weight, **found})


def _require_group(path: Path, name: str, scheme: Sdnq, said: int) -> None:
    columns = scheme.shape[1]
    wanted = columns if said < 0 or said > columns else said
    if said and scheme.group_size != wanted:
        found = f"its scale is of groups of {scheme.group_size}"
        raise WeightsError(f"{path}: {name} ({scheme.name}) is said to be in groups of {wanted}, but {found}")


def _read_settings(path: Path) -> Settings:
    values = _settings_beside(path)
    if (method := values.get("quant_method")) != METHOD:
        raise WeightsError(f"{path} looks like SDNQ's, but its settings say {method!r}")
    dtype, group_size, others = values.get("weights_dtype"), values.get("group_size", 0), _other_dtypes(values)
    if dtype not in READ or others:
        said = ", ".join([str(dtype), *others])
        raise WeightsError(f"{path} is in SDNQ's {said}; those read are {', '.join(READ)}: {INSTEAD}")
    if values.get("use_hadamard", values.get("hadamard_group_size")):
        raise WeightsError(f"{path} is in SDNQ's format with a Hadamard rotation, which is not read: {INSTEAD}")
    if unknown := sorted(key for key, value in values.items() if key not in KNOWN and value):
        raise WeightsError(f"{path} is in SDNQ's format with {', '.join(unknown)}, which is not read: {INSTEAD}")
    if type(group_size) is not int:  # type(), since True is an int
        raise WeightsError(f"{path}: SDNQ's group_size must be a whole number, got {group_size!r}")
    return Settings(dtype, group_size)


def _other_dtypes(values: Mapping[str, Any]) -> list[str]:
    """Returns dtypes of single layers that no tensor would show; int8 shows in its own."""
    by_dtype = values.get("modules_dtype_dict") or {}
    return sorted(str(dtype) for dtype in by_dtype if dtype not in ("int8", values.get("weights_dtype")))


def _settings_beside(path: Path) -> dict[str, Any]:
    own, shared = path.parent / SETTINGS_FILE, path.parent / "config.json"
    try:
        values = read_object(own) if own.is_file() else read_object(shared).get("quantization_config")
    except ConfigError as error:
        raise WeightsError(f"{path} is in SDNQ's format, and its settings cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path} is in SDNQ's format, and neither {own.name} nor config.json beside it says how")
    return values
