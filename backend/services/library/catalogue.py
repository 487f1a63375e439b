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
from backend.services.errors import ModelNotInstalled, UnknownModel
from backend.services.library.preview_map import FLUX_VAE_MAP, PreviewMap, parse_preview_map

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
        """Returns the models of the family, best first, then others found in the folders."""
        folders = self._folders()
        known = [self._locate(model, folders) for model in FAMILY]
        names = {model.name.lower() for model in FAMILY}
        others = [
            ModelEntry(
                id=path.name,
                name=path.name,
                description="A model of yours.",
                path=path,
                source=source,
                guidance_scale=self._default_guidance_scale,
            )
            for name, (path, source) in folders.items()
            if name not in names
        ]
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
                    raise ModelNotInstalled(
                        f"{model.name} is not installed on this machine; installed: {_ids(models)}, or use 'auto'."
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

    def _locate(self, model: ModelEntry, folders: dict[str, tuple[Path, Source]]) -> ModelEntry:
        if model.name.lower() in folders:
            path, source = folders[model.name.lower()]
            return replace(model, path=path, source=source)
        cached = _in_hub_cache(model.repository) if model.repository else None
        return replace(model, path=cached, source="hub cache") if cached else model

    def _folders(self) -> dict[str, tuple[Path, Source]]:
        found: dict[str, tuple[Path, Source]] = {}
        places: list[tuple[Path | None, Source]] = [(self._models_dir, "folder"), (self._ckpts, "ckpts")]
        for root, source in places:
            if root is None or not root.is_dir():
                continue
            for folder in sorted(root.iterdir()):
                if is_complete(folder):
                    found.setdefault(folder.name.lower(), (folder, source))
        return found


def is_complete(folder: Path) -> bool:
    """Tells whether a folder has a whole Z-Image pipeline: an index and all its weight files."""
    try:
        index = json.loads((folder / "model_index.json").read_text("utf-8"))
        return index.get("_class_name") == "ZImagePipeline" and all(
            _has_weights(folder / part) for part in ("transformer", "text_encoder", "vae")
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False


def _has_weights(folder: Path) -> bool:
    indices = list(folder.glob("*.safetensors.index.json"))
    if not indices:
        return any(folder.glob("*.safetensors"))
    shards = set(json.loads(indices[0].read_text("utf-8"))["weight_map"].values())
    return all((folder / shard).is_file() for shard in shards)


def _in_hub_cache(repository: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    index = try_to_load_from_cache(repository, "model_index.json")
    folder = Path(index).parent if isinstance(index, str) else None
    return folder if folder is not None and is_complete(folder) else None


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
