"""Which examples a step trains on; it follows from seed and step alone, so a resumed run goes on as if nothing was."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from random import Random

import torch

STRIDE = 1_000_003  # keeps seeds apart


class Batches:
    """Examples by step: each once an epoch, with others of its kind."""

    def __init__(self, kinds: Sequence[Hashable], size: int, seed: int) -> None:
        """Shuffles anew each epoch.

        Args:
            kinds: of each example; a batch is of one kind.
            size: of a batch; the last one of a kind may be smaller.
            seed: of the order.
        """
        self._groups: dict[Hashable, list[int]] = {}
        for index, kind in enumerate(kinds):
            self._groups.setdefault(kind, []).append(index)
        self._size, self._seed = size, seed
        self.per_epoch = sum(-(-len(group) // size) for group in self._groups.values())
        self._epoch = lru_cache(maxsize=1)(self._shuffled)

    def at(self, step: int) -> list[int]:
        """Returns the examples of a step."""
        epoch, index = divmod(step, self.per_epoch)
        return self._epoch(epoch)[index]

    def _shuffled(self, epoch: int) -> list[list[int]]:
        random = Random(self._seed * STRIDE + epoch)
        batches: list[list[int]] = []
        for group in self._groups.values():
            order = random.sample(group, len(group))
            batches += [order[start : start + self._size] for start in range(0, len(order), self._size)]
        random.shuffle(batches)
        return batches


def generator_of(seed: int, step: int) -> torch.Generator:
    """Returns the source of all that is random in a step."""
    return torch.Generator().manual_seed(seed * STRIDE + step)
