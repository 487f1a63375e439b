"""What to fetch for a variant, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.services.library.hub.client import HubFile
from backend.services.library.variants.table import Variant


@dataclass(frozen=True)
class Piece:
    """Files of one repository; all of a published model when no paths are named."""

    repository: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """A variant, and the folder of models that it goes into."""

    variant: Variant
    root: Path

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What to ask of each repository."""
        if self.variant.repository is not None:
            return (Piece(self.variant.repository),)
        repositories = dict.fromkeys(file.repository for file in self.variant.files)
        return tuple(
            Piece(name, tuple(file.path for file in self.variant.files if file.repository == name))
            for name in repositories
        )

    @property
    def folder(self) -> Path | None:
        """Folder of its own; None for single files, which variants share."""
        return self.root / self.variant.model.name if self.variant.repository is not None else None

    def target_of(self, piece: Piece, file: HubFile) -> Path:
        """Returns where a file goes."""
        if self.folder is not None:
            return self.folder / file.path
        return next(
            self.root / own.place
            for own in self.variant.files
            if (own.repository, own.path) == (piece.repository, file.path)
        )

    def targets(self) -> Iterator[Path]:
        """Yields where the single files go."""
        return (self.root / file.place for file in self.variant.files)
