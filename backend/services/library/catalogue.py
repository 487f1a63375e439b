"""Catalogue of models and the paths of their weights.

Searched in this order: the folder of the settings, `Z-Image/ckpts/`, the hub's cache. Nothing is downloaded here.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from backend.models.config import Settings
from backend.models.schemas import MAX_MODEL_CHARACTERS
from backend.services.errors import ModelNotInstalled, UnknownModel
from backend.services.library.hub_cache import find_cached
from backend.services.library.model_folder import find_fault, is_meant_as_model
from backend.services.library.preview_map import FLUX_VAE_MAP, PreviewMap, parse_preview_map
from backend.utils.texts import as_utf_8, is_plain

logger = logging.getLogger(__name__)

Source = Literal["hub cache", "ckpts", "folder"]
AUTO = "auto"


@dataclass(frozen=True)
class ModelEntry:
    """Member of the catalogue and, when it is installed, its folder in the published layout."""

    id: str
    name: str
    description: str
    repository: str | None = None
    download_gb: float | None = None
    size_multiple: int = 16
    sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of each size, for a model that draws only those it was trained at."""
    default_steps: int = 9
    guidance_scale: float = 0.0
    shift: float = 3.0
    """Of the schedule, as the scheduler's configuration says."""
    negative_prompt: bool = False
    preview_map: PreviewMap | None = None
    demo: bool = False
    path: Path | None = None
    source: Source | None = None
    note: str | None = None
    """Why it is not installed although some of it is there, or what to know of what is."""

    @property
    def installed(self) -> bool:
        """Whether the weights are on disk."""
        return self.path is not None

    @property
    def guided(self) -> bool:
        """Whether the model uses guidance; it harms distilled models."""
        return self.guidance_scale > 0


TURBO = ModelEntry(
    id="z-image-turbo",
    name="Z-Image-Turbo",
    description="The distilled 6B model: 9 steps (8 forwards), no guidance, Chinese and English text in images.",
    repository="Tongyi-MAI/Z-Image-Turbo",
    download_gb=32.9,
    guidance_scale=0.0,
    preview_map=FLUX_VAE_MAP,
)
BASE = ModelEntry(
    id="z-image",
    name="Z-Image",
    description="The 6B base model: 28–50 steps with guidance, more variety, slower.",
    repository="Tongyi-MAI/Z-Image",
    download_gb=20.5,
    default_steps=50,
    guidance_scale=4.0,
    shift=6.0,
    negative_prompt=True,
    preview_map=FLUX_VAE_MAP,
)
NANO = ModelEntry(
    id="zimage-nano",
    name="zimage-nano",
    description="The embedded demo model: draws simple 3D icons of everyday things in seconds on any processor.",
    size_multiple=32,
    guidance_scale=0.0,
    demo=True,
)
FAMILY = (TURBO, BASE, NANO)


