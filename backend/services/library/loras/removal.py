"""Deletion of LoRAs: of those that lie in a folder of ours or were sent here, and of none that a task needs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path, PurePath

from backend.models.recipe import LoraUse
from backend.services.errors import NotOurs, RemovalFailed
from backend.services.library.loras.catalogue import Lora, LoraCatalogue
from backend.services.library.loras.folders import SUFFIXES
from backend.services.library.variants.receipts import Receipts
from backend.services.lora_errors import LoraInUse, NameTaken

logger = logging.getLogger(__name__)


class LoraRemovals:
    """Deletes LoRAs."""

    def __init__(self, catalogue: LoraCatalogue, receipts: Receipts, wanted: Callable[[], Iterable[LoraUse]]) -> None:
        """Keeps what deletions depend on.

        Args:
            catalogue: the LoRAs that there are.
            receipts: what was sent here.
            wanted: returns the LoRAs of the tasks that wait or run.
        """
        self._catalogue = catalogue
        self._receipts = receipts
        self._wanted = wanted

    def find_own(self, loras: Iterable[Lora]) -> set[str]:
        """Returns the paths of those that can be deleted here."""
        came = self._receipts.paths()
        is_inside = cache(_is_inside)
        roots = [folder.root for folder in self._catalogue.folders()]
        return {
            lora.file.path
            for lora in loras
            if (lora.is_own and is_inside(lora.path.parent, roots[lora.file.folder]))
            or (lora.file.path in came and self._receipts.digest_of(lora.path) is not None)
        }

    def remove(self, name: str) -> None:
        """Deletes a LoRA and what lies beside it under its name; of a link, the link alone.

        Raises:
            LoraNotFound: there is none of this name.
            NotOurs: it belongs to another program, or to a model.
            LoraInUse: a task needs it.
            NameTaken: another file that can be deleted would have the name then.
            RemovalFailed: the disk refuses.
        """
        lora = self._catalogue.get(name)
        if not self.find_own([lora]):
            raise NotOurs(f"{lora.file.name} lies in a folder of another program or of a model: delete it there.")
        sha256 = lora.digest and lora.digest.sha256
        if any(use.name == lora.name or (sha256 is not None and use.sha256 == sha256) for use in self._wanted()):
            raise LoraInUse("A task waits for it or runs with it: let that end or cancel it first.")
        heir = self._catalogue.heir_of(lora)
        if heir is not None and self.find_own([heir]):  # the same request, sent again, would delete it
            raise NameTaken(f"A file of this path in another folder would be called {lora.name} then: delete it first.")
        try:
            lora.path.unlink()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise RemovalFailed(f"The disk refuses to delete {lora.file.name} ({why}).") from error
        self._receipts.forget(lora.path)
        self._remove_beside(lora)
        logger.info("the LoRA %s is deleted", lora.name)

    def _remove_beside(self, lora: Lora) -> None:
        stem = PurePath(lora.path.name).stem
        if any(lora.path.with_name(stem + suffix).exists() for suffix in SUFFIXES):
            return  # another file of the stem has them, too
        for sidecar in lora.file.sidecars:
            with contextlib.suppress(OSError):
                lora.path.with_name(sidecar.name).unlink()


def _is_inside(folder: Path, root: Path) -> bool:
    """Tells whether a folder really lies in another one: a link may lead to those of other programs."""
    return folder.resolve().is_relative_to(root.resolve())
