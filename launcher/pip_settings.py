"""What a person's pip settings may say here: where packages come from, and how the network is reached.

Where packages go and which they are is known here; a `user = true` or `target = …` would lead them astray. So pip reads
no files of its own: what is kept of them reaches it as variables.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from launcher.errors import StepFailed

KEPT = frozenset({
    "index-url", "pypi-url", "extra-index-url", "no-index", "find-links", "trusted-host", "proxy", "cert",
    "client-cert", "cache-dir", "no-cache-dir", "timeout", "default-timeout", "retries", "resume-retries",
    "keyring-provider", "use-feature", "use-deprecated",
})  # fmt: skip


def pip_environ(environ: Mapping[str, str], venv: Path) -> dict[str, str]:
    """Turns a person's settings, from files and variables, into variables, and leaves out all but those that are kept.

    Raises:
        StepFailed: a configuration file cannot be read.
    """
    settings = read_settings(config_files(environ, venv))
    variables = {name: value for name, value in environ.items() if name.startswith("PIP_")}
    others = {name: value for name, value in environ.items() if name not in variables}
    settings |= {name[4:].lower().replace("_", "-"): value for name, value in variables.items() if value}
    kept = {f"PIP_{name.replace('-', '_').upper()}": value for name, value in settings.items() if name in KEPT}
    return {**others, **kept, "PIP_CONFIG_FILE": os.devnull}  # the null device means: read no file


def read_settings(files: Iterable[Path]) -> dict[str, str]:
    """Reads the files, later ones winning; a section [install], wherever it stands, wins over [global], as in pip."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for file in files:
        parser = _parse(file)
        for section in parser.sections():
            values = {name.lower().replace("_", "-"): value for name, value in parser.items(section) if value}
            found.setdefault(section, {}).update(values)
    return found["global"] | found["install"]


def _parse(file: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text(encoding="utf-8", errors="replace"), str(file))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        pass  # pip passes over them as well
    except (configparser.Error, OSError) as error:
        raise StepFailed(f"pip's settings cannot be read: {error}. Mend or remove that file.") from None
    return parser


def config_files(environ: Mapping[str, str], venv: Path) -> Iterator[Path]:
    """Yields where pip looks, the one that wins last: https://pip.pypa.io/en/stable/topics/configuration/."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    yield from (folder / name for folder in _global_folders(environ))
    if not chosen or not Path(chosen).exists():
        yield from (folder / name for folder in _folders_of_person(environ))
    yield venv / name
    if chosen:
        yield Path(chosen)


def _global_folders(environ: Mapping[str, str]) -> list[Path]:
    if os.name == "nt":
        return [Path(environ.get("PROGRAMDATA", "C:/ProgramData")) / "pip"]
    if sys.platform == "darwin":
        return [Path("/Library/Application Support/pip"), Path("/etc")]
    places = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    return [*(Path(place) / "pip" for place in places.split(os.pathsep) if place), Path("/etc")]


def _folders_of_person(environ: Mapping[str, str]) -> list[Path]:
    home = Path(environ.get("USERPROFILE" if os.name == "nt" else "HOME") or Path.home())
    if os.name == "nt":
        return [home / "pip", Path(environ.get("APPDATA") or home / "AppData/Roaming") / "pip"]
    modern = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
    on_mac = home / "Library/Application Support/pip"
    return [home / ".pip", on_mac if sys.platform == "darwin" and on_mac.is_dir() else modern]