class Catalogue:
    """Catalogue of models. Every call reads the disk, so that a download needs no restart."""

    def __init__(self, settings: Settings) -> None:
        self._ckpts = settings.base_dir / "Z-Image" / "ckpts"
        self._models_dir = settings.models_dir
        self._preferred_repository = settings.model_name
        self._default_guidance_scale = settings.default_guidance_scale

    def models(self) -> list[ModelEntry]:
        """Returns the models of the family, best first, then others found in the folders, whole or not."""
        folders = self._folders()
        known = [self._locate(model, folders) for model in FAMILY]
        names = {model.name.lower() for model in FAMILY}
        others = [self._found(folder) for name, folder in folders.items() if name not in names]
        return [_with_own_facts(model) for model in known + others]

    def resolve(self, model_id: str) -> ModelEntry:
        """Returns the installed model of a name.

        Raises:
            UnknownModel: The catalogue has no such model.
            ModelNotInstalled: Its weights are not on disk.
        """
        models = self.models()
        if model_id == AUTO:
            return self._best_or_raise(models)
        for model in models:
            if model.id == model_id:
                if not model.installed:
                    why = f" ({model.note.rstrip('.')})" if model.note else ""
                    raise ModelNotInstalled(
                        f"{model.name} is not installed on this machine{why}; installed: {_ids(models)}, or use 'auto'."
                    )
                return model
        raise UnknownModel(f"There is no model {model_id!r}; installed: {_ids(models)}, or use 'auto'.")

    def best(self, models: list[ModelEntry]) -> ModelEntry | None:
        """Returns the installed model that `auto` means: the preferred one, any other, the demo model last."""
        installed = [model for model in models if model.installed]
        return min(
            installed, key=lambda model: (model.repository != self._preferred_repository, model.demo), default=None
        )

    def _best_or_raise(self, models: list[ModelEntry]) -> ModelEntry:
        best = self.best(models)
        if best is None:
            raise ModelNotInstalled(
                "No model is installed, not even the embedded one in Z-Image/ckpts/zimage-nano: restore that folder."
            )
        return best

    def _locate(self, model: ModelEntry, folders: dict[str, _Folder]) -> ModelEntry:
        folder = folders.get(model.name.lower())
        if folder is not None and folder.fault is None:
            return replace(model, path=folder.path, source=folder.source)
        note = folder.fault if folder is not None else None
        if model.repository is None:
            return replace(model, note=note)
        cached = find_cached(model.repository)
        source: Source | None = "hub cache" if cached.path is not None else None
        return replace(model, path=cached.path, source=source, note=cached.note or note)

    def _found(self, folder: _Folder) -> ModelEntry:
        name, is_whole = as_utf_8(folder.path.name), folder.fault is None
        return ModelEntry(
            id=name,
            name=name,
            description="A model of yours.",
            path=folder.path if is_whole else None,
            source=folder.source if is_whole else None,
            note=folder.fault,
            guidance_scale=self._default_guidance_scale,
        )

    def _folders(self) -> dict[str, _Folder]:
        """Returns the folders of models by name in small letters; of two of a name a whole one, then the first."""
        found: dict[str, _Folder] = {}
        places: list[tuple[Path | None, Source]] = [(self._models_dir, "folder"), (self._ckpts, "ckpts")]
        for root, source in places:
            for path in _subfolders(root):
                folder = _Folder(path, source, _name_fault(path.name) or find_fault(path))
                known = found.get(path.name.lower())
                if known is None or (known.fault is not None and folder.fault is None):
                    found[path.name.lower()] = folder
        return found


@dataclass(frozen=True)
class _Folder:
    """Folder that is meant as a model; `fault` tells why it is not used."""

    path: Path
    source: Source
    fault: str | None


def _subfolders(root: Path | None) -> list[Path]:
    if root is None:
        return []
    try:
        visible = (path for path in root.iterdir() if not path.name.startswith("."))
        return sorted(path for path in visible if is_meant_as_model(path))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        logger.warning("the folder of models %s cannot be read: %s", as_utf_8(root), error.strerror)
        return []


def _name_fault(name: str) -> str | None:
    """Returns why a model cannot be asked for by the name of its folder."""
    if not is_plain(name):
        return "The name of its folder is not plain UTF-8 text; rename it."
    if len(name) > MAX_MODEL_CHARACTERS or name == AUTO:
        return f"The name of its folder is {AUTO!r} or longer than {MAX_MODEL_CHARACTERS} characters; rename it."
    return None


def _with_own_facts(model: ModelEntry) -> ModelEntry:
    """Lets a model's own `zimage.json` correct what the catalogue says of its grid and steps."""
    if model.path is None:
        return model
    folder, model = model.path, replace(model, shift=_own_shift(model.path, model.shift))
    try:
        facts = json.loads((folder / "zimage.json").read_text("utf-8"))
        return replace(
            model,
            size_multiple=int(facts.get("size_multiple", model.size_multiple)),
            sizes=tuple((int(width), int(height)) for width, height in facts.get("sizes", model.sizes)),
            default_steps=int(facts.get("default_steps", model.default_steps)),
            guidance_scale=float(facts.get("guidance_scale", model.guidance_scale)),
            negative_prompt=bool(facts.get("negative_prompt", model.negative_prompt)),
            preview_map=parse_preview_map(facts["preview_map"]) if facts.get("preview_map") else model.preview_map,
            demo=bool(facts.get("demo", model.demo)),
        )
    except FileNotFoundError:
        return model
    except (OSError, ValueError, TypeError, AttributeError) as error:
        logger.warning("%s: zimage.json is not usable (%s)", model.name, error)
        return model


def _own_shift(folder: Path, default: float) -> float:
    try:
        shift = json.loads((folder / "scheduler" / "scheduler_config.json").read_text("utf-8"))["shift"]
        return float(shift) if shift > 0 else default
    except (OSError, ValueError, LookupError, TypeError):  # the load of the model says what is wrong with it
        return default


def _ids(models: list[ModelEntry]) -> str:
    return ", ".join(model.id for model in models if model.installed) or "none"
