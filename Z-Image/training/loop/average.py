"""The exponential moving average of a model."""

from typing import Any

import torch
from torch import nn


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
