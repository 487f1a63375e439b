"""Models that make control images of depth and of people: where they lie, and which is used. Nothing is downloaded."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from backend.models.config import Settings
from backend.models.recipe import ANNOTATED, AnnotatedKind
from backend.services.errors import UnknownAnnotator
from backend.services.library.places import published_root
from backend.utils.texts import as_utf_8
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from zimage.annotators.folders import AnnotatorFiles, AnnotatorFolder

logger = logging.getLogger(__name__)

ANNOTATORS = "annotators"
"""Folder of such models beside others."""
NAMES: dict[AnnotatedKind, str] = {"depth": "depth model", "pose": "ViTPose"}


class Annotators:
    """Folders of annotators. Every call reads the disk, so that one that is put there needs no restart."""

    def __init__(self, settings: Settings) -> None:
        beside = None if settings.models_dir is None else published_root(settings.models_dir)
        roots = [settings.annotators_dir, settings.base_dir / "Z-Image" / "ckpts" / ANNOTATORS]
        if beside is not None:
            roots.insert(1, beside / ANNOTATORS)
        self.roots: tuple[Path, ...] = tuple(dict.fromkeys(roots))

    def look(self) -> list[AnnotatorFolder]:
        """Returns the models in the folders that are searched, those that cannot be used with the reason."""
        make_importable()
        from zimage.annotators.folders import describe

        return [found for root in self.roots for path in _subfolders(root) if (found := describe(path)) is not None]

    def kinds(self) -> frozenset[AnnotatedKind]:
        """Returns the kinds of control images that can be made here."""
        folders = self.look()
        from zimage.annotators.folders import choose

        return frozenset(kind for kind in ANNOTATED if choose(folders, kind) is not None)

    def find(self, kind: AnnotatedKind) -> AnnotatorFiles:
        """Returns what makes control images of a kind.

        Raises:
            UnknownAnnotator: there is nothing; the message says what fits, and where it is to be put.
        """
        folders = self.look()
        from zimage.annotators.folders import choose

        files = choose(folders, kind)
        if files is None:
            raise UnknownAnnotator(_explain(kind, folders))
        return files

    def remark(self, kind: AnnotatedKind) -> tuple[bool, str]:
        """Returns whether images of a kind can be made, and with what, or why not."""
        try:
            files = self.find(kind)
        except UnknownAnnotator as error:
            return False, str(error)
        name = as_utf_8(files.model.name)
        if kind == "depth":
            return True, f"With {name}."
        if files.detector is None:
            return True, f"With {name}; the whole image is one person's, for there is no detector of people."
        return True, f"With {name}, and {as_utf_8(files.detector.name)}, which finds the people."


def _explain(kind: AnnotatedKind, folders: list[AnnotatorFolder]) -> str:
    from zimage.annotators.folders import name_types

    broken = [folder for folder in folders if folder.fault and folder.role in (kind, None)]
    also = "".join(f" {as_utf_8(folder.name)} cannot be used: {as_utf_8(folder.fault or '')}" for folder in broken[:3])
    return (
        f"There is no {NAMES[kind]} here that makes {kind} images: put one as transformers publishes it (model_type "
        f"{name_types(kind)}; config.json, preprocessor_config.json, model.safetensors) into a folder of its own in "
        f"ZIMAGE_ANNOTATORS_DIR, or send a finished image.{also}"
    )


def _subfolders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if not path.name.startswith(".") and path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        logger.warning("the folder of annotators %s cannot be read: %s", as_utf_8(root), error.strerror)
        return []
