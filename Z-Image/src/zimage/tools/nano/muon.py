"""Muon: momentum whose matrices are orthogonalised before the step.

After Keller Jordan's description (2024): a quintic Newton-Schulz iteration replaces the
singular values of the momentum by values near one.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration on (rows, columns): singular values go to about one."""
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-7)
    transposed = x.shape[0] > x.shape[1]
    x = x.T if transposed else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if transposed else x


class Muon(Optimizer):
    """Nesterov momentum, orthogonalised; convolutions count as (out, in * kh * kw).

    Args:
        params: tensors with at least two dimensions.
        lr: step size before the factor sqrt(max(1, rows / columns)).
        momentum: decay of the momentum buffer.
        weight_decay: decoupled decay, relative to lr.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Updates every parameter that has a gradient."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._update(param, group)
        return loss

    def _update(self, param: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(param)
        state["momentum"].lerp_(param.grad, 1 - group["momentum"])
        gradient = torch.lerp(param.grad, state["momentum"], group["momentum"])
        update = orthogonalise(gradient.reshape(len(param), -1))
        scale = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        param.mul_(1 - group["lr"] * group["weight_decay"])
        param.add_(update.view_as(param), alpha=-group["lr"] * scale)
