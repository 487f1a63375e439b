"""Muon for matrices and AdamW for the rest, driven as one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from training.loop.muon import Muon
from training.loop.team import Team


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
