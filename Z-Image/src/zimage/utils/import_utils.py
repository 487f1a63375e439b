"""Which libraries are here, told without importing them: some take seconds, some fail on the wrong machine."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def installed_version(distribution: str) -> str | None:
    """Returns the version of a distribution by the name that pip knows; None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def installed_versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Returns the versions of several, in the order asked for."""
    return {distribution: installed_version(distribution) for distribution in distributions}
