"""Choice of a folder's checkpoint among its files; no file but an index is opened, and torch is not needed.

A folder may hold more than one checkpoint: variants (`model.fp16.safetensors`), an index whose shards were never
fetched, and hidden files, which some systems put beside others (`._model.safetensors` of macOS).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zimage.errors import WeightsError

SUFFIX = ".safetensors"
INDEX_SUFFIX = ".safetensors.index.json"
_SHARD = re.compile(rf"-\d+-of-\d+{re.escape(SUFFIX)}$")


@dataclass(frozen=True)
class Checkpoint:
    """One file, or an index and its shards.

    Attributes:
        path: the file or the index.
        files: weight files, whether they are there or not.
        fault: why it is not whole; None when every file is there.
    """

    path: Path
    files: tuple[Path, ...]
    fault: str | None

    @property
    def stem(self) -> str:
        """File name without suffix, for example `diffusion_pytorch_model`."""
        return self.path.name.removesuffix(INDEX_SUFFIX).removesuffix(SUFFIX)

    @property
    def is_sharded(self) -> bool:
        """Whether an index joins its files."""
        return self.path.name.endswith(INDEX_SUFFIX)


def find_checkpoints(folder: Path) -> list[Checkpoint]:
    """Returns the checkpoints of a folder, sorted by name, those with an index first.

    Raises:
        OSError: the folder cannot be read.
    """
    names = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    sharded = [_sharded(path) for path in names if path.name.endswith(INDEX_SUFFIX)]
    shards = {file for checkpoint in sharded for file in checkpoint.files}
    single = [
        _single(path)
        for path in names
        if path.name.endswith(SUFFIX) and path not in shards and not _SHARD.search(path.name)
    ]
    return [*sharded, *single]


def choose_checkpoint(folder: Path) -> Checkpoint:
    """Returns the one whole checkpoint of a folder; if none is whole, the one that is not.

    A variant, whose name has an infix that another checkpoint lacks, is left alone beside that one.

    Raises:
        WeightsError: there is none, there are several, or the folder cannot be read.
    """
    try:
        found = find_checkpoints(folder)
    except OSError as error:
        raise WeightsError(f"{folder} cannot be read: {error.strerror}") from error
    chosen = _without_variants([checkpoint for checkpoint in found if checkpoint.fault is None] or found)
    if not chosen:
        raise WeightsError(f"{folder} holds no {SUFFIX} file")
    if len(chosen) > 1:
        names = ", ".join(checkpoint.path.name for checkpoint in chosen)
        raise WeightsError(f"{folder} holds several checkpoints, keep one of them: {names}")
    return chosen[0]


def stray_shards(checkpoint: Checkpoint) -> list[Path]:
    """Returns the files that are named like shards of a checkpoint and are not in its index."""
    like = checkpoint.path.parent.glob(f"{checkpoint.stem}-*{SUFFIX}")
    return sorted(path for path in like if _SHARD.search(path.name) and path not in checkpoint.files)


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


def _sharded(index: Path) -> Checkpoint:
    try:
        names = sorted(set(read_index(index).values()))
    except WeightsError as error:
        return Checkpoint(index, (), str(error))
    files = tuple(index.parent / name for name in names)
    return Checkpoint(index, files, "; ".join(filter(None, map(_fault_of, files))) or None)


def _single(file: Path) -> Checkpoint:
    return Checkpoint(file, (file,), _fault_of(file))


def _fault_of(file: Path) -> str | None:
    if file.is_file():
        return None
    return f"{file} is a link to a file that is not there" if file.is_symlink() else f"{file} is missing"


def _without_variants(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    stems = {checkpoint.stem for checkpoint in checkpoints}
    return [
        checkpoint for checkpoint in checkpoints if not any(checkpoint.stem.startswith(f"{stem}.") for stem in stems)
    ]
