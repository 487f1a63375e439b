"""A training stage that can be cut off at any moment and taken up again."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.log import Log
from training.loop.optimisers import Optimisers
from training.loop.schedule import progress_trapezoid
from training.loop.team import Team

RANK_STRIDE = 1_000_003  # keeps the workers' random draws apart


class Run:
    """One stage: `lasting` gives the progress 0..1 until the time is over, `advance` makes a step.

    Attributes:
        step: steps made, those before a resumption included.
        seed: of this worker's draws from here on.
    """

    def __init__(
        self, model: nn.Module, optimisers: Optimisers, average: Average, path: Path, log: Log, team: Team, seed: int
    ) -> None:
        self.model, self.optimisers, self.average = model, optimisers, average
        self.path, self.log, self.team = path, log, team
        self.step, self.spent_s, self.seconds = 0, 0.0, 0.0
        self.before = self.saved = time.monotonic()
        if path.exists():
            state = load_checkpoint(path)
            model.load_state_dict(state["model"])
            optimisers.restore(state["optimisers"])
            average.restore(state["average"])
            self.step, self.spent_s = state["step"], state["seconds"]
        self.seed = seed + self.step + RANK_STRIDE * team.rank
        torch.manual_seed(self.seed)

    def lasting(self, seconds: float) -> Iterator[float]:
        """Gives the progress before every step; the time of earlier runs counts."""
        self.seconds = seconds
        self.before = self.saved = time.monotonic()
        while self.spent_s < seconds:
            yield self.spent_s / seconds

    def advance(self, loss: Tensor, values: Mapping[str, Tensor], decay: float, save_every_s: float) -> bool:
        """Makes a step down the loss; the leading worker logs, and saves now and then and at the end.

        Args:
            loss: what to make smaller.
            values: what to log.
            decay: share of the stage at its end in which the step size falls.
            save_every_s: time between checkpoints in seconds.

        Returns:
            Whether a checkpoint was written.
        """
        progress = self.spent_s / self.seconds
        loss.backward()  # type: ignore[no-untyped-call]
        self.team.average_gradients(self.model.parameters())
        self.optimisers.step(progress_trapezoid(progress, self.step, decay=decay))
        self.average.update(self.model)
        self.step += 1
        now = time.monotonic()
        self.spent_s, self.before = self.team.agree(self.spent_s + now - self.before), now
        if not self.team.leads:
            return False
        self.log.add(self.step, progress, values)
        if now - self.saved <= save_every_s and self.spent_s < self.seconds:
            return False
        self.saved = now
        self._save()
        return True

    def _save(self) -> None:
        state = {"model": self.model.state_dict(), "optimisers": self.optimisers.state()}
        save_atomically(
            {**state, "average": self.average.state(), "step": self.step, "seconds": self.spent_s}, self.path
        )
