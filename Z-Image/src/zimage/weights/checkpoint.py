"""Checkpoints: a safetensors or GGUF file, or shards with an index. Only headers are read."""

from __future__ import annotations

from pathlib import Path

from zimage.errors import WeightsError
from zimage.weights.files.gguf_file import is_gguf, read_gguf
from zimage.weights.files.safetensors_file import StoredTensor, read_content
from zimage.weights.quantized import AnyTensor, gather_quantized
from zimage.weights.selection import Checkpoint, choose_checkpoint, read_index, stray_shards


def open_checkpoint(path: Path) -> dict[str, AnyTensor]:
    """Returns the tensors of a checkpoint by name, in file order; a quantised weight is one with its scales.

    Args:
        path: safetensors or GGUF file, or folder with a safetensors file or with shards and index; see
            `choose_checkpoint`.

    Raises:
        WeightsError: files are missing or damaged, or do not match the index. The message names all faults.
    """
    if not path.is_dir():
        return read_gguf(path) if is_gguf(path) else _open_file(path)
    checkpoint = choose_checkpoint(path)
    return _open_shards(checkpoint) if checkpoint.is_sharded else _open_file(checkpoint.path)


def _open_file(path: Path) -> dict[str, AnyTensor]:
    content = read_content(path)
    return gather_quantized(path, content.tensors, [content.metadata])


def _open_shards(checkpoint: Checkpoint) -> dict[str, AnyTensor]:
    weight_map = read_index(checkpoint.path)
    faults = [f"{path.name} is not in the index" for path in stray_shards(checkpoint)]
    tensors: dict[str, StoredTensor] = {}
    metadata: list[dict[str, str]] = []
    for shard in checkpoint.files:
        try:
            content = read_content(shard)
        except WeightsError as error:
            faults.append(str(error))
            continue
        found = content.tensors
        metadata.append(content.metadata)
        named = {name for name, file in weight_map.items() if file == shard.name}
        faults += [f"{shard.name} lacks {name}" for name in sorted(named - found.keys())]
        faults += [f"{shard.name} holds {name}, unknown to the index" for name in sorted(found.keys() - named)]
        tensors |= found
    if faults:
        raise WeightsError(f"{checkpoint.path} does not fit its shards: {'; '.join(faults)}")
    return gather_quantized(checkpoint.path, tensors, metadata)
