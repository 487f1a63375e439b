"""Where files of weights are looked for: a folder, ComfyUI's `models/`, or its `extra_model_paths.yaml`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = ("diffusion_models", "unet", "text_encoders", "clip", "vae", "checkpoints", "model_patches", "controlnet")
"""Folders of ComfyUI that may hold parts of a model, or a ControlNet."""
EXTRA_PATHS = "extra_model_paths.yaml"
YAML = (".yaml", ".yml")
MAX_YAML_BYTES = 2**20
OWN = ".zimage"
"""File that tells a folder of ours from ComfyUI's: all of it is searched, also when it has folders of parts."""


@dataclass(frozen=True)
class Place:
    """Folders to search.

    Attributes:
        root: what names are shown below.
        fault: why there are none, as a sentence.
    """

    root: Path
    folders: tuple[Path, ...] = ()
    fault: str | None = None


def published_root(models_dir: Path) -> Path | None:
    """Returns the folder whose subfolders may be models in the published layout; None beside a file of paths."""
    if models_dir.suffix.lower() in YAML:
        return None
    return _comfy_root(models_dir) or models_dir


def is_own(models_dir: Path) -> bool:
    """Tells whether a folder of models is ours: no file of paths, and nothing that ComfyUI keeps its models in."""
    return models_dir.suffix.lower() not in YAML and _comfy_root(models_dir) is None


def claim(folder: Path) -> None:
    """Marks a folder as ours before it gets folders of parts, which would let it look like ComfyUI's.

    Raises:
        OSError: the disk refuses.
    """
    if is_own(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / OWN).touch()


def find_places(models_dir: Path | None) -> list[Place]:
    """Returns where to look, from a folder, a ComfyUI installation, its `models/`, or a file of further paths."""
    if models_dir is None:
        return []
    if models_dir.suffix.lower() in YAML:
        return read_extra_paths(models_dir)
    extra, own = models_dir / EXTRA_PATHS, _comfy_root(models_dir)
    places = [Place(own, _kinds_in(own)) if own else Place(models_dir, (models_dir,))]
    return places + (read_extra_paths(extra) if extra.is_file() else [])


def _comfy_root(models_dir: Path) -> Path | None:
    """Returns ComfyUI's `models/`: a folder, or that within an installation."""
    if (models_dir / OWN).exists():
        return None
    return next((folder for folder in (models_dir, models_dir / "models") if _kinds_in(folder)), None)


def _kinds_in(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / kind for kind in KINDS if (folder / kind).is_dir())


def read_extra_paths(file: Path, kinds: Sequence[str] = KINDS) -> list[Place]:
    """Reads ComfyUI's file of further paths: sections, each with a base and a folder, or lines of them, a kind."""
    import yaml  # type: ignore[import-untyped]

    try:
        if file.stat().st_size > MAX_YAML_BYTES:
            return [Place(file.parent, fault=f"{file.name} is larger than {MAX_YAML_BYTES} bytes.")]
        sections = yaml.safe_load(file.read_text("utf-8-sig"))
    except OSError as error:
        return [Place(file.parent, fault=f"{file.name} cannot be read: {error.strerror}.")]
    except (ValueError, yaml.YAMLError, RecursionError):
        return [Place(file.parent, fault=f"{file.name} is no YAML.")]
    if not isinstance(sections, dict):
        return [Place(file.parent, fault=f"{file.name} has no sections as ComfyUI's has.")]
    return [_section(file, section, kinds) for section in sections.values() if isinstance(section, dict)]


def _section(file: Path, section: dict[str, Any], kinds: Sequence[str]) -> Place:
    try:
        base = _resolve(file.parent, str(section.get("base_path") or ""))
        return Place(base, tuple(dict.fromkeys(_folders(base, section, kinds))))
    except (RuntimeError, ValueError) as error:  # a home that nobody has, a path that cannot be one
        return Place(file.parent, fault=f"{file.name} has a path that makes no sense: {error}.")


def _folders(base: Path, section: dict[str, Any], kinds: Sequence[str]) -> Iterator[Path]:
    for kind in kinds:
        lines = section.get(kind)
        if isinstance(lines, str):
            yield from (_resolve(base, line.strip()) for line in lines.splitlines() if line.strip())


def _resolve(base: Path, path: str) -> Path:
    if "\0" in path:
        raise ValueError("it has a zero byte")
    return base / Path(os.path.expandvars(path)).expanduser()
