"""Catalogue of models and the paths of their weights.

Searched in this order: the folder of the settings, `Z-Image/ckpts/`, the hub's cache. Nothing is downloaded here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backend.models.catalogue import Member, PartName
from backend.models.config import Settings
from backend.models.schemas import MAX_MODEL_CHARACTERS
from backend.services.errors import (
    DiskFull,
    ModelError,
    ModelNotFound,
    ModelNotInstalled,
    UnknownControl,
    UnknownModel,
    UnknownPart,
)
from backend.services.library.annotators import ANNOTATORS
from backend.services.library.choices import Choice, Choices
from backend.services.library.control_files import FoundControl
from backend.services.library.file_models import compose_models
from backend.services.library.files import ModelFiles
from backend.services.library.hub.cache import find_cached
from backend.services.library.loras.folders import LORAS
from backend.services.library.model_entry import AUTO, FAMILY, ModelEntry, Source
from backend.services.library.model_folder import find_fault, is_meant_as_model, is_omni
from backend.services.library.part_files import FoundPart, PartFiles, WeightFile
from backend.services.library.places import Place, find_places, published_root
from backend.services.library.preview_map import parse_preview_map
from backend.utils.texts import as_utf_8, is_plain

logger = logging.getLogger(__name__)

OMNI_STEPS, OMNI_GUIDANCE = 50, 5.0
"""Of diffusers' pipeline, as nothing of the variant is published."""


@dataclass(frozen=True)
class Contents:
    """What one look at the disk has found.

    Attributes:
        models: of the family, best first, then others, whole or not.
        files: of weights beside published folders, those that cannot be used with the reason.
    """

    models: tuple[ModelEntry, ...]
    files: tuple[WeightFile, ...]

    @property
    def controls(self) -> list[FoundControl]:
        """The ControlNets among the files, the first of each name."""
        found: dict[str, FoundControl] = {}
        for file in self.files:
            if file.control is not None:
                found.setdefault(file.control.name, file.control)
        return list(found.values())


