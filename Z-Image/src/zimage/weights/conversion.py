"""Plans what a conversion writes, and writes it so that it can be interrupted anywhere and go on.

Tensors come first, file by file, each whole or absent. The small files follow, and `model_index.json` is the very last:
until then nobody takes the folder for a model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from zimage.errors import WeightsError
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.files.safetensors_file import StoredTensor
from zimage.weights.files.safetensors_writer import (
    PART_SUFFIX,
    OnBytes,
    PlannedTensor,
    Writable,
    bytes_of,
    is_written,
    plan,
    write_file,
)
from zimage.weights.identify import Part, identify_part, infer_transformer_config, infer_vae_config
from zimage.weights.names.single_file import from_published, to_published
from zimage.weights.quantized import require_plain
from zimage.weights.selection import INDEX_SUFFIX, SUFFIX
from zimage.weights.shards import DEFAULT_STEM, divide, index_of, size_bytes, stem_of

STATE = ".zimage-convert.json"
MODEL_INDEX = "model_index.json"
LORAS = "loras"
NOT_COPIED = (SUFFIX, ".bin", ".pt", ".pth", ".ckpt", ".gguf")
RESERVE_BYTES = 64 * 2**20  # headers, small files and the file system's own


@dataclass(frozen=True)
class Conversion:
    """Files to write, by path relative to the target.

    Attributes:
        tensors: of every safetensors file.
        texts: of every small file that is made.
        copies: where every other file comes from.
    """

    tensors: dict[str, tuple[PlannedTensor, ...]]
    texts: dict[str, str] = field(default_factory=dict)
    copies: dict[str, Path] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Size of all values."""
        return size_bytes(self.tensors.values())

    def fingerprint(self) -> str:
        """Returns a digest of sources and settings; reads no values."""
        digest = hashlib.sha256()
        sources: set[Path] = set()
        for file, tensors in self.tensors.items():
            for tensor in tensors:
                ranges = [(part.path.resolve(), part.offset, part.shape) for part in tensor.parts]
                digest.update(repr((file, tensor.name, tensor.dtype, ranges)).encode())
                sources |= {path for path, _, _ in ranges}
        for path in sorted(sources):
            status = path.stat()
            digest.update(repr((path, status.st_size, status.st_mtime_ns)).encode())
        return digest.hexdigest()


def plan_model(source: Path, dtype: torch.dtype | None, max_shard_bytes: int) -> Conversion:
    """Plans a model folder: weights are cast, other files copied; LoRAs that lie in it are no part of the model."""
    folders = (path for path in source.iterdir() if path.is_dir() and path.name != LORAS)
    parts = sorted(path for path in folders if any(path.glob(f"*{SUFFIX}*")))
    if not (source / MODEL_INDEX).is_file() or not parts:
        raise WeightsError(f"{source} is no model's folder: {MODEL_INDEX} or all weights are missing")
    planned = {path.name: plan_part(path, dtype, max_shard_bytes) for path in parts}
    rest = [path for path in _small_files(source) if path.relative_to(source).parts[0] not in (*planned, LORAS)]
    return Conversion(
        tensors={f"{name}/{file}": group for name, part in planned.items() for file, group in part.tensors.items()},
        texts={f"{name}/{file}": text for name, part in planned.items() for file, text in part.texts.items()},
        copies={f"{name}/{file}": path for name, part in planned.items() for file, path in part.copies.items()}
        | {path.relative_to(source).as_posix(): path for path in rest},
    )


def plan_part(source: Path, dtype: torch.dtype | None, max_shard_bytes: int) -> Conversion:
    """Plans the folder of one part, from a folder or a single file."""
    tensors = require_plain(source, to_published(open_checkpoint(source)))
    stem = stem_of(source) if source.is_dir() else DEFAULT_STEM
    shards = divide(stem, (plan(name, [stored], dtype) for name, stored in tensors.items()), max_shard_bytes)
    small = _small_files(source) if source.is_dir() else []
    copies = {path.relative_to(source).as_posix(): path for path in small if not path.name.endswith(INDEX_SUFFIX)}
    config = copies.pop("config.json", None)
    text = _config_text(source, tensors) if config is None else _retyped(config, dtype)
    return Conversion(tensors=dict(shards), texts={"config.json": text} | index_of(stem, shards), copies=copies)


def plan_single_file(source: Path, name: str, dtype: torch.dtype | None, prefix: str = "") -> Conversion:
    """Plans a single-file transformer, from its folder or the model folder."""
    folder = source / "transformer" if (source / MODEL_INDEX).is_file() else source
    tensors = require_plain(folder, to_published(open_checkpoint(folder)))
    if identify_part(tensors) is not Part.TRANSFORMER:
        raise WeightsError(f"{folder} is {identify_part(tensors)}: only transformers have a single-file layout")
    packed = from_published(tensors, prefix)
    return Conversion(tensors={name: tuple(plan(key, parts, dtype) for key, parts in packed.items())})


