"""Which libraries are here, told without importing them: some take seconds, some fail on the wrong machine."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec


def installed_version(distribution: str) -> str | None:
    """Returns the version of a distribution by the name that pip knows; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def installed_versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Returns the versions of several, in the order asked for."""
    return {distribution: installed_version(distribution) for distribution in distributions}


def is_importable(module: str) -> bool:
    """Tells whether a module would be found; of its parents, packages are imported as Python demands."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
