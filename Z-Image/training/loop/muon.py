"""Muon: momentum whose matrices are orthogonalised before the step.

After Keller Jordan's description (2024): a quintic Newton-Schulz iteration replaces the
singular values of the momentum by values near one.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from training.loop.precision import fast_products
from training.loop.team import Team

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration on (rows, columns): singular values go to about one."""
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-7)
    transposed = x.shape[0] > x.shape[1]
    x = x.T if transposed else x
    with fast_products():  # the iteration forgives rounding
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if transposed else x  # type: ignore[no-any-return]


class Muon(Optimizer):
    """Nesterov momentum, orthogonalised; convolutions count as (out, in * kh * kw).

    Args:
        params: tensors with at least two dimensions.
        lr: step size before the factor sqrt(max(1, rows / columns)).
        momentum: decay of the momentum buffer.
        weight_decay: decoupled decay, relative to lr.
        team: the workers that share the work; this one alone when missing.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        team: Team | None = None,
    ) -> None:
        self.team = team or Team()
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Updates every parameter that has a gradient; workers share the orthogonalising."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            directions = [
                self._direction(param, group["momentum"], self.team.owns(index)) for index, param in enumerate(params)
            ]
            for param, direction in zip(params, self.team.sum(directions), strict=True):
                scale = max(1.0, direction.shape[0] / direction[0].numel()) ** 0.5
                param.mul_(1 - group["lr"] * group["weight_decay"])
                param.add_(direction, alpha=-group["lr"] * scale)
        return loss

    def _direction(self, param: Tensor, momentum: float, own: bool) -> Tensor:
        state = self.state[param]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(param)
        gradient = param.grad
        assert gradient is not None  # noqa: S101 - step() gives only those with one
        state["momentum"].lerp_(gradient, 1 - momentum)
        if not own:
            return torch.zeros_like(param)
        mixed = torch.lerp(gradient, state["momentum"], momentum)
        return orthogonalise(mixed.reshape(len(param), -1)).view_as(param)
