"""Draws one picture from the command line on the CPU, 512×512 unless told otherwise.

python zimage_demo_cpu.py "a red apple" --output apple.png
"""

from __future__ import annotations

import sys

from zimage_demo import main

CPU_SIDE_PX = 512

if __name__ == "__main__":
    sys.exit(main(side_px=CPU_SIDE_PX, use_gpu=False))
