"""Models in the cache that other programs of the hub share: a folder a repository, and in it one a revision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.services.library.model_folder import find_fault


@dataclass(frozen=True)
class Cached:
    """What the cache has of a repository.

    Attributes:
        path: Folder of the revision to use; None when none is whole.
        note: What to know of that: a newer revision that is not whole, or what is missing.
    """

    path: Path | None = None
    note: str | None = None


def find_cached(repository: str) -> Cached:
    """Returns the newest whole revision of a repository: the one that `main` names, else the last one that came."""
    from huggingface_hub import constants  # the function that names folders brings an HTTP client with it

    folder = Path(constants.HF_HUB_CACHE) / constants.REPO_ID_SEPARATOR.join(["models", *repository.split("/")])
    try:
        revisions = sorted((folder / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        main = _read_main(folder)
    except OSError:  # there is none
        return Cached()
    revisions.sort(key=lambda path: path.name != main)
    faults = {path: find_fault(path) for path in revisions}
    whole = next((path for path, fault in faults.items() if fault is None), None)
    if whole is None:
        return Cached(note=next((f"In the cache of the hub: {fault}" for fault in faults.values()), None))
    if whole.name == main or main not in {path.name for path in revisions}:
        return Cached(whole)
    newest = revisions[0]
    return Cached(
        whole,
        f"The newer revision {newest.name[:8]} is not whole ({faults[newest]}) The older {whole.name[:8]} is used.",
    )


def _read_main(folder: Path) -> str | None:
    try:
        return (folder / "refs" / "main").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