def free_bytes(path: Path) -> int:
    """Returns the free space of the disk that a path is on."""
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
    return shutil.disk_usage(existing).free


def execute(
    conversion: Conversion,
    target: Path,
    *,
    on_bytes: OnBytes | None = None,
    free: Callable[[Path], int] = free_bytes,
) -> None:
    """Writes a folder; resumes an interrupted conversion with the missing files.

    Args:
        conversion: files to write.
        target: folder that is absent, empty, or of an interrupted conversion with the same fingerprint.
        on_bytes: called with the number of newly written bytes; first with those of an earlier run.
        free: returns the free space of a disk in bytes.

    Raises:
        WeightsError: the target holds other files, the disk is too small, or a source is damaged.
        OSError: writing fails.
    """
    fingerprint = conversion.fingerprint()
    _claim(target, fingerprint)
    todo = {file: group for file, group in conversion.tensors.items() if not is_written(target / file, group)}
    _require_space(target, size_bytes(todo.values()), free)
    if on_bytes:
        on_bytes(conversion.size_bytes - size_bytes(todo.values()))
    for file in (STATE, *conversion.tensors, *conversion.texts, *conversion.copies):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
    _write_state(target, fingerprint)
    for file, group in todo.items():
        write_file(target / file, group, on_bytes)
    for file, text in conversion.texts.items():
        (target / file).write_text(text, "utf-8")
    for file in sorted(conversion.copies, key=lambda file: file == MODEL_INDEX):
        shutil.copyfile(conversion.copies[file], target / file)
    (target / STATE).unlink()


def execute_single_file(
    conversion: Conversion,
    target: Path,
    *,
    on_bytes: OnBytes | None = None,
    free: Callable[[Path], int] = free_bytes,
) -> None:
    """Writes the one file of a conversion.

    Raises:
        WeightsError: the target exists, the disk is too small, or a source is damaged.
        OSError: writing fails.
    """
    (tensors,) = conversion.tensors.values()
    write_single_file(target, tensors, on_bytes=on_bytes, free=free)


def write_single_file(
    target: Path,
    tensors: Sequence[Writable],
    *,
    overwrite: bool = False,
    on_bytes: OnBytes | None = None,
    free: Callable[[Path], int] = free_bytes,
) -> None:
    """Writes one file, once the disk is known to have room for it.

    Raises:
        WeightsError: the target exists and is not to be overwritten, the disk is too small, or a source is damaged.
        OSError: writing fails; an existing target is unchanged.
    """
    if target.is_dir() or (target.exists() and not overwrite):
        raise WeightsError(f"{target} exists already")
    _require_space(target.parent, sum(map(bytes_of, tensors)), free)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, tensors, on_bytes)


def _claim(target: Path, fingerprint: str) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    try:
        state = json.loads((target / STATE).read_text("utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{target} is not empty and holds no interrupted conversion: name another folder") from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"{target / STATE} cannot be read: delete the folder and start again") from error
    if not isinstance(state, dict) or state.get("fingerprint") != fingerprint:
        raise WeightsError(f"{target} holds an interrupted conversion of other sources or settings: delete it first")


def _write_state(target: Path, fingerprint: str) -> None:
    temporary = target / f"{STATE}{PART_SUFFIX}"
    temporary.write_text(json.dumps({"fingerprint": fingerprint}), "utf-8")
    temporary.replace(target / STATE)


def _require_space(target: Path, needed_bytes: int, free: Callable[[Path], int]) -> None:
    left = free(target)
    if needed_bytes + RESERVE_BYTES > left:
        raise WeightsError(f"{target} needs {needed_bytes / 1e9:.2f} GB, the disk has {left / 1e9:.2f} GB left")


def _small_files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in NOT_COPIED)
    return sorted(path for path in files if not any(name.startswith(".") for name in path.relative_to(folder).parts))


def _config_text(source: Path, tensors: dict[str, StoredTensor]) -> str:
    match identify_part(tensors):
        case Part.TRANSFORMER:
            config = {"_class_name": "ZImageTransformer2DModel"} | infer_transformer_config(tensors).to_dict()
        case Part.VAE:
            config = {"_class_name": "AutoencoderKL"} | infer_vae_config(tensors).to_dict()
        case _:
            raise WeightsError(f"{source} has no config.json, and its shapes do not show what would stand in it")
    return json.dumps(config, indent=2) + "\n"


def _retyped(config: Path, dtype: torch.dtype | None) -> str:
    """Returns a part's configuration; the dtype that text encoders note is that of their weights now."""
    try:
        text = config.read_text("utf-8")
        values = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise WeightsError(f"{config} cannot be read as JSON: {error}") from error
    noted: Iterable[str] = {"dtype", "torch_dtype"} & values.keys() if dtype is not None else ()
    if not noted:
        return text
    return json.dumps(values | dict.fromkeys(noted, str(dtype).removeprefix("torch.")), indent=2) + "\n"
