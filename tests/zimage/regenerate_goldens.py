"""Writes tests/zimage/goldens.json anew, after a change that is meant to change what the model computes.

python -m tests.zimage.regenerate_goldens
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from tests.zimage import golden_cases  # noqa: E402

if __name__ == "__main__":
    golden_cases.FILE.write_text(json.dumps(golden_cases.compute(), indent=1) + "\n", encoding="utf-8")
