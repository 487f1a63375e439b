"""Members of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backend.models.catalogue import Ability, Member, PartName
from backend.models.config import Engine
from backend.services.library.files import ModelFiles
from backend.services.library.part_files import FoundPart
from backend.services.library.preview_map import FLUX_VAE_MAP, PreviewMap

Source = Literal["hub cache", "ckpts", "folder", "files"]
AUTO = "auto"
"""Name of the best installed model."""


@dataclass(frozen=True)
class ModelEntry:
    """Member of the catalogue and, when it is installed, where its parts are."""

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
    is_omni: bool = False
    """Whether it draws from reference images."""
    preview_map: PreviewMap | None = None
    demo: bool = False
    files: ModelFiles | None = None
    source: Source | None = None
    note: str | None = None
    """Why it is not installed although some of it is there, or what to know of what is."""
    member: Member | None = None
    """Of a model of files: which of the family it is run as."""
    parts: tuple[FoundPart, ...] = ()
    """Of a model of files: those in use."""
    choices: Mapping[PartName, tuple[FoundPart, ...]] = field(default_factory=dict)
    """Of a model of files: what fits it, the first of each kind when nothing is chosen."""

    @property
    def installed(self) -> bool:
        """Whether the weights are on disk."""
        return self.files is not None

    @property
    def path(self) -> Path | None:
        """Its folder in the published layout; None for a model of files."""
        return self.files.folder if self.files else None

    def abilities(self, engine: Engine) -> tuple[Ability, ...]:
        """Returns what it draws from with an engine, and what acts on it."""
        if self.is_omni:
            return ("text", "references", "loras")
        edits: tuple[Ability, ...] = ("text", "image", "mask", "outpaint", "upscale")
        return (*edits, "loras") if engine == "diffusers" else (*edits, "control", "loras")

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
