"""What a LoRA is, by its header and what is said of it, as plain values that a file can keep."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from backend.services.library.loras.architectures import Architecture
from backend.services.library.loras.beside import decode_thumbnail, read_json, read_note
from backend.services.library.loras.folders import LoraFile
from backend.services.library.loras.words import THUMBNAIL, Words, clean, read_words
from backend.services.lora_errors import LoraDamaged
from backend.utils.zimage_library import make_importable

logger = logging.getLogger(__name__)

LOST = "It is a link to a file that is not there, or cannot be looked at."
MAX_NAMED = 3
MAX_FAULT_CHARACTERS = 500


class Purpose(Protocol):
    """What a LoRA is for beside a style, and what it needs."""

    @property
    def name(self) -> str:
        """For programs."""

    @property
    def note(self) -> str:
        """What it does."""

    @property
    def steps(self) -> tuple[int, int]:
        """Fewest and most forwards."""

    @property
    def guidance(self) -> tuple[float, float]:
        """Smallest and largest conventional scale, 1 for none."""


class Description(Protocol):
    """What the library reads of a file without its values; see `zimage.adapters.lora_files`."""

    @property
    def kind(self) -> str:
        """`none` where there is nothing that is read."""

    @property
    def ranks(self) -> tuple[int, ...]:
        """Ascending."""

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The commonest first."""

    @property
    def n_matched(self) -> int:
        """Modules that the transformer has, of `n_modules`."""

    @property
    def n_modules(self) -> int:
        """Modules of the file."""

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Modules that the transformer does not have."""

    @property
    def encoder_keys(self) -> tuple[str, ...]:
        """Keys of a text encoder."""

    @property
    def family(self) -> str | None:
        """Family of models that it seems to be for, where nothing matches."""

    @property
    def purpose(self) -> Purpose | None:
        """What it is for beside a style."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Remarks of the file."""

    @property
    def fault(self) -> str | None:
        """Why it cannot be used."""


Describe = Callable[[Path, Architecture], Description]
"""Raises LoraDamaged for what is no LoRA, or one that cannot be read."""


@dataclass(frozen=True)
class LoraFacts:
    """Facts of a LoRA, matched with one architecture.

    Attributes:
        kind: `lora`, `lokr` …; None where nothing is read, as for what follows.
        rank: the largest.
        dtype: format of most of its values.
        matched: layers that fit, of those that there are.
        family: that it is for, where it is another one.
        role: what one is that needs other settings than a style.
        steps: points of the schedule that its role needs; likewise guidance.
        problem: why it cannot be used, as a sentence; `warning` likewise what to know.
    """

    kind: str | None = None
    rank: int | None = None
    dtype: str | None = None
    matched: int = 0
    of: int = 0
    family: str | None = None
    role: str | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    problem: str | None = None
    warning: str | None = None
    words: Words = field(default_factory=Words)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> LoraFacts:
        """Returns what a file has kept.

        Raises:
            TypeError, ValueError, LookupError: it is of another shape.
        """
        words = dict(values["words"])
        words |= {name: tuple(words[name]) for name in ("triggers", "tags")}
        return cls(**{**values, "words": Words(**words)})


def read_facts(file: LoraFile, architecture: Architecture, describe: Describe) -> LoraFacts:
    """Reads the header of a file, and what lies beside it. Whatever is wrong with it is in the facts."""
    if not file.size_bytes and not file.mtime_ns:
        return LoraFacts(problem=LOST)
    try:
        found = describe(Path(file.path), architecture)
    except LoraDamaged as error:
        return LoraFacts(problem=str(error), words=_words(file, {}))
    except (ValueError, ArithmeticError, LookupError, RecursionError, OSError, TypeError, AttributeError) as error:
        logger.warning("%s cannot be read: %r", file.name, error)  # whatever a header says, the others count
        return LoraFacts(problem="Its header makes no sense, or it cannot be read; the log has more.")
    return _facts_of(found, _words(file, found.metadata))


