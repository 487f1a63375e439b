"""Checkpoints of nested state in one safetensors file, written atomically."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Writes nested tensors and plain data so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    tensors: dict[str, Tensor] = {}
    skeleton = json.dumps(_take_tensors(state, tensors))
    save_file(tensors, partial, {"skeleton": skeleton})
    partial.replace(path)


def load_checkpoint(path: Path) -> Any:
    """Reads what `save_atomically` wrote."""
    with safe_open(path, "pt") as file:
        skeleton = json.loads(file.metadata()["skeleton"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return _put_tensors(skeleton, tensors)


def _take_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _take_tensors(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_take_tensors(item, tensors) for item in value]}
    return {"plain": value}


def _put_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "items" in value:
        return {key: _put_tensors(item, tensors) for key, item in value["items"]}
    if "list" in value:
        return [_put_tensors(item, tensors) for item in value["list"]]
    return value["plain"]
