"""Deletion of models: of what was downloaded here or lies in a folder of ours, and of nothing that something needs."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.models.catalogue import KeptReason
from backend.services.errors import ModelInUse, ModelNotFound, NotOurs, RemovalFailed
from backend.services.library.catalogue import Catalogue
from backend.services.library.downloads import Downloads
from backend.services.library.hub.client import PART_SUFFIX
from backend.services.library.model_entry import NANO, ModelEntry
from backend.services.library.variants.orders import Order
from backend.services.library.variants.receipts import Receipts
from backend.services.library.variants.table import VARIANTS, Variant
from backend.utils.texts import as_utf_8

logger = logging.getLogger(__name__)

_GONE = ".deleted-"


@dataclass(frozen=True)
class Doomed:
    """File, or folder with all in it, that a deletion removes."""

    path: Path
    name: str
    size_bytes: int


@dataclass(frozen=True)
class Removal:
    """What a deletion removes, and which parts of the model stay and why."""

    files: tuple[Doomed, ...]
    kept: dict[str, KeptReason] = field(default_factory=dict)


class Removals:
    """Deletes models. A file is ours by its place or its receipt; one that models share, by its receipt alone."""

    def __init__(
        self,
        catalogue: Catalogue,
        downloads: Downloads,
        receipts: Receipts,
        *,
        download_root: Path,
        own_roots: Callable[[], Sequence[Path]],
        loaded: Callable[[], Iterable[str]],
        wanted: Callable[[], Iterable[str]],
        variants: Sequence[Variant] = VARIANTS,
    ) -> None:
        """Keeps what deletions depend on.

        Args:
            catalogue: Models that there are.
            downloads: What may be on its way.
            receipts: What was downloaded here.
            download_root: Folder of models that downloads go into.
            own_roots: Returns the folders that are ours with all in them.
            loaded: Returns ids of the models in memory.
            wanted: Returns ids of the models that tasks wait for or run with.
            variants: What can be downloaded.
        """
        self._catalogue = catalogue
        self._downloads = downloads
        self._receipts = receipts
        self._download_root = download_root
        self._own_roots = own_roots
        self._loaded = loaded
        self._wanted = wanted
        self._variants = variants

    def plan(self, model_id: str) -> Removal:
        """Returns what deleting a model, or what has come of one, would remove.

        Raises:
            ModelNotFound: there is nothing of it.
            NotOurs: it belongs to another program, or to this one itself.
            ModelInUse: it is in memory, being downloaded, or something else needs it.
        """
        removal = self._plan(model_id, self._catalogue.models())
        self._refuse_busy(model_id)
        return removal

    def remove(self, model_id: str) -> Removal:
        """Deletes a model, the part first without which it is none; raises as `plan` does.

        Raises:
            RemovalFailed: the disk refuses.
        """
        removal = self.plan(model_id)
        for doomed in removal.files:
            try:
                _delete(doomed.path)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise RemovalFailed(f"The disk refuses to delete {doomed.name} ({why}).") from error
            self._receipts.forget(doomed.path)
        logger.info("%s is deleted", model_id)
        return removal

    def _plan(self, model_id: str, models: Sequence[ModelEntry]) -> Removal:
        model = next((one for one in models if one.id == model_id), None)
        if model is not None and model.parts:
            return self._plan_files(model, models)
        if model is not None and model.path is not None:
            return self._plan_folder(model, model.path, models)
        removal = self._plan_remains(model_id, models)
        if not removal.files:
            raise ModelNotFound(f"There is nothing of a model {model_id!r} here to delete.")
        return removal

    def _refuse_busy(self, model_id: str) -> None:
        if self._downloads.running_id == model_id:
            raise ModelInUse("It is being downloaded: cancel that first.")
        if model_id in self._loaded():
            raise ModelInUse("It is in memory: free that first.")
        if model_id in self._wanted():
            raise ModelInUse("A task waits for it or runs with it: let that end or cancel it first.")

    def _plan_folder(self, model: ModelEntry, folder: Path, models: Sequence[ModelEntry]) -> Removal:
        if model.id == NANO.id:
            raise NotOurs("The demo model is a part of this program.")
        if model.source == "hub cache":
            raise NotOurs("It lies in the hub's cache, which other programs share: delete it with their means.")
        if not (self._lies_in_ours(folder) or self._receipts.digest_of(folder / "model_index.json")):
            raise NotOurs("It lies in a folder of another program, and was not downloaded here.")
        _refuse_needed(model, folder, models)
        return Removal((_doom(folder, f"{as_utf_8(folder.name)}/"),))

    def _plan_files(self, model: ModelEntry, models: Sequence[ModelEntry]) -> Removal:
        transformer, *others = model.parts
        if not (self._lies_in_ours(transformer.path) or self._receipts.digest_of(transformer.path)):
            raise NotOurs(f"{transformer.name} lies in a folder of another program, and was not downloaded here.")
        _refuse_needed(model, transformer.path, models)
        files, kept = [_doom(transformer.path, transformer.name)], dict[str, KeptReason]()
        needed = self._needed(model.id, models)
        for part in others:
            if part.path == transformer.path:
                continue
            if part.path.name in needed or part.path in needed:
                kept[part.name] = "shared"
            elif part.path.is_dir() or self._receipts.digest_of(part.path) is None:
                kept[part.name] = "not_ours"
            else:
                files.append(_doom(part.path, part.name))
        return Removal(tuple(files), kept)

    def _plan_remains(self, model_id: str, models: Sequence[ModelEntry]) -> Removal:
        """Plans for what a download has left that did not come to its end."""
        variant = next((one for one in self._variants if one.id == model_id), None)
        if variant is None:
            return Removal(())
        order = Order(variant, self._download_root)
        if order.folder is not None:
            is_there = order.folder.is_dir() and self._lies_in_ours(order.folder)
            return Removal((_doom(order.folder, f"{order.folder.name}/"),) if is_there else ())
        needed, files = self._needed(model_id, models), []
        for target in order.targets():
            part = target.with_name(target.name + PART_SUFFIX)
            if target.name in needed:
                continue
            if part.is_file():
                files.append(_doom(part, f"{part.parent.name}/{part.name}"))
            if self._receipts.digest_of(target) is not None:
                files.append(_doom(target, f"{target.parent.name}/{target.name}"))
        return Removal(tuple(files))

    def _needed(self, model_id: str, models: Sequence[ModelEntry]) -> set[Path | str]:
        """Returns paths of parts that other models use, and names of files that a running download counts on."""
        running = self._downloads.running_id
        used: set[Path | str] = {
            part.path for model in models if model.id != model_id and model.installed for part in model.parts
        }
        coming = (file.name for variant in self._variants if variant.id == running for file in variant.files)
        return used | {path.name for path in used if isinstance(path, Path)} | set(coming)

    def _lies_in_ours(self, path: Path) -> bool:
        folder = path.parent.resolve()
        return any(folder.is_relative_to(root.resolve()) for root in self._own_roots())


def _refuse_needed(model: ModelEntry, path: Path, models: Sequence[ModelEntry]) -> None:
    users = [
        other.name
        for other in models
        if other.id != model.id and other.installed and any(part.path.is_relative_to(path) for part in other.parts)
    ]
    if users:
        raise ModelInUse(f"Parts of it are used by {', '.join(users)}: choose other parts there, or delete that first.")


def _doom(path: Path, name: str) -> Doomed:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else (path,)
    return Doomed(path, name, sum(file.lstat().st_size for file in files if not file.is_dir()))


def _delete(path: Path) -> None:
    """Deletes a file or a folder; of a link, the link alone. A folder goes at once, by a name that is no model's."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    gone = path.with_name(f"{_GONE}{path.name}")
    shutil.rmtree(gone, ignore_errors=True)  # of a deletion that was cut off
    path.rename(gone)
    shutil.rmtree(gone)