def _facts_of(found: Description, words: Words) -> LoraFacts:
    purpose = found.purpose
    steps = None if purpose is None else round(sum(purpose.steps) / 2) + 1
    guidance_scale = None if purpose is None else max(0.0, sum(purpose.guidance) / 2 - 1)
    return LoraFacts(
        kind=None if found.kind == "none" else found.kind,
        rank=max(found.ranks, default=None),
        dtype=next(iter(found.dtypes), None),
        matched=found.n_matched,
        of=found.n_modules,
        family=found.family,
        role=None if purpose is None else purpose.name,
        steps=steps,
        guidance_scale=guidance_scale,
        problem=found.fault and sentence(found.fault),
        warning=_warning(found),
        words=words,
    )


def _words(file: LoraFile, metadata: Mapping[str, str]) -> Words:
    words = read_words(metadata, read_json(file, ".json"), read_json(file, ".civitai.info"), read_note(file))
    if words.has_thumbnail and decode_thumbnail(metadata[THUMBNAIL]) is None:
        return replace(words, has_thumbnail=False)  # what cannot be shown is none
    return words


def _warning(found: Description) -> str | None:
    notes = []
    if 0 < found.n_matched < found.n_modules:
        left_out = _named(found.unmatched)
        notes.append(f"Only {found.n_matched} of {found.n_modules} layers fit; left out: {left_out}.")
    if found.encoder_keys:
        notes.append("Its part for the text encoder is left out.")
    if found.purpose is not None:
        notes.append(sentence(f"it {found.purpose.note}"))
    return " ".join(notes) or None


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(clean(name, 100) or "…" for name in names[:MAX_NAMED]) + more


def can_describe() -> bool:
    """Tells whether what reads headers is imported, which takes seconds."""
    return hasattr(sys.modules.get("zimage.adapters.lora_files"), "describe_lora")


def describe_file(path: Path, architecture: Architecture) -> Description:
    """Reads the header of a file with the library.

    Raises:
        LoraDamaged: it is no LoRA, or cannot be read.
    """
    make_importable()
    from zimage.adapters.lora_files import describe_lora
    from zimage.errors import PartError, WeightsError

    try:
        return describe_lora(path, architecture.config)
    except PartError as error:
        raise LoraDamaged(_without_path(str(error).removeprefix(f"{error.part}: "), path)) from error
    except WeightsError as error:
        raise LoraDamaged(_without_path(str(error), path)) from error


def check_values(path: Path, architecture: Architecture) -> None:
    """Reads all values of a file with the library.

    Raises:
        LoraDamaged: one is NaN or infinite, or cannot be read.
    """
    make_importable()
    from zimage.adapters.lora import check_lora
    from zimage.errors import LoraError

    try:
        check_lora(path, architecture.config)
    except LoraError as error:
        raise LoraDamaged(_without_path(str(error).removeprefix(f"{error.part}: "), path)) from error


def read_thumbnail(path: Path) -> str:
    """Returns the data URI of the picture in the header of a file; an empty one where there is none."""
    make_importable()
    from zimage.errors import WeightsError
    from zimage.weights.files.safetensors_header import read_entries

    try:
        return read_entries(path).metadata.get(THUMBNAIL, "")
    except WeightsError:
        return ""


def sentence(text: str) -> str:
    """Returns a text that begins and ends as a sentence does."""
    shown = (clean(text, MAX_FAULT_CHARACTERS) or "it cannot be read").rstrip(".")
    is_key = "." in shown.partition(" ")[0]  # which is said as it is
    return f"{shown}." if is_key else f"{shown[:1].upper()}{shown[1:]}."


def _without_path(text: str, path: Path) -> str:
    """Returns an error's first line without the folders of a file, which are nobody else's business."""
    fault = next(iter(text.splitlines()), "")
    return sentence(fault.replace(f"{path}: ", "").replace(f"{path} ", "it ").replace(str(path), path.name))
