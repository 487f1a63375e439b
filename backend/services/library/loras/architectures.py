"""Shapes of the models that LoRAs are matched with: those of the published ones, or of one that is installed."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.services.library.files import ModelFiles, Signature
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from zimage.config import TransformerConfig

MAX_KEPT = 64


@dataclass(frozen=True)
class Architecture:
    """Shapes of a transformer.

    Attributes:
        key: name for what is kept of it.
        config: of the transformer; None for the published one.
    """

    key: str
    config: TransformerConfig | None = None


PUBLISHED = Architecture("published")


class Architectures:
    """Reads the architectures of models; headers are read once until a file changes. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[ModelFiles, tuple[Signature, ...]], Architecture] = {}

    def of(self, files: ModelFiles | None) -> Architecture:
        """Returns the architecture of a model; the published one where only its load will tell."""
        if files is None:
            return PUBLISHED
        try:
            key = files, files.signature()
        except OSError:
            return PUBLISHED
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = _read(files)
            with self._lock:
                self._known[key] = known
                if len(self._known) > MAX_KEPT:
                    del self._known[next(iter(self._known))]
        return known


def _read(files: ModelFiles) -> Architecture:
    make_importable()
    from zimage.config import TransformerConfig
    from zimage.errors import ZImageError

    try:
        config = _config_in(files.folder / "transformer") if files.folder is not None else _config_of(files.transformer)
    except (ZImageError, OSError):  # a model that only diffusers reads, or one whose load says what is wrong with it
        return PUBLISHED
    if config == TransformerConfig():
        return PUBLISHED
    return Architecture(hashlib.sha256(repr(config).encode()).hexdigest()[:16], config)


def _config_in(folder: Path) -> TransformerConfig:
    """Reads the configuration of a published part, which needs no torch."""
    from zimage.config import TransformerConfig

    return TransformerConfig.from_file(folder / "config.json")


def _config_of(file: Path) -> TransformerConfig:
    from zimage.weights.identify import Part
    from zimage.weights.parts import open_part, transformer_config_of

    return transformer_config_of(open_part(file, Part.TRANSFORMER))
