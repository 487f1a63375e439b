"""Where the parts of one model are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

WEIGHTED_PARTS = ("transformer", "text_encoder", "vae")

Signature = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of a file, or of all files of a folder."""


@dataclass(frozen=True)
class ModelFiles:
    """A path for each part: of a folder in the published layout, or of files that models may share.

    Attributes:
        name: of the model, for messages.
        transformer: file, or folder as of a published part; the others likewise.
        folder: the folder in the published layout that all parts are in, if there is one.
        tokenizer: folder; Qwen3's own tokenizer when None.
        shift: of the noise schedule, for a model without a folder.
    """

    name: str
    transformer: Path
    text_encoder: Path
    vae: Path
    folder: Path | None = None
    tokenizer: Path | None = None
    shift: float = 3.0

    @classmethod
    def of_folder(cls, folder: Path) -> ModelFiles:
        """The parts of a folder in the published layout."""
        transformer, text_encoder, vae = (folder / part for part in WEIGHTED_PARTS)
        return cls(folder.name, transformer, text_encoder, vae, folder=folder, tokenizer=folder / "tokenizer")

    def without_paths(self, text: str) -> str:
        """Returns a message without the folders that the files are in, which are nobody else's business."""
        folders = {self.folder} if self.folder is not None else {path.parent for path in self.parts}
        for folder in sorted(folders, key=lambda folder: -len(str(folder))):
            text = text.replace(f"{folder}{os.sep}", "")
        return text

    def signature(self) -> tuple[Signature, ...]:
        """Returns what tells a changed file of any part.

        Raises:
            OSError: one is not there, or cannot be looked at.
        """
        return tuple(signature_of(path) for path in self.parts)

    @property
    def parts(self) -> tuple[Path, Path, Path]:
        """Those with weights."""
        return self.transformer, self.text_encoder, self.vae


def signature_of(path: Path) -> Signature:
    """Returns what tells a changed file, or a folder with a changed one.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((file.name, status.st_size, status.st_mtime_ns) for file in files for status in [file.stat()])
