"""Whether the folders that are written to can be; and if not, what is the matter and what to do."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from launcher.errors import NotWritable


def check_folder(folder: Path, remedy: str) -> None:
    """Raises NotWritable unless files can be put into the folder, or the folder can be made."""
    if folder.is_symlink() and not folder.is_dir():
        raise NotWritable(f"{folder} is a link to {folder.readlink()}, which is no folder. Remove the link.")
    if os.path.lexists(folder) and not folder.is_dir():
        raise NotWritable(f"{folder} is a file, where a folder is needed. Remove it, or give it another name.")
    nearest = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not nearest.is_dir():
        raise NotWritable(f"{nearest} is a file, where a folder is needed. {remedy}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise NotWritable(f"{nearest} cannot be written to: {why_not(nearest)}. {remedy}")


def why_not(folder: Path) -> str:
    """Tells why a folder cannot be written to."""
    if hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "it lies on a disk that is read-only"
    owner, me = _owner(folder), _me()
    if owner != me:
        return f"it belongs to {owner}, and you are {me}"
    return "its permissions do not allow it"


def _owner(folder: Path) -> str:
    try:
        return folder.owner()
    except (KeyError, NotImplementedError, OSError):
        return f"user {folder.stat().st_uid}"


def _me() -> str:
    if not hasattr(os, "geteuid"):
        return getpass.getuser()
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"
