"""LoRAs of a recipe: kept in memory as long as their model, whatever strengths and spans they act with."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.models.recipe import MAX_LORAS, LoraUse, Recipe
from backend.services.generation.engines.memory import first_line
from backend.services.generation.inputs import Inputs
from backend.services.library.files import Signature, signature_of
from backend.services.lora_errors import LoraUnusable

if TYPE_CHECKING:
    from zimage.adapters.lora import ActiveLora, Lora
    from zimage.config import TransformerConfig

MAX_KEPT = 2 * MAX_LORAS
"""Files in the main memory; those that were used longest ago go first."""


class LoadedLoras:
    """LoRAs in the main memory, each by its file as it was when it was read."""

    def __init__(self) -> None:
        self._loras: dict[tuple[Path, Signature], Lora] = {}

    def active(self, recipe: Recipe, inputs: Inputs, load: Callable[[Path], Lora]) -> list[ActiveLora]:
        """Returns the LoRAs of a recipe, and reads what is not in memory.

        Args:
            recipe: what is drawn; LoRAs of strength 0 are left out.
            inputs: with the files.
            load: reads a file for the model.

        Raises:
            InputUnusable: a file is not here.
            LoraUnusable: it is damaged, or for another model.
        """
        from zimage.adapters.lora import ActiveLora

        files = [(use, inputs.lora_file(use.name)) for use in recipe.loras or ()]
        return [
            ActiveLora(self._lora(use, file, load), use.strength, use.start, use.end)
            for use, file in files
            if use.strength != 0
        ]

    def clear(self) -> None:
        """Forgets all."""
        self._loras.clear()

    def _lora(self, use: LoraUse, file: Path, load: Callable[[Path], Lora]) -> Lora:
        key = (file, _signature(use, file))
        found = self._loras.pop(key, None)
        if found is None:
            for stale in [other for other in self._loras if other[0] == file]:
                del self._loras[stale]
            with lora_errors(use.name, file):
                found = load(file)
        self._loras[key] = found  # at the end: the one that was used last
        while len(self._loras) > MAX_KEPT:
            del self._loras[next(iter(self._loras))]
        return found


@contextlib.contextmanager
def lora_errors(name: str | None = None, file: Path | None = None) -> Iterator[None]:
    """Says why a LoRA cannot be used, without where its file lies."""
    from zimage.errors import LoraError

    try:
        yield
    except LoraError as error:
        reason = first_line(error).removeprefix(f"{error.part}: ")
        if file is not None:
            reason = reason.replace(str(file), file.name)
        said = "A LoRA" if name is None else f"The LoRA {name}"
        raise LoraUnusable(f"{said} cannot be used: {reason.removeprefix(f'{file and file.name}: ')}.") from None


def config_of(published: Mapping[str, Any]) -> TransformerConfig:
    """Returns the configuration of diffusers' transformer as ours."""
    from zimage.config import TransformerConfig

    return TransformerConfig.from_dict({name: value for name, value in published.items() if not name.startswith("_")})


def _signature(use: LoraUse, file: Path) -> Signature:
    try:
        return signature_of(file)
    except OSError as error:
        raise LoraUnusable(f"The LoRA {use.name} cannot be read: {error.strerror}.") from error
