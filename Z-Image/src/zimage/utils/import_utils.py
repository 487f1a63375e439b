"""Versions of installed libraries, without importing them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def installed_version(distribution: str) -> str | None:
    """Returns the version of a distribution by its pip name; None if not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def installed_versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Returns the versions of several distributions, in the given order."""
    return {distribution: installed_version(distribution) for distribution in distributions}
