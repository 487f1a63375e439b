"""Names the machine that a measurement was made on, and tells what a process took of its memory."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Returns processor, cores and Python version, for the line above a table."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def peak_bytes() -> int:
    """Returns the most memory that this process has had; getrusage would count what its parent had before it too."""
    status = Path("/proc/self/status")
    if not status.is_file():
        raise SystemExit("the peak of memory is read from /proc/self/status, which only Linux has")
    lines = status.read_text("utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.is_file():
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
    names = {key.strip(): value.strip() for key, value in facts.items()}
    flags = names.get("flags", "").split()
    kind = next((flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags), "")
    return f"{names.get('model name', platform.machine())} ({kind or platform.machine()})"
