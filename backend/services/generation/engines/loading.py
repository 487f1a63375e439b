"""Opens a model folder part by part, so that a fault is told with the part's name, and nothing is left to chance."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.services.errors import ModelBroken
from backend.services.generation.engines.faults import is_lack_of_memory
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    import torch
    from diffusers import ZImagePipeline

logger = logging.getLogger(__name__)

_WEIGHTED_PARTS = ("transformer", "text_encoder", "vae")
_PARTS = ("scheduler", "tokenizer", *_WEIGHTED_PARTS)
_LIBRARIES = ("diffusers", "transformers")
_INDEX = "model_index.json"


def load_pipeline(path: Path, dtype: torch.dtype) -> ZImagePipeline:
    """Loads a folder in the published layout from safetensors files alone; runs no code that comes with it.

    Raises:
        ModelBroken: a part is missing, damaged, or of another model; the message names it.
    """
    from diffusers import ZImagePipeline

    with part_errors(path, _INDEX):
        index = json.loads((path / _INDEX).read_text("utf-8"))
    parts: dict[str, Any] = {}
    for part in _PARTS:
        with part_errors(path, part):
            parts[part] = _load_part(path / part, _class_of(index[part]), dtype)
    with part_errors(path, _INDEX):
        return ZImagePipeline.from_pretrained(path, **parts, local_files_only=True)


def _class_of(entry: tuple[str, str]) -> Any:
    library, name = entry
    if library not in _LIBRARIES:
        raise ValueError(f"{library}.{name} is not part of {' or '.join(_LIBRARIES)}")
    return getattr(importlib.import_module(library), name)


def _load_part(folder: Path, kind: Any, dtype: torch.dtype) -> Any:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing")
    if folder.name not in _WEIGHTED_PARTS:
        return kind.from_pretrained(folder, local_files_only=True)
    with _as_published(folder) as published:
        model, report = kind.from_pretrained(
            published, dtype=dtype, local_files_only=True, use_safetensors=True, low_cpu_mem_usage=True,
            output_loading_info=True,
        )  # fmt: skip
    wrong = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if wrong:  # the libraries would fill them with random numbers
        raise ValueError(f"{len(wrong)} weights are missing or of another shape, among them {wrong[0]}")
    return model


@contextlib.contextmanager
def _as_published(folder: Path) -> Iterator[Path]:
    """Yields a part's folder, or one of links to its chosen files where the libraries would choose others.

    They look for files of fixed names: an index whose shards are not there is in their way, and a variant alone is
    not found.
    """
    make_importable()
    from zimage.weights.selection import INDEX_SUFFIX, SUFFIX, choose_checkpoint, find_checkpoints

    stem = "model" if folder.name == "text_encoder" else "diffusion_pytorch_model"
    chosen = choose_checkpoint(folder)
    if [checkpoint.path for checkpoint in find_checkpoints(folder) if checkpoint.stem == stem] == [chosen.path]:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        published = Path(name)
        (published / "config.json").symlink_to((folder / "config.json").resolve())
        ending = INDEX_SUFFIX if chosen.is_sharded else SUFFIX
        for file in {chosen.path, *chosen.files}:
            link = published / (f"{stem}{ending}" if file == chosen.path else file.name)
            link.symlink_to(file.resolve())
        yield published


@contextlib.contextmanager
def part_errors(path: Path, part: str) -> Iterator[None]:
    """Turns whatever a library raises into a sentence without paths; lack of memory is nobody's fault."""
    try:
        yield
    except Exception as error:
        if is_lack_of_memory(error):
            raise
        logger.error("%s of %s: %s", part, path, error)
        raise ModelBroken.at(part, path.name) from error
