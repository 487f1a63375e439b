"""Files of weights, each with one part of a model or with all of them: what they are, by their headers alone."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backend.models.catalogue import PartName
from backend.services.library.control_files import FoundControl, read_control
from backend.services.library.files import Signature, signature_of
from backend.utils.texts import as_utf_8
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from zimage.weights.parts import PartFile

logger = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".sft", ".gguf")
MAX_FILES = 5000
MAX_DEPTH = 5
PATCH_SIDE = 2  # latents
LOST = "It is a link to a file that is not there, or cannot be looked at."


@dataclass(frozen=True)
class FoundPart:
    """Part of a model in a file, or in a folder of a published model.

    Attributes:
        name: what it is called by: the path below the folder that is searched.
        format: that of most of its values, as `BF16` or `int8_tensorwise`.
        size_bytes: on the disk, of this part alone.
        n_values: number of values.
        text_width: of a transformer what it reads of a prompt; of a text encoder what it says; else 0.
        n_tokens: of a text encoder, its vocabulary; else 0.
        channels: of a transformer and an autoencoder, the latents'; else 0.
        grid_px: of an autoencoder, what image sides are a multiple of; else 0.
        tokenizer: folder of the tokenizer beside it; Qwen3's own when None.
    """

    part: PartName
    path: Path
    name: str
    format: str
    size_bytes: int
    n_values: int
    text_width: int = 0
    n_tokens: int = 0
    channels: int = 0
    grid_px: int = 0
    tokenizer: Path | None = None

    @property
    def bits(self) -> float:
        """Bits a value."""
        return 8 * self.size_bytes / max(1, self.n_values)


@dataclass(frozen=True)
class WeightFile:
    """File of weights: its parts, or why it has none that can be used.

    Attributes:
        name: path below the folder that is searched.
        control: the ControlNet that it is, if it is one.
        fault: as a sentence without paths.
    """

    path: Path
    name: str
    parts: tuple[FoundPart, ...] = ()
    fault: str | None = None
    control: FoundControl | None = None


class PartFiles:
    """What lies in folders of weights. A header is read once, until its file changes. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[Signature, WeightFile]] = {}

    def find(self, root: Path, folders: Iterable[Path], leave_out: Callable[[Path], bool]) -> list[WeightFile]:
        """Returns the files of weights in folders below a root, and in theirs, by name.

        Args:
            root: what the names are below.
            folders: what is searched.
            leave_out: tells folders that are not searched.
        """
        found = {path: signature for folder in folders for path, signature in _files_in(folder, leave_out)}
        if len(found) > MAX_FILES:
            logger.warning("only %d of %d files of weights are looked at", MAX_FILES, len(found))
        return [self._describe(path, root, found[path]) for path in sorted(found)[:MAX_FILES]]

    def describe_folder(self, folder: Path, label: str) -> tuple[FoundPart, ...]:
        """Returns the text encoder and the autoencoder of a published model, which files of weights may share."""
        tokenizer = folder / "tokenizer"
        found = []
        for part in ("text_encoder", "vae"):
            try:
                signature = signature_of(folder / part)
            except OSError:
                continue
            file = self._describe(folder / part, folder.parent, signature, f"{label}/{part}", tokenizer)
            found += [own for own in file.parts if own.part == part]
        return tuple(found)

    def _describe(
        self,
        path: Path,
        root: Path,
        signature: Signature,
        name: str | None = None,
        tokenizer: Path | None = None,
    ) -> WeightFile:
        with self._lock:
            known = self._known.get(path)
        if known is None or known[0] != signature:
            name = name or as_utf_8(path.relative_to(root) if path.is_relative_to(root) else path.name)
            name = name.replace(os.sep, "/")
            known = signature, _read(path, name, tokenizer) if signature else WeightFile(path, name, fault=LOST)
            if known[1].fault is None:  # what is wrong may be mended in a way that its file does not show
                with self._lock:
                    self._known[path] = known
        return known[1]


def _files_in(folder: Path, leave_out: Callable[[Path], bool], depth: int = 0) -> Iterator[tuple[Path, Signature]]:
    """Yields files of weights and what tells a changed one, nothing for one that cannot be opened."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        logger.warning("the folder of models %s cannot be read: %s", as_utf_8(folder), error)
        return
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        try:
            is_folder = entry.is_dir()
            signature = () if is_folder or path.suffix.lower() not in SUFFIXES else signature_of(path)
        except OSError:
            is_folder, signature = False, ()
        if is_folder and depth < MAX_DEPTH and not leave_out(path):
            yield from _files_in(path, leave_out, depth + 1)
        elif not is_folder and path.suffix.lower() in SUFFIXES:
            yield path, signature


def _read(path: Path, name: str, tokenizer: Path | None) -> WeightFile:
    make_importable()
    from zimage.errors import ConfigError, WeightsError

    try:
        return _look_at(path, name, tokenizer)
    except (WeightsError, ConfigError) as error:
        fault = str(error).splitlines()[0].replace(f"{path}: ", "").replace(f"{path} ", "").replace(str(path), name)
        return WeightFile(path, name, fault=f"{fault[:1].upper()}{fault[1:]}.")
    except (ValueError, ArithmeticError, LookupError, RecursionError, OSError) as error:
        logger.warning("%s cannot be read: %r", name, error)  # whatever a header says, the other files count
        return WeightFile(path, name, fault="Its header makes no sense, or it cannot be read; the log has more.")


def _look_at(path: Path, name: str, tokenizer: Path | None) -> WeightFile:
    from zimage.errors import WeightsError
    from zimage.weights.parts import find_parts

    try:
        found = find_parts(path).values()
    except WeightsError:
        control = read_control(path, name)
        if control is None:
            raise
        return WeightFile(path, name, control=control)
    return WeightFile(path, name, tuple(_found(file, path, name, tokenizer) for file in found))


def _found(file: PartFile, path: Path, name: str, tokenizer: Path | None) -> FoundPart:
    from zimage.weights.identify import Part, identify_part
    from zimage.weights.parts import text_encoder_config_of, transformer_config_of, vae_config_of

    formats: Counter[str] = Counter()
    for tensor in file.tensors.values():
        formats[tensor.format] += tensor.numel
    [(most, _)] = formats.most_common(1)
    size_bytes = sum(tensor.size_bytes for tensor in file.tensors.values())
    facts = (path, name, most, size_bytes, formats.total())
    match identify_part(file.tensors):
        case Part.TRANSFORMER:
            transformer = transformer_config_of(file)
            width, channels = transformer.cap_feat_dim, transformer.in_channels
            return FoundPart("transformer", *facts, text_width=width, channels=channels)
        case Part.TEXT_ENCODER:
            config = text_encoder_config_of(file)
            width, n_tokens = config.hidden_size, config.vocab_size
            return FoundPart("text_encoder", *facts, text_width=width, n_tokens=n_tokens, tokenizer=tokenizer)
        case _:
            vae = vae_config_of(file)
            grid_px = vae.size_multiple * PATCH_SIDE
            return FoundPart("vae", *facts, channels=vae.latent_channels, grid_px=grid_px)
