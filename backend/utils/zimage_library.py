"""The native library, `zimage`: installed, or beside the backend as in a checkout."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[2] / "Z-Image" / "src"


def make_importable() -> None:
    """Adds the checkout's library to the import path, unless one is installed; imports nothing."""
    if importlib.util.find_spec("zimage") is None:
        sys.path.append(str(_SOURCE))
