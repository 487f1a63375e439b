"""Entry point: `python launcher` or `python -m launcher`, on the system's Python, before any environment exists.

This file alone must be readable by an old Python 3, so that it can say which one is needed.
"""

import sys
from pathlib import Path

OLDEST = (3, 11)
NEWEST = (3, 13)


def version_problem(version: tuple) -> str:  # type: ignore[type-arg]  # old Pythons cannot subscript it
    """Tells what is wrong with a Python version; empty when nothing is."""
    if OLDEST <= version[:2] <= NEWEST:
        return ""
    return (
        f"[z-image] Z-Image needs Python 3.11, 3.12 or 3.13; this is Python {version[0]}.{version[1]}. "
        "Install one of them and run this command again."
    )


def main() -> int:
    """Checks the Python version, then hands over to the launcher."""
    problem = version_problem(tuple(sys.version_info[:2]))
    if problem:
        print(problem, file=sys.stderr)
        return 3
    if __spec__ is None or not __spec__.parent:  # run as a folder: make the package importable
        sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from launcher.cli import run
    from launcher.streams import steady_output

    steady_output()
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
