"""Trains the two solved layers on, so that drafts hold for captions that the solution never saw.

The learned layers stay as they are, so their registers are computed once for many captions
and a step costs two feed-forward layers only.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, mse_loss, rms_norm
from torch.optim import AdamW
from transformers import Qwen3Model

from zimage.tools.nano.codes import build_codes
from zimage.tools.nano.latents import load_cache
from zimage.tools.nano.run import Run
from zimage.tools.nano.team import Team
from zimage.tools.nano.text_training import LEARNED_LAYERS
from zimage.tools.nano.training import Average, Log, Optimisers, load_checkpoint, save_atomically
from zimage.tools.nano.unpacking import CHECKPOINT as SOLVED
from zimage.tools.nano.unpacking import EPS, Registers, collect, load_encoder

CHECKPOINT = "polish.safetensors"
CHECKPOINT_EVERY_S = 60
CAPTIONS = 8000  # a worker
TEST_CAPTIONS = 300
TEST_SEED = 424_242
CELLS_A_STEP = 2048  # a worker
SCENES_A_STEP = 128
SCENE_WEIGHT = 0.05
RELATIVE_RATE = 0.01
LEAST_SIZE = 1e-3


class Drafter(nn.Module):
    """The two solved feed-forward layers and the reader of their drafts."""

    def __init__(self, model: Qwen3Model, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.mlps = nn.ModuleList(model.layers[LEARNED_LAYERS + index].mlp for index in range(2))
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())

    def after(self, x: Tensor) -> Tensor:
        """Registers (N, hidden) after both layers."""
        for mlp in self.mlps:
            x = x + mlp(rms_norm(x, (x.shape[-1],), eps=EPS))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Drafts of the cells' latents, (N, 256)."""
        x = self.after(x)
        return linear(rms_norm(x, (x.shape[-1],), eps=EPS), self.weight, self.bias)


def build_optimisers(drafter: Drafter) -> Optimisers:
    """Every tensor at its own rate, in proportion to its values."""
    groups = [{"params": [p], "lr": RELATIVE_RATE * max(LEAST_SIZE, float(p.detach().square().mean().sqrt()))}
              for p in drafter.parameters()]  # fmt: skip
    return Optimisers.of(AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0))


def polish_loss(drafter: Drafter, registers: Registers) -> Tensor:
    """Squared error of random cells' drafts; scene registers are held where they are."""
    rows = torch.randint(len(registers.features), (CELLS_A_STEP,))
    scenes = registers.scenes[torch.randint(len(registers.scenes), (SCENES_A_STEP,))]
    held = mse_loss(drafter.after(scenes), scenes) / scenes.square().mean()
    return mse_loss(drafter(registers.features[rows]), registers.cells[rows]) + SCENE_WEIGHT * held


@torch.no_grad()
def explained(drafter: Drafter, registers: Registers) -> float:
    """Share of the cells' variance that the drafts carry."""
    error = (drafter(registers.features) - registers.cells).square().sum()
    return 1 - float(error / (registers.cells - registers.cells.mean(0)).square().sum())


def polish(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from the checkpoint, and writes the finished text encoder."""
    _, model, weight, bias = load_encoder(work)
    drafter = Drafter(model, weight, bias).requires_grad_(True)
    optimisers, average = build_optimisers(drafter), Average(drafter, 0.98)
    targets = build_codes(load_cache(work))
    run = Run(drafter, optimisers, average, work / CHECKPOINT, Log(work / "polish.csv"), team, seed)
    registers = collect(work, targets, CAPTIONS, run.seed)
    test = collect(work, targets, TEST_CAPTIONS, TEST_SEED, labels=False)
    for _ in run.lasting(seconds):
        loss = polish_loss(drafter, registers)
        if run.advance(loss, {"loss": loss.detach()}, decay=0.6, save_every_s=CHECKPOINT_EVERY_S):
            finish(work, test)


def finish(work: Path, test: Registers) -> None:
    """Puts the averaged layers into the text encoder."""
    _, model, weight, bias = load_encoder(work)
    drafter = Drafter(model, weight, bias)
    drafter.load_state_dict(load_checkpoint(work / CHECKPOINT)["average"]["values"])
    share = explained(drafter, test)
    print(f"drafts explain {share:.3f} of the variance of cells never seen", flush=True)
    state = {"model": model.state_dict(), "weight": drafter.weight, "bias": drafter.bias, "explained": share}
    save_atomically(state, work / SOLVED)