class Catalogue:
    """Catalogue of models. Every call reads the disk, so that a download needs no restart."""

    def __init__(self, settings: Settings) -> None:
        self._ckpts = settings.base_dir / "Z-Image" / "ckpts"
        self._models_dir = settings.models_dir
        self._part_files = PartFiles()
        self._choices = Choices(settings.data_dir / "models.json")
        self._preferred_repository = settings.model_name
        self._default_guidance_scale = settings.default_guidance_scale

    def models(self) -> list[ModelEntry]:
        """Returns the models of the family, best first, then others found in the folders, whole or not."""
        return list(self.look().models)

    def look(self) -> Contents:
        """Returns the models and the files of weights, both from one look at the disk."""
        folders, files = self._folders(), self.weight_files()
        known = [self._locate(model, folders) for model in FAMILY]
        names = {model.name.lower() for model in FAMILY}
        others = [self._found(folder) for name, folder in folders.items() if name not in names]
        published = [_with_own_facts(model) for model in known + others]
        return Contents((*published, *self._of_files(published, files)), tuple(files))

    def weight_files(self) -> list[WeightFile]:
        """Returns the files of weights beside published folders, those that cannot be used with the reason."""
        found: dict[Path, WeightFile] = {}
        for place in (*find_places(self._models_dir), Place(self._ckpts, (self._ckpts,))):
            if place.fault is not None:
                found[place.root] = WeightFile(place.root, as_utf_8(place.root.name), fault=place.fault)
            for file in self._part_files.find(place.root, place.folders, _is_left_out):
                found.setdefault(file.path, file)
        return list(found.values())

    def resolve_control(self, name: str) -> FoundControl:
        """Returns the ControlNet of a name; `auto` is the first.

        Raises:
            UnknownControl: there is none.
        """
        controls = Contents((), tuple(self.weight_files())).controls
        for control in controls:
            if name in (control.name, AUTO):
                return control
        names = ", ".join(control.name for control in controls)
        raise UnknownControl(
            f"There is no ControlNet {name!r}; installed: {names}."
            if names
            else f"There is no ControlNet {name!r}, nor any other: put one into model_patches/ or controlnet/."
        )

    def choose(self, model_id: str, member: Member | None, parts: dict[PartName, str]) -> ModelEntry:
        """Sets which member of the family a model of files is, and which parts it uses.

        Raises:
            ModelNotFound: there is no such model.
            UnknownPart: the model is no one of files, or a part is none that fits it.
        """
        model = self._find(model_id)
        if not model.choices:
            raise UnknownPart(f"{model.name} is a folder with all its parts: there is nothing to choose.")
        for kind, name in parts.items():
            names = [part.name for part in model.choices.get(kind, ())]
            if name not in names:
                raise UnknownPart(
                    f"{name!r} is no {kind} for {model.name}; those that fit: {', '.join(names) or 'none'}."
                )
        try:
            self._choices.put(model_id, Choice(member, parts))
        except OSError as error:
            raise DiskFull("The choice cannot be written, so nothing was changed.") from error
        return self._find(model_id)

    def _find(self, model_id: str) -> ModelEntry:
        model = next((model for model in self.models() if model.id == model_id), None)
        if model is None:
            raise ModelNotFound(f"There is no model {model_id!r}.")
        return model

    def settle(self, model_id: str, member: Member, parts: dict[PartName, str]) -> ModelEntry:
        """Chooses as `choose` does, unless something has been chosen for the model already."""
        return self._find(model_id) if model_id in self._choices.all() else self.choose(model_id, member, parts)

    def _of_files(self, published: Sequence[ModelEntry], files: Sequence[WeightFile]) -> list[ModelEntry]:
        if not any(part.part == "transformer" for file in files for part in file.parts):
            return []
        shared: list[FoundPart] = []
        for model in published:
            if model.path is not None:
                shared += self._part_files.describe_folder(model.path, model.id)
        return compose_models(files, shared, self._choices.all(), (model.id.lower() for model in published))

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

    def files_of(self, model_id: str) -> ModelFiles | None:
        """Returns the files of a model, or None where it is not installed."""
        try:
            return self.resolve(model_id).files
        except ModelError:
            return None

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
            return replace(model, files=ModelFiles.of_folder(folder.path), source=folder.source)
        note = folder.fault if folder is not None else None
        if model.repository is None:
            return replace(model, note=note)
        cached = find_cached(model.repository)
        if cached.path is None:
            return replace(model, note=cached.note or note)
        return replace(model, files=ModelFiles.of_folder(cached.path), source="hub cache", note=cached.note or note)

    def _found(self, folder: _Folder) -> ModelEntry:
        name, is_whole = as_utf_8(folder.path.name), folder.fault is None
        found = ModelEntry(
            id=name,
            name=name,
            description="A model of yours.",
            files=ModelFiles.of_folder(folder.path) if is_whole else None,
            source=folder.source if is_whole else None,
            note=folder.fault,
            guidance_scale=self._default_guidance_scale,
        )
        if not is_whole or not is_omni(folder.path):
            return found
        return replace(
            found, is_omni=True, guidance_scale=OMNI_GUIDANCE, default_steps=OMNI_STEPS, negative_prompt=True
        )

    def _folders(self) -> dict[str, _Folder]:
        """Returns the folders of models by name in small letters; of two of a name a whole one, then the first."""
        found: dict[str, _Folder] = {}
        own = published_root(self._models_dir) if self._models_dir is not None else None
        places: list[tuple[Path | None, Source]] = [(own, "folder"), (self._ckpts, "ckpts")]
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


def _is_left_out(folder: Path) -> bool:
    """Tells folders that are not searched for parts of models: those of published models, LoRAs and annotators."""
    return folder.name in (LORAS, ANNOTATORS) or is_meant_as_model(folder)


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
