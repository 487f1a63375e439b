"""How a checkpoint is divided into files as published, and the index that joins them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from zimage.weights.checkpoint import INDEX_SUFFIX, SUFFIX, weight_files
from zimage.weights.safetensors_writer import PlannedTensor

DEFAULT_STEM = "diffusion_pytorch_model"
Shards = dict[str, tuple[PlannedTensor, ...]]


def divide(stem: str, tensors: Iterable[PlannedTensor], max_shard_bytes: int) -> Shards:
    """Divides tensors into files in their order; a tensor larger than a shard has a file of its own.

    Args:
        stem: of the files' names, for example `diffusion_pytorch_model`.
        tensors: of the whole checkpoint.
        max_shard_bytes: of values, without the header.

    Returns:
        The tensors of every file by its name.
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
    """Returns the index file's content by its name; nothing where one file holds all tensors."""
    if len(shards) == 1:
        return {}
    weight_map = {tensor.name: file for file, tensors in shards.items() for tensor in tensors}
    index = {"metadata": {"total_size": size_bytes(shards.values())}, "weight_map": dict(sorted(weight_map.items()))}
    return {f"{stem}{INDEX_SUFFIX}": json.dumps(index, indent=2) + "\n"}


def size_bytes(groups: Iterable[Sequence[PlannedTensor]]) -> int:
    """Returns the bytes of all values."""
    return sum(tensor.size_bytes for group in groups for tensor in group)


def stem_of(folder: Path) -> str:
    """Returns the stem of a folder's weight files: what stands before the shard's number and the suffix."""
    indices, files = weight_files(folder)
    if indices:
        return indices[0].name.removesuffix(INDEX_SUFFIX)
    return files[0].name.removesuffix(SUFFIX) if files else DEFAULT_STEM
