"""What every stage shares: atomic checkpoints, the loss log, schedules and weight averages."""

import csv
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from zimage.tools.nano.muon import Muon
from zimage.tools.nano.team import Team


def save_atomically(state: dict[str, Any], path: Path) -> None:
    """Writes nested tensors and plain data so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    tensors: dict[str, Tensor] = {}
    skeleton = json.dumps(_take_tensors(state, tensors))
    save_file(tensors, partial, {"skeleton": skeleton})
    partial.replace(path)


def load_checkpoint(path: Path) -> Any:
    """Reads what `save_atomically` wrote."""
    with safe_open(path, "pt") as file:
        skeleton = json.loads(file.metadata()["skeleton"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return _put_tensors(skeleton, tensors)


def _take_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _take_tensors(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_take_tensors(item, tensors) for item in value]}
    return {"plain": value}


def _put_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "items" in value:
        return {key: _put_tensors(item, tensors) for key, item in value["items"]}
    if "list" in value:
        return [_put_tensors(item, tensors) for item in value["list"]]
    return value["plain"]


def trapezoid(step: int, total: int, warmup: int = 20, decay: float = 0.5) -> float:
    """Learning-rate factor: up over `warmup` steps, flat, then linearly to 0.02."""
    if step < warmup:
        return (step + 1) / warmup
    start = total * (1 - decay)
    if step < start:
        return 1.0
    return max(0.02, 1 - (step - start) / max(1.0, total - start))


def progress_trapezoid(progress: float, step: int, warmup: int = 20, decay: float = 0.5) -> float:
    """The same over a fraction of the stage's time, 0..1."""
    return trapezoid(int(progress * 10_000), 10_000, 0, decay) * min(1.0, (step + 1) / warmup)


def split_parameters(
    model: nn.Module, keep_from_muon: Iterable[str] = ()
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Matrices and convolutions for Muon, everything else (and named parts) for AdamW."""
    names = tuple(keep_from_muon)
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        small = parameter.ndim < 2 or min(parameter.shape[0], parameter[0].numel()) < 8
        (rest if small or any(part in name for part in names) else matrices).append(parameter)
    return matrices, rest


@dataclass
class Optimisers:
    """Muon and AdamW driven by one factor."""

    optimisers: list[Optimizer]
    base_rates: list[list[float]] = field(default_factory=list)

    @classmethod
    def build(
        cls,
        matrices: list[nn.Parameter],
        rest: list[nn.Parameter],
        muon_lr: float,
        adam_lr: float,
        betas: tuple[float, float] = (0.9, 0.98),
        team: Team | None = None,
    ) -> "Optimisers":
        """Makes the pair; either list may be empty."""
        pair: list[Optimizer] = []
        if matrices:
            pair.append(Muon(matrices, lr=muon_lr, team=team))
        if rest:
            pair.append(AdamW(rest, lr=adam_lr, betas=betas, weight_decay=0.0))
        return cls.of(*pair)

    @classmethod
    def of(cls, *optimisers: Optimizer) -> "Optimisers":
        """Drives optimisers at the rates that they have."""
        return cls(list(optimisers), [[group["lr"] for group in one.param_groups] for one in optimisers])

    def step(self, factor: float) -> None:
        """One update at `factor` times the base rates, then clears the gradients."""
        for optimiser, rates in zip(self.optimisers, self.base_rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self) -> list[dict[str, Any]]:
        """The state of both, for a checkpoint."""
        return [optimiser.state_dict() for optimiser in self.optimisers]

    def restore(self, states: list[dict[str, Any]]) -> None:
        """Puts the state back."""
        for optimiser, state in zip(self.optimisers, states, strict=True):
            optimiser.load_state_dict(state)


class Average:
    """Exponential moving average of a module's parameters, with a warm start."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Moves the average towards the model."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in model.state_dict().items():
            self.values[name].lerp_(value, 1 - decay)

    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {"updates": self.updates, "values": self.values}

    def restore(self, state: dict[str, Any]) -> None:
        """Puts the state back."""
        self.updates, self.values = state["updates"], state["values"]


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
