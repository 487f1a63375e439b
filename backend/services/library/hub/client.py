"""Files of a published model: their list, and downloads that resume and are verified.

docs/adr/0005-own-downloads.md says why `huggingface_hub` does not do them. No versions are sent along, and a token only
to the hub that it belongs to. `HF_ENDPOINT` names a mirror, as everywhere.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import json
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request

from backend.services.errors import DiskFull, DownloadFailed
from backend.services.library.hub.access import KeepTokenAtHome, authorize, choose_token, refusal
from backend.services.library.hub.proxies import make_opener

CHUNK_BYTES = 2**20
SILENCE_S = 30.0
PART_SUFFIX = ".part"
INDEX = "model_index.json"
"""Comes last: a folder without it is no model."""
_WANTED = re.compile(
    r"model_index\.json|LICENSE[\w.-]*|README\.md"
    r"|(?:transformer|text_encoder|vae|tokenizer|scheduler)/\w[\w.-]*\.(?:json|safetensors|txt|jinja)"
)
_WORTH_ANOTHER_TRY = (408, 429, 500, 502, 503, 504)


class Unreachable(Exception):
    """The line was cut, or the hub is busy; another try resumes."""


@dataclass(frozen=True)
class HubFile:
    """File of a repository. Large ones have a SHA-256, others git's digest."""

    path: str
    size_bytes: int
    sha256: str | None
    git_sha1: str

    def start_digest(self) -> Any:
        """Returns a new digest to verify the content with."""
        if self.sha256 is not None:
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size_bytes, usedforsecurity=False)

    @property
    def expected(self) -> str:
        """Hexadecimal value of that digest for the whole file."""
        return self.sha256 or self.git_sha1

    def is_content_of(self, path: Path, on_bytes: Callable[[int], None]) -> bool:
        """Tells whether a file on the disk is this one, by its size and then its digest."""
        with disk_errors():
            if not path.is_file() or path.stat().st_size != self.size_bytes:
                return False
            digest, _ = _digest_of(path, self.start_digest(), on_bytes)
            return bool(digest.hexdigest() == self.expected)


