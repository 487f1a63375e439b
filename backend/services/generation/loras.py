"""LoRAs of a request, decided when it comes: which files they are, and whether the model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.models.loras import LoraRequest
from backend.models.recipe import MAX_LORAS, LoraUse
from backend.models.schemas import GenerateRequest
from backend.services.errors import InputRefused, InputUnusable
from backend.services.generation.lora_tags import TagFault, take_tags
from backend.services.library.loras.architectures import PUBLISHED, Architecture, Architectures
from backend.services.library.loras.catalogue import Lora, LoraCatalogue
from backend.services.library.loras.names import close_names
from backend.services.library.model_entry import ModelEntry
from backend.services.lora_errors import LoraChanged, LoraDamaged, LoraRefused, UnknownLora

PROMPT = "prompt"
MAX_SHOWN_CHARACTERS = 80
_BYTES = {"F64": 8, "F32": 4, "F8_E4M3": 1, "F8_E5M2": 1}


@dataclass(frozen=True)
class ChosenLoras:
    """What a request's LoRAs came to.

    Attributes:
        prompt: what the model reads.
        uses: the LoRAs with their digests; None without any.
        notes: what else to know, in words.
    """

    prompt: str
    uses: tuple[LoraUse, ...] | None = None
    notes: tuple[str, ...] = ()


class LoraChooser:
    """Finds the LoRAs that requests and recipes name. Safe to use from several threads."""

    def __init__(self, catalogue: LoraCatalogue, architectures: Architectures) -> None:
        self._catalogue = catalogue
        self._architectures = architectures

    def choose(self, request: GenerateRequest, model: ModelEntry) -> ChosenLoras:
        """Decides which LoRAs a request means, and takes them out of its prompt.

        Raises:
            UnknownLora: one is not here, or several have its name.
            LoraChanged: a file has the name, but not the digest.
            LoraRefused: the model does not take one, one is named twice, or a tag makes no sense.
        """
        prompt, wanted = _wanted(request)
        if not wanted:
            return ChosenLoras(prompt)
        architecture = self._architectures.of(model.files)
        uses: list[LoraUse] = []
        notes: list[str] = []
        paths: set[Path] = set()
        for field, want in wanted:
            lora = self._find(want, field, architecture)
            if lora.path in paths:
                raise LoraRefused(
                    field, f"The LoRA {lora.name} is named twice: name it once, with the sum of the strengths."
                )
            paths.add(lora.path)
            if lora.problem is not None:
                raise LoraRefused(field, f"{model.name} cannot use the LoRA {lora.name}: {lora.problem}")
            uses.append(self._use(want, lora, field))
            if lora.facts.warning is not None:
                notes.append(f"LoRA {lora.name}: {lora.facts.warning.rstrip('.')}")
        return ChosenLoras(prompt, tuple(uses), tuple(notes))

    def path_of(self, use: LoraUse) -> Path:
        """Returns the file of a LoRA that a recipe names, also when it is called otherwise now.

        Raises:
            InputUnusable: it is not here any more.
        """
        try:
            return self._find(_as_request(use), "loras", PUBLISHED).path
        except InputRefused as error:
            raise InputUnusable(str(error)) from error

    def count_values(self, use: LoraUse) -> int:
        """Returns the number of values in the file of a LoRA, about; 0 where it is not here."""
        try:
            lora = self._find(_as_request(use), "loras", PUBLISHED)
        except InputRefused:
            return 0
        return lora.file.size_bytes // _BYTES.get(lora.facts.dtype or "", 2)

    def _find(self, want: LoraRequest, field: str, architecture: Architecture) -> Lora:
        named = self._catalogue.find(want.name, architecture)
        beginning = want.sha256 or want.short_hash
        if want.sha256 is not None:
            same = next((lora for lora in named if self._has_digest(lora, want.sha256)), None)
            if same is not None:
                return same
        elif len(named) == 1:
            return named[0]
        found = None if beginning is None else self._catalogue.find_digest(beginning, want.name, architecture)
        if found is not None:
            return found
        if want.sha256 is not None and named:
            raise LoraChanged(
                field,
                f"The LoRA {named[0].name} is another file than the one that is meant, which is not here any more. "
                "Without its sha256 the present one is used.",
            )
        raise UnknownLora(field, self._missing(want.name, named))

    def _has_digest(self, lora: Lora, sha256: str) -> bool:
        try:
            return self._catalogue.digest_of(lora).sha256 == sha256
        except LoraDamaged:
            return False

    def _use(self, want: LoraRequest, lora: Lora, field: str) -> LoraUse:
        try:
            digest = self._catalogue.digest_of(lora)
        except LoraDamaged as error:
            raise LoraRefused(field, str(error)) from error
        numbers = want.model_dump(include={"strength", "start", "end"})
        return LoraUse(name=lora.name, sha256=digest.sha256, short_hash=digest.short, **numbers)

    def _missing(self, name: str, named: Sequence[Lora]) -> str:
        shown = f"{name[:MAX_SHOWN_CHARACTERS]!r}"
        if named:
            return f"Several LoRAs are called {shown}: {', '.join(lora.name for lora in named[:5])}. Name one of these."
        names = self._catalogue.names()
        if not names:
            return f"There is no LoRA {shown}, nor any other: put one into the folder loras, or send it."
        near = ", ".join(map(repr, close_names(names, name)))
        return f"There is no LoRA {shown}; " + (
            f"the nearest: {near}." if near else f"none of the {len(names)} that are here has a name like it."
        )


def _as_request(use: LoraUse) -> LoraRequest:
    return LoraRequest(name=use.name, sha256=use.sha256, short_hash=use.short_hash)


def _wanted(request: GenerateRequest) -> tuple[str, list[tuple[str, LoraRequest]]]:
    """Returns the prompt without its tags, and what is wanted with the field that says so."""
    try:
        prompt, tags = take_tags(request.prompt)
    except TagFault as error:
        raise LoraRefused(PROMPT, str(error)) from error
    if tags and not prompt:
        raise LoraRefused(PROMPT, "The prompt has nothing but LoRAs: describe the image, too.")
    wanted = [(f"loras.{at}.name", lora) for at, lora in enumerate(request.loras)]
    wanted += [(PROMPT, LoraRequest(name=tag.name, strength=tag.strength)) for tag in tags]
    if len(wanted) > MAX_LORAS:
        raise LoraRefused(wanted[-1][0], f"{len(wanted)} LoRAs are named, and an image takes {MAX_LORAS} at most.")
    return prompt, wanted
