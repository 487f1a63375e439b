"""Checkpoints: one safetensors file, or shards with an index. Only headers are read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from zimage.errors import WeightsError
from zimage.weights.safetensors_file import StoredTensor, read_header

SUFFIX = ".safetensors"
INDEX_SUFFIX = ".safetensors.index.json"


def open_checkpoint(path: Path) -> dict[str, StoredTensor]:
    """Returns the tensors of a checkpoint by name, in file order.

    Args:
        path: safetensors file, or folder with one or with shards and index. Variants are ignored, see
            `weight_files`.

    Raises:
        WeightsError: files are missing or damaged, or do not match the index. The message names all faults.
    """
    if not path.is_dir():
        return read_header(path)
    indices, files = weight_files(path)
    if len(indices) > 1 or (not indices and len(files) > 1):
        raise WeightsError(f"{path} holds several checkpoints, keep one of them: {_names(indices or files)}")
    if indices:
        return _open_shards(indices[0], files)
    if not files:
        raise WeightsError(f"{path} holds no {SUFFIX} file")
    return read_header(files[0])


def weight_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Returns the index files and weight files of a folder, sorted, without variants.

    A variant has an infix that another checkpoint lacks: `model.fp16.safetensors` beside `model.safetensors`.
    """
    indices, files = sorted(folder.glob(f"*{INDEX_SUFFIX}")), sorted(folder.glob(f"*{SUFFIX}"))
    stems = {path.name.removesuffix(INDEX_SUFFIX).removesuffix(SUFFIX) for path in (*indices, *files)}

    def is_variant(path: Path) -> bool:
        return any(path.name.startswith(f"{stem}.") and path.name not in _names_of(stem) for stem in stems)

    return [path for path in indices if not is_variant(path)], [path for path in files if not is_variant(path)]


def _names_of(stem: str) -> tuple[str, str]:
    return f"{stem}{SUFFIX}", f"{stem}{INDEX_SUFFIX}"


def read_index(path: Path) -> dict[str, str]:
    """Returns the shard file of every tensor.

    Raises:
        WeightsError: the index is missing or damaged, or names a file elsewhere.
    """
    try:
        index = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read as JSON: {error}") from error
    weight_map = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise WeightsError(f"{path} is damaged: it has no weight_map")
    strange = {str(shard) for shard in weight_map.values() if not _is_plain_name(shard)}
    if strange:
        raise WeightsError(f"{path} names shards that are no {SUFFIX} files beside it: {', '.join(sorted(strange))}")
    return weight_map


def _is_plain_name(shard: object) -> bool:
    return isinstance(shard, str) and shard.endswith(SUFFIX) and not set("/\\:\0") & set(shard)


def _open_shards(index: Path, files: list[Path]) -> dict[str, StoredTensor]:
    weight_map = read_index(index)
    shards = [index.parent / name for name in sorted(set(weight_map.values()))]
    faults = [f"{path.name} is not in the index" for path in files if path not in shards]
    tensors: dict[str, StoredTensor] = {}
    for shard in shards:
        try:
            found = read_header(shard)
        except WeightsError as error:
            faults.append(str(error))
            continue
        named = {name for name, file in weight_map.items() if file == shard.name}
        faults += [f"{shard.name} lacks {name}" for name in sorted(named - found.keys())]
        faults += [f"{shard.name} holds {name}, unknown to the index" for name in sorted(found.keys() - named)]
        tensors |= found
    if faults:
        raise WeightsError(f"{index} does not fit its shards: {'; '.join(faults)}")
    return tensors


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(path.name for path in paths)
