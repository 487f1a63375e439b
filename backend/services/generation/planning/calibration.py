"""What images have cost on this machine, so that the next ones can be foretold."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.generation.planning.work import Work
from backend.utils.atomic_file import write_atomically

logger = logging.getLogger(__name__)

SAVE_EVERY_S = 30.0
MAX_KEPT = 400
WEIGHT = 0.3
"""Share of the newest observation in the running mean."""
SANE_RATIO = (0.05, 20.0)
"""Of observed to predicted activations; what lies outside is a fault of the measurement."""


@dataclass(frozen=True)
class Cost:
    """Running means of what images of one kind cost.

    Attributes:
        flops_per_s: of the forwards.
        around_s: seconds a megapixel of everything but loading and the forwards.
        load_bytes_per_s: weights into memory; 0 while unknown.
        activation_ratio: observed memory beside the weights in multiples of the predicted; 0 while unknown.
    """

    flops_per_s: float = 0.0
    around_s: float = 0.0
    load_bytes_per_s: float = 0.0
    activation_ratio: float = 0.0

    def mixed(self, seen: Cost) -> Cost:
        """Returns the means with one observation more; 0 is none."""
        values = {field.name: _mix(getattr(self, field.name), getattr(seen, field.name)) for field in fields(self)}
        return Cost(**values)


class Calibration:
    """Costs by device, precision, model and size, kept in a file. Safe for several threads."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._saved_at = -math.inf
        self._read: dict[str, Cost] | None = None

    def learn(self, plan: LoadPlan, model: str, work: Work, seen: Cost) -> None:
        """Takes in what an image cost."""
        low, high = SANE_RATIO
        if seen.activation_ratio and not low < seen.activation_ratio < high:
            seen = Cost(seen.flops_per_s, seen.around_s, seen.load_bytes_per_s)
        with self._lock:
            costs = self._costs()
            for key in _keys(plan, model, work):
                costs[key] = costs.pop(key, Cost()).mixed(seen)  # the latest stands last
            while len(costs) > MAX_KEPT:
                del costs[next(iter(costs))]
            if self._monotonic() - self._saved_at < SAVE_EVERY_S:
                return
        self.save()

    def save(self) -> None:
        """Writes what is known; a disk that refuses is logged, since it is learned again."""
        with self._lock:
            if self._read is None:
                return
            self._saved_at = self._monotonic()
            text = json.dumps({key: asdict(cost) for key, cost in self._read.items()}, indent=1)
        try:
            write_atomically(self._path, lambda file: file.write(text.encode()))
        except OSError as error:
            logger.warning("%s cannot be written: %s", self._path.name, error.strerror)

    def cost(self, plan: LoadPlan, model: str, work: Work) -> Cost:
        """Returns what is known, of the most alike first.

        That is the same model and size, sizes of the model around it, the same size, the same device.
        """
        exact, *others = _keys(plan, model, work)
        with self._lock:
            costs = self._costs()
            around = _between(_sizes_of(costs, others[0]), work.pixels)
            known = [costs[key] for key in (exact,) if key in costs] + around
            known += [costs[key] for key in others if key in costs]
        values = {
            field.name: next((value for cost in known if (value := getattr(cost, field.name))), 0.0)
            for field in fields(Cost)
        }
        return Cost(**values)

    def _costs(self) -> dict[str, Cost]:
        """Returns all costs, from the file at first."""
        if self._read is None:
            self._read = _read(self._path)
        return self._read


def _keys(plan: LoadPlan, model: str, work: Work) -> tuple[str, ...]:
    """Returns the kinds that an image is of, the narrowest first."""
    device = f"{plan.device.split(':')[0]} {plan.quantization or plan.dtype} {plan.offload}"
    if plan.resident_blocks:
        device += f" {plan.resident_blocks}"
    size = f"2^{math.log2(work.forward_flops):.0f}"
    return f"{device} {model} {work.pixels}", f"{device} {model}", f"{device} {size}", device


def _sizes_of(costs: Mapping[str, Cost], model_key: str) -> dict[int, Cost]:
    """Returns the costs of a model by their sizes in pixels."""
    found = {key.removeprefix(f"{model_key} "): cost for key, cost in costs.items() if key.startswith(f"{model_key} ")}
    return {int(size): cost for size, cost in found.items() if size.isdecimal()}


def _between(sizes: Mapping[int, Cost], pixels: int) -> list[Cost]:
    """Returns what lies between the two nearest sizes, on a logarithmic scale, or the nearest outside of those known.

    The overhead of a forward is the same for all sizes, so that small ones are computed at a lower rate.
    """
    smaller, larger = (
        max((size for size in sizes if size <= pixels), default=None),
        min((size for size in sizes if size >= pixels), default=None),
    )
    if smaller is None or larger is None or smaller == larger:
        nearest = smaller or larger
        return [] if nearest is None else [sizes[nearest]]
    share = math.log(pixels / smaller) / math.log(larger / smaller)
    low, high = sizes[smaller], sizes[larger]

    def middle(name: str) -> float:
        before, after = getattr(low, name), getattr(high, name)
        return math.exp((1 - share) * math.log(before) + share * math.log(after)) if before and after else 0.0

    return [Cost(**{field.name: middle(field.name) for field in fields(Cost)})]


def _mix(before: float, now: float) -> float:
    if not before or not now:
        return before or now
    return before + WEIGHT * (now - before)


def _read(path: Path) -> dict[str, Cost]:
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        logger.warning("%s cannot be read, so costs are learned anew: %s", path.name, error)
        return {}
    found = {key: _parse(cost) for key, cost in stored.items()} if isinstance(stored, dict) else {}
    return {key: cost for key, cost in found.items() if cost is not None}


def _parse(stored: Any) -> Cost | None:
    names = {field.name for field in fields(Cost)}
    if not isinstance(stored, dict) or stored.keys() != names:
        return None
    values = [value for value in stored.values() if isinstance(value, int | float) and 0 <= value < math.inf]
    return Cost(**stored) if len(values) == len(names) else None