@dataclass(frozen=True)
class Listing:
    """Files of a model at one commit of its repository."""

    commit: str
    files: tuple[HubFile, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all files together."""
        return sum(file.size_bytes for file in self.files)


class Hub(Protocol):
    """A place where models are published."""

    @property
    def offline(self) -> bool:
        """Whether the environment forbids requests."""

    def list_files(self, repository: str, paths: Collection[str] = ()) -> Listing:
        """Returns the files of a model, the index last, or those of some paths."""

    def fetch(self, repository: str, commit: str, file: HubFile, target: Path, on_bytes: Callable[[int], None]) -> None:
        """Downloads a file to its target once it is whole and verified."""


class HuggingFaceHub:
    """Hugging Face's hub, or a mirror of it."""

    def __init__(self, silence_s: float = SILENCE_S, token: str | None = None) -> None:
        self._silence_s = silence_s
        self._token = token

    @property
    def offline(self) -> bool:
        """Whether HF_HUB_OFFLINE is set."""
        from huggingface_hub import constants

        return bool(constants.HF_HUB_OFFLINE)

    def list_files(self, repository: str, paths: Collection[str] = ()) -> Listing:
        """Returns the files of a model, the index last, or those of some paths.

        Raises:
            Unreachable: Another try may succeed.
            DownloadFailed: The hub does not have it or them, or its answer is malformed.
        """
        with self._open(f"/api/models/{repository}/revision/main?blobs=true") as response:
            try:
                listing = _parse(json.loads(response.read()), paths)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(type(error).__name__) from error
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DownloadFailed("The hub's list of files is not understood; is HF_ENDPOINT right?") from error
        missing = set(paths) - {file.path for file in listing.files}
        if missing:
            raise DownloadFailed(f"{repository} does not have {', '.join(sorted(missing))} any more.")
        return listing

    def fetch(self, repository: str, commit: str, file: HubFile, target: Path, on_bytes: Callable[[int], None]) -> None:
        """Downloads a file to its target once it is whole and verified.

        What arrives is kept in a part beside the target; another call resumes it. `on_bytes` gets the size of the
        part. What it raises ends the download.

        Raises:
            Unreachable: Another try may succeed.
            DownloadFailed: The content does not match the hub's digest.
            DiskFull: There is no room.
        """
        part = target.with_name(target.name + PART_SUFFIX)
        with disk_errors():
            target.parent.mkdir(parents=True, exist_ok=True)
            digest, there = _read_part(part, file, on_bytes)
            if there < file.size_bytes:
                with self._open(f"/{repository}/resolve/{quote(commit)}/{quote(file.path)}", there) as response:
                    if response.status != HTTPStatus.PARTIAL_CONTENT:  # it comes from the beginning
                        digest, there = file.start_digest(), 0
                    there = _append(response, part, there, file, digest, on_bytes)
            if there < file.size_bytes:
                raise Unreachable("the line was cut")
            part.touch()  # an empty file has no part yet
            if not part.stat().st_size == there == file.size_bytes or digest.hexdigest() != file.expected:
                part.unlink(missing_ok=True)
                raise DownloadFailed(f"{file.path} came damaged and was thrown away; start the download again.")
            part.replace(target)

    def _open(self, path: str, start: int = 0) -> http.client.HTTPResponse:
        from huggingface_hub import constants

        request = Request(constants.ENDPOINT + path, headers={"User-Agent": "zimage"})  # noqa: S310 — the operator's
        authorize(request, choose_token(constants.ENDPOINT, self._token))
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            response: http.client.HTTPResponse = make_opener(KeepTokenAtHome()).open(request, timeout=self._silence_s)
        except HTTPError as error:
            error.close()
            if error.code in _WORTH_ANOTHER_TRY:
                raise Unreachable(f"answer {error.code}") from error
            raise DownloadFailed(refusal(error.code)) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(type(error).__name__) from error
        return response


def _parse(answer: Any, paths: Collection[str]) -> Listing:
    files = []
    for entry in answer["siblings"]:
        name = entry["rfilename"]
        if name in paths or (not paths and _WANTED.fullmatch(name)):
            large = entry.get("lfs") or {}
            size = large.get("size", entry.get("size"))
            files.append(HubFile(name, int(size), large.get("sha256"), str(entry["blobId"])))
    if not paths and INDEX not in {file.path for file in files}:
        raise KeyError(INDEX)
    files.sort(key=lambda file: (file.path == INDEX, file.size_bytes))
    return Listing(str(answer["sha"]), tuple(files))


def _read_part(part: Path, file: HubFile, on_bytes: Callable[[int], None]) -> tuple[Any, int]:
    """Takes what is there already into a digest; returns that, and how much it is."""
    digest = file.start_digest()
    if not part.is_file() or part.stat().st_size > file.size_bytes:
        part.unlink(missing_ok=True)
        return digest, 0
    return _digest_of(part, digest, on_bytes)


def _digest_of(path: Path, digest: Any, on_bytes: Callable[[int], None]) -> tuple[Any, int]:
    """Takes a file's content into a digest; returns that, and how much it is."""
    there = 0
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            there += len(chunk)
            on_bytes(there)
    return digest, there


def _append(
    response: http.client.HTTPResponse, part: Path, there: int, file: HubFile, digest: Any,
    on_bytes: Callable[[int], None],
) -> int:  # fmt: skip
    """Writes what comes behind what is there; returns how much is there then."""
    with part.open("ab") as out:
        out.truncate(there)
        while there <= file.size_bytes and (chunk := _read(response)):
            on_bytes(there + len(chunk))
            out.write(chunk)
            digest.update(chunk)
            there += len(chunk)
        out.flush()
        os.fsync(out.fileno())
    return there


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Translates errors of the disk."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(
                "There is no room left for the model: free some space, then start the download again."
            ) from error
        raise DownloadFailed(
            f"The disk refuses to store the model ({error.strerror or type(error).__name__})."
        ) from error


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(type(error).__name__) from error
