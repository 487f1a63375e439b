"""Losses: a line on the screen, a row in a CSV file."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from torch import Tensor


class Log:
    """Prints progress and appends losses to a CSV file.

    Args:
        path: of the file.
        every: how many steps make a row.
        names: the columns, when not every step has a value for each; those of the first row when missing.
    """

    def __init__(self, path: Path, every: int = 20, names: Sequence[str] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.every, self.names = path, every, names
        self.values: dict[str, list[float]] = {}
        self.count = 0
        self.since = time.monotonic()

    def add(self, step: int, progress: float, values: Mapping[str, Tensor | float]) -> None:
        """Collects one step; writes the mean of every `every` steps."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(float(value))
        self.count += 1
        if self.count < self.every:
            return
        seconds = (time.monotonic() - self.since) / self.count
        means = {name: fmean(values) for name, values in self.values.items()}
        self._write({"step": step, "seconds": round(seconds, 4), **means})
        bar = "#" * int(20 * progress)
        text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        print(f"[{bar:<20}] step {step} {seconds:.2f} s/step {text}", flush=True)
        self.values, self.count, self.since = {}, 0, time.monotonic()

    def _write(self, row: dict[str, float]) -> None:
        fresh = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, ["step", "seconds", *self.names] if self.names else list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
