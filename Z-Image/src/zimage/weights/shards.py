"""Division of a checkpoint into shards, and their index."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from zimage.weights.files.safetensors_writer import PlannedTensor
from zimage.weights.selection import INDEX_SUFFIX, SUFFIX, find_checkpoints

DEFAULT_STEM = "diffusion_pytorch_model"
Shards = dict[str, tuple[PlannedTensor, ...]]


def divide(stem: str, tensors: Iterable[PlannedTensor], max_shard_bytes: int) -> Shards:
    """Divides tensors into shards, in order; an oversized tensor gets its own shard.

    Args:
        stem: stem of the file names, for example `diffusion_pytorch_model`.
        tensors: tensors of the checkpoint.
        max_shard_bytes: limit of the values in a shard, header excluded.

    Returns:
        Tensors by file name.
    """
    groups: list[list[PlannedTensor]] = [[]]
    filled_bytes = 0
    for tensor in tensors:
        if groups[-1] and filled_bytes + tensor.size_bytes > max_shard_bytes:
            groups.append([])
            filled_bytes = 0
        groups[-1].append(tensor)
        filled_bytes += tensor.size_bytes
    if len(groups) == 1:
        return {f"{stem}{SUFFIX}": tuple(groups[0])}
    return {f"{stem}-{i:05}-of-{len(groups):05}{SUFFIX}": tuple(group) for i, group in enumerate(groups, 1)}


def index_of(stem: str, shards: Shards) -> dict[str, str]:
    """Returns the index file, content by name; empty for a single shard."""
    if len(shards) == 1:
        return {}
    weight_map = {tensor.name: file for file, tensors in shards.items() for tensor in tensors}
    index = {"metadata": {"total_size": size_bytes(shards.values())}, "weight_map": dict(sorted(weight_map.items()))}
    return {f"{stem}{INDEX_SUFFIX}": json.dumps(index, indent=2) + "\n"}


def size_bytes(groups: Iterable[Sequence[PlannedTensor]]) -> int:
    """Returns the total size of the values."""
    return sum(tensor.size_bytes for group in groups for tensor in group)


def stem_of(folder: Path) -> str:
    """Returns the stem of the weight files in a folder."""
    found = find_checkpoints(folder)
    return found[0].stem if found else DEFAULT_STEM
