"""Several single-threaded workers that average their gradients once a step.

On a processor that other programs use as well this is far quicker than one worker with
several threads, which wait for each other at every operation.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

PARENT_EVERY_S = 1.0


class Team:
    """This worker's place among its equals; a team of one does nothing."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        """True for the one worker that logs and writes."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replaces every gradient by its mean over the workers."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def owns(self, index: int) -> bool:
        """True for this worker's share of a list."""
        return index % self.size == self.rank

    def sum(self, tensors: list[Tensor]) -> list[Tensor]:
        """The sums over the workers of tensors that only their owners filled."""
        if self.size == 1 or not tensors:
            return tensors
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]

    def agree(self, value: float) -> float:
        """What the leading worker says."""
        if self.size == 1:
            return value
        said = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(said, 0)
        return float(said)

    def mean(self, value: Tensor) -> Tensor:
        """The mean over the workers of a value that is only looked at."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        dist.all_reduce(total)
        return total / self.size


def _end_with(parent: int) -> None:
    """Ends this worker when the process that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(PARENT_EVERY_S)
    os._exit(1)


def _work(rank: int, size: int, meeting: str, parent: int, job: Callable[[Team], None]) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)
    try:
        job(Team(rank, size))
    finally:
        dist.destroy_process_group()


def run_team(job: Callable[[Team], None], size: int) -> None:
    """Runs the job in `size` processes (it must be picklable), or here when size is one."""
    if size == 1:
        job(Team())
        return
    with tempfile.TemporaryDirectory() as folder:
        spawn(_work, (size, str(Path(folder) / "meeting"), os.getpid(), job), nprocs=size)  # type: ignore[no-untyped-call]
