"""Manifests: which files a model consists of, how large they are, and their hashes where those are known."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Self

from zimage.errors import ConfigError

SHA256_DIGITS = 64


@dataclass(frozen=True)
class ManifestFile:
    """One file of a model; None for unknown size or hash.

    Attributes:
        path: relative to the model's folder, with slashes.
        sha256: in lower-case hexadecimal digits.
    """

    path: str
    size_bytes: int | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        """Validates the path, which must stay in the folder, and the hash."""
        pure = PurePosixPath(self.path)
        if (
            not pure.parts
            or pure.is_absolute()
            or {".", ".."} & set(self.path.split("/"))
            or set("\\:\0") & set(self.path)
        ):
            raise ConfigError(f"a manifest's path must lie inside the model's folder, got {self.path!r}")
        if self.size_bytes is not None and (type(self.size_bytes) is not int or self.size_bytes < 0):
            raise ConfigError(f"{self.path}: size_bytes must be a whole number, got {self.size_bytes!r}")
        if self.sha256 is not None and not _is_sha256(self.sha256):
            raise ConfigError(f"{self.path}: sha256 must be {SHA256_DIGITS} hexadecimal digits, got {self.sha256!r}")


@dataclass(frozen=True)
class Manifest:
    """All files of a model that a pipeline reads.

    Attributes:
        repository: where the files come from, None for a local model.
        revision: the commit of the repository, None where it is not known.
    """

    name: str
    files: tuple[ManifestFile, ...]
    repository: str | None = None
    revision: str | None = None

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Reads a manifest.

        Raises:
            ConfigError: the file is missing or damaged; the message names it.
        """
        try:
            return cls.from_json(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parses the output of `to_json`.

        Raises:
            ConfigError: the text is no manifest.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            files = tuple(ManifestFile(**entry) for entry in values.pop("files"))
            manifest = cls(files=files, **values)
        except (TypeError, LookupError, AttributeError, RecursionError, json.JSONDecodeError) as error:
            raise ConfigError(f"no manifest: {error}") from error
        paths = [file.path for file in files]
        twice = sorted({path for path in paths if paths.count(path) > 1})
        if twice or not paths:
            raise ConfigError(
                f"a manifest names every file once, twice are {twice}" if twice else "a manifest of no file"
            )
        return manifest

    def to_json(self) -> str:
        """Returns the manifest as indented JSON."""
        head = {"name": self.name, "repository": self.repository, "revision": self.revision}
        return json.dumps(head | {"files": [asdict(file) for file in self.files]}, ensure_ascii=False, indent=2) + "\n"

    @property
    def size_bytes(self) -> int | None:
        """Total size of the files; None if one is unknown."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


def published_names() -> list[str]:
    """Returns the names of the bundled manifests."""
    folder = resources.files("zimage.config") / "manifests"
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def published(name: str) -> Manifest:
    """Returns the manifest of a published model.

    Raises:
        ConfigError: no manifest of that name is bundled.
    """
    if name not in published_names():
        raise ConfigError(f"there is no manifest {name!r}; known are {', '.join(published_names())}")
    return Manifest.from_json((resources.files("zimage.config") / "manifests" / f"{name}.json").read_text("utf-8"))


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and len(value) == SHA256_DIGITS and set(value) <= set("0123456789abcdef")
