"""Checkpoints: one safetensors file, or shards with an index. Only headers are read."""

from __future__ import annotations

from pathlib import Path

from zimage.errors import WeightsError
from zimage.weights.safetensors_file import StoredTensor, read_header
from zimage.weights.selection import Checkpoint, choose_checkpoint, read_index, stray_shards


def open_checkpoint(path: Path) -> dict[str, StoredTensor]:
    """Returns the tensors of a checkpoint by name, in file order.

    Args:
        path: safetensors file, or folder with one or with shards and index; see `choose_checkpoint`.

    Raises:
        WeightsError: files are missing or damaged, or do not match the index. The message names all faults.
    """
    if not path.is_dir():
        return read_header(path)
    checkpoint = choose_checkpoint(path)
    return _open_shards(checkpoint) if checkpoint.is_sharded else read_header(checkpoint.path)


def _open_shards(checkpoint: Checkpoint) -> dict[str, StoredTensor]:
    weight_map = read_index(checkpoint.path)
    faults = [f"{path.name} is not in the index" for path in stray_shards(checkpoint)]
    tensors: dict[str, StoredTensor] = {}
    for shard in checkpoint.files:
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
        raise WeightsError(f"{checkpoint.path} does not fit its shards: {'; '.join(faults)}")
    return tensors
