"""Models put together from files: every transformer is one, with a text encoder and an autoencoder that fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import get_args

from backend.models.catalogue import Member, PartName
from backend.models.schemas import MAX_MODEL_CHARACTERS
from backend.services.library.choices import Choice
from backend.services.library.files import ModelFiles
from backend.services.library.model_entry import AUTO, BASE, TURBO, ModelEntry
from backend.services.library.part_files import FoundPart, WeightFile
from backend.utils.texts import is_plain

QWEN_TOKENS = 151_669
"""Size of the tokenizer that comes with the library, which files of weights alone rely on."""
PUBLISHED_CHANNELS, PUBLISHED_GRID_PX = 16, 16
MEMBERS: Mapping[Member, ModelEntry] = {"turbo": TURBO, "base": BASE}
NEEDED: Mapping[PartName, str] = {
    "text_encoder": "text encoder: put qwen_3_4b.safetensors into text_encoders/",
    "vae": "autoencoder: put ae.safetensors into vae/",
}
_CALLS: tuple[Callable[[PurePosixPath], str], ...] = (
    lambda path: path.stem,
    lambda path: path.name,
    lambda path: f"{path.name} ({str(path.parent).replace('/', '-')})",
)
_BASE_NAME = re.compile(r"(^|[^a-z])base([^a-z]|$)|^z[-_]?image([-_]|$)")


def compose_models(
    files: Sequence[WeightFile], shared: Sequence[FoundPart], choices: Mapping[str, Choice], taken: Iterable[str]
) -> list[ModelEntry]:
    """Returns a model for every transformer, whole or not.

    Args:
        files: what was found.
        shared: parts of installed models, which others may use.
        choices: what the user has chosen, by model.
        taken: names of other models, in small letters.
    """
    parts = [part for file in files for part in file.parts]
    transformers = [part for part in parts if part.part == "transformer"]
    names = _names(transformers, set(taken))
    others = [*parts, *shared]
    return [_compose(names[part.path], part, others, choices.get(names[part.path], Choice())) for part in transformers]


def guess_member(name: str) -> Member:
    """Guesses from a file's name which member of the family it is: their tensors have the same names and shapes."""
    stem = PurePosixPath(name).stem.lower()
    return "base" if "turbo" not in stem and _BASE_NAME.search(stem) else "turbo"


def _names(transformers: Sequence[FoundPart], taken: set[str]) -> dict[Path, str]:
    """Returns what to call each: its file's name without the ending, or more where that is another's as well."""
    levels = [[call(PurePosixPath(part.name)) for part in transformers] for call in _CALLS]
    counts = [Counter(name.lower() for name in level) for level in levels]
    names: dict[Path, str] = {}
    for part, *calls in zip(transformers, *levels, strict=True):
        free = (
            name
            for name, count in zip(calls, counts, strict=True)
            if count[name.lower()] == 1 and name.lower() not in {*taken, AUTO}
        )
        given = {*taken, *(name.lower() for name in names.values())}
        numbered = (f"{calls[-1]} {number}" for number in range(2, len(transformers) + 2))
        names[part.path] = next(free, None) or next(
            name for name in (calls[-1], *numbered) if name.lower() not in given
        )
    return names


def _compose(name: str, transformer: FoundPart, parts: Sequence[FoundPart], choice: Choice) -> ModelEntry:
    member = choice.member or guess_member(transformer.name)
    facts = replace(MEMBERS[member], repository=None, download_gb=None, preview_map=None)
    entry = replace(
        facts,
        id=name,
        name=name,
        member=member,
        description=f"Your file {transformer.name}, run as {MEMBERS[member].name}.",
        choices={part: _fitting(part, transformer, parts) for part in get_args(PartName) if part != "transformer"},
        parts=(transformer,),
    )
    if not is_plain(name) or len(name) > MAX_MODEL_CHARACTERS:
        fault = f"The name of its file is not plain UTF-8 text, or longer than {MAX_MODEL_CHARACTERS} characters."
        return replace(entry, note=f"{fault} Rename it.")
    if missing := [NEEDED[part] for part, fitting in entry.choices.items() if not fitting]:
        return replace(entry, note=f"It has no {', and no '.join(missing)}.")
    text, vae = (_chosen(entry.choices[part], choice.parts.get(part)) for part in ("text_encoder", "vae"))
    files = ModelFiles(
        name, transformer.path, text.path, vae.path, tokenizer=text.tokenizer, shift=MEMBERS[member].shift
    )
    is_published = (vae.channels, vae.grid_px) == (PUBLISHED_CHANNELS, PUBLISHED_GRID_PX)
    return replace(
        entry,
        files=files,
        source="files",
        parts=(transformer, text, vae),
        size_multiple=vae.grid_px,
        preview_map=MEMBERS[member].preview_map if is_published else None,
    )


def _fitting(kind: PartName, transformer: FoundPart, parts: Sequence[FoundPart]) -> tuple[FoundPart, ...]:
    """Returns what fits, best first: what is in the same file, then the most exact."""
    fitting = [part for part in parts if part.part == kind and _fits(part, transformer)]
    return tuple(sorted(fitting, key=lambda part: (part.path != transformer.path, -min(part.bits, 16), part.name)))


def _fits(part: FoundPart, transformer: FoundPart) -> bool:
    if part.part == "vae":
        return part.channels == transformer.channels
    has_tokens = part.tokenizer is not None or part.n_tokens >= QWEN_TOKENS
    return part.text_width == transformer.text_width and has_tokens


def _chosen(fitting: Sequence[FoundPart], name: str | None) -> FoundPart:
    return next((part for part in fitting if part.name == name), fitting[0])
