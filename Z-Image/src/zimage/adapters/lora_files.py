"""What a LoRA file says by its header alone: kind, rank, what it matches, and what it is for. No tensor is read.

Files are untrusted. Pickled ones are told by their content and never opened as such.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zimage.adapters.lora_keys import Role, guess_family, module_table, split_key
from zimage.adapters.lora_match import Matched, match, require_fit
from zimage.adapters.lora_roles import LoraPurpose, guess_purpose
from zimage.adapters.lora_scale import Scaling
from zimage.config import TransformerConfig
from zimage.errors import LoraError, WeightsError
from zimage.weights.files.safetensors_file import FileContent, StoredTensor, read_content
from zimage.weights.names.foreign import name_foreign

PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x1f\x8b")
MAX_TENSORS, MAX_KEY_CHARACTERS = 50_000, 500
"""A file of all layers has three thousand, of a hundred characters."""
MAX_REMARKS, MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS = 256, 200, 2**20
"""Of metadata; what is more, or longer, is left out."""
SHOWN = 3
"""Keys in messages."""


@dataclass(frozen=True)
class LoraDescription:
    """What the header of a file shows.

    Attributes:
        kind: `lora`, `loha`, `lokr`, `dora`, `diff`, or `mixed`; `none` where nothing is read.
        kinds: all of them, in order of their frequency.
        ranks: of the factors, each once, ascending; of packed q, k and v that of the packed factors.
        dtypes: of the stored values.
        n_keys: number of tensors.
        n_matched: number of modules that the transformer has, of `n_modules` in the file.
        n_modules: see `n_matched`; text encoders are not counted.
        unmatched: names of the modules that it does not have.
        encoder_keys: keys of a text encoder, which are left out.
        redundant: modules that the file has twice; the published name counts.
        family: family of models that a file seems to be for, where nothing is matched and the keys show it.
        purpose: what a file does beside a style, where name or metadata show it, and the settings that it needs.
        metadata: the file's own remarks, bounded.
        fault: why it cannot be used; None where it can.
    """

    kind: str
    kinds: tuple[str, ...]
    ranks: tuple[int, ...]
    dtypes: tuple[str, ...]
    n_keys: int
    n_matched: int
    n_modules: int
    unmatched: tuple[str, ...]
    encoder_keys: tuple[str, ...]
    redundant: tuple[str, ...]
    family: str | None
    purpose: LoraPurpose | None
    metadata: Mapping[str, str]
    fault: str | None


def describe_lora(path: str | Path, config: TransformerConfig | None = None) -> LoraDescription:
    """Describes a file.

    Args:
        path: safetensors file.
        config: of the transformer that it is matched with; default: Turbo's.

    Raises:
        LoraError: the file is missing, damaged or none of safetensors. What cannot be used is told as a `fault`.
    """
    path = Path(path)
    content = open_lora(path)
    fault, matched = None, Matched((), tuple(content.tensors), (), (), {})
    try:
        matched = match(content.tensors, module_table(config or TransformerConfig()))
        require_usable(matched, content.tensors)
        Scaling.of(content.metadata)
    except LoraError as error:
        fault = str(error).removeprefix(f"{error.part}: ")
    kinds = _by_frequency([kind for module in matched.modules if (kind := module.shown_kind) is not None])
    ranks = {rank for module in matched.modules if (rank := module.rank) is not None}
    return LoraDescription(
        kind=kinds[0] if len(kinds) == 1 else "mixed" if kinds else "none",
        kinds=kinds,
        ranks=tuple(sorted(ranks)),
        dtypes=_by_frequency([stored.format for stored in content.tensors.values()]),
        n_keys=len(content.tensors),
        n_matched=len(matched.modules),
        n_modules=matched.n_modules,
        unmatched=matched.unmatched,
        encoder_keys=matched.encoder,
        redundant=matched.redundant,
        family=None if matched.modules else guess_family(content.tensors),
        purpose=guess_purpose(path.stem, content.metadata),
        metadata=content.metadata,
        fault=fault,
    )


def open_lora(path: Path) -> FileContent:
    """Reads the header of a file.

    Raises:
        LoraError: the file is missing, damaged, empty, pickled, or of another format.
    """
    with contextlib.suppress(OSError), path.open("rb") as file:
        begin = file.read(9)
        if not begin.endswith(b"{") and any(
            begin.startswith(mark) for mark in PICKLED
        ):  # the length of a header may too
            raise LoraError(
                f"{path} is a pickled or packed file, which may run code and is never opened: it must be safetensors"
            )
        if begin.startswith(b"GGUF"):
            raise LoraError(f"{path} is a GGUF file: LoRAs are read from safetensors only")
    try:
        content = read_content(path)
    except WeightsError as error:
        raise LoraError(error) from error
    if not content.tensors:
        raise LoraError(f"{path} is empty: it holds no tensor")
    longest = max(map(len, content.tensors))
    if len(content.tensors) > MAX_TENSORS or longest > MAX_KEY_CHARACTERS:
        raise LoraError(
            f"{path} holds {len(content.tensors)} tensors with names of up to {longest} characters; "
            f"{MAX_TENSORS} and {MAX_KEY_CHARACTERS} are allowed"
        )
    return FileContent(content.tensors, bounded(content.metadata))


def require_usable(matched: Matched, tensors: Mapping[str, StoredTensor]) -> None:
    """Raises where nothing of a file can be used, or not all of what belongs to a matched module.

    Raises:
        LoraError: nothing matches, shapes do not fit, or a kind is not read.
    """
    if matched.others:
        kinds = "; ".join(f"{kind}: {listed(keys)}" for kind, keys in matched.others.items())
        raise LoraError(f"it holds what is not read, and would not be the same without it: {kinds}")
    if not matched.modules:
        raise LoraError(_why_nothing(matched, tensors))
    for module in matched.modules:
        require_fit(module)
    strange = [
        key
        for module in matched.modules
        for role, key in module.keys.items()
        if role is not Role.ALPHA and not module.stored[role].dtype.is_floating_point
    ]
    if strange:
        raise LoraError(f"whole numbers instead of fractions: {listed(strange)}")


def bounded(metadata: Mapping[str, str]) -> dict[str, str]:
    """Returns a file's remarks that are not too long, and not too many of them."""
    short = {
        key: text
        for key, text in metadata.items()
        if len(key) <= MAX_NAME_CHARACTERS and len(text) <= MAX_TEXT_CHARACTERS
    }
    return dict(list(short.items())[:MAX_REMARKS])


def listed(names: Sequence[str]) -> str:
    """Returns the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _why_nothing(matched: Matched, tensors: Mapping[str, StoredTensor]) -> str:
    keys = list(tensors)
    if matched.encoder and not matched.unmatched:
        return f"all of its {len(keys)} tensors are for a text encoder, which LoRAs do not change here: {listed(keys)}"
    if not any(split_key(key) for key in keys):
        whole = name_foreign(keys)
        kind = "" if whole is None else f", they seem to be those of {whole}"
        return f"none of its {len(keys)} tensors is a part of a LoRA{kind}: {listed(keys)}"
    family = guess_family(keys)
    guess = "" if family is None else f"; it seems to be for {family}"
    return (
        f"none of its {len(matched.unmatched)} modules ({len(keys)} tensors) is one of Z-Image's: {listed(keys)}{guess}"
    )


def _by_frequency(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names), key=lambda name: (-names.count(name), name)))
