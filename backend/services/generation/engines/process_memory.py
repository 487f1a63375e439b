"""The main memory that this process holds, and the most that it has held; Linux tells, others do not."""

from __future__ import annotations

from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5)


def reset_peak() -> bool:
    """Lets the peak begin anew; returns whether the system can."""
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def peak_bytes() -> int | None:
    """Returns the peak since the last reset; None where the system does not tell."""
    return _field("VmHWM:")


def held_bytes() -> int | None:
    """Returns what is held now; None where the system does not tell."""
    return _field("VmRSS:")


def _field(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)
    except (OSError, ValueError, IndexError):
        return None
