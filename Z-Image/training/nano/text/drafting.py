"""Trains the text encoder's fourth and fifth layer to draw drafts.

The learned layers stay as they are, so their registers are computed once for many captions
and a step costs two feed-forward layers only.
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from transformers import Qwen3Model

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.precision import fast_products
from training.loop.run import Run
from training.loop.team import Team
from training.nano.adopt import read_adopted
from training.nano.dataset.latents import load_cache
from training.nano.layout import LEARNED_LAYERS, LOUDNESS
from training.nano.text.codes import build_codes
from training.nano.text.drafts import CHECKPOINT as FINISHED
from training.nano.text.drafts import (
    Drafter,
    Registers,
    clear,
    collect,
    explained,
    normed,
    sample_examples,
    start_reading,
)
from training.nano.text.reading import quieten, read_anew
from training.nano.text.training import load_text_encoder

CHECKPOINT = "drafts.safetensors"
CHECKPOINT_EVERY_S = 60
CAPTIONS = 20_000  # a worker
TEST_CAPTIONS = 300
READ_CAPTIONS = 4000  # alike in all workers
TEST_SEED = 424_242
CELLS_A_STEP = 2048  # a worker
SCENES_A_STEP = 128
HELD_WEIGHT = 0.05


def prepare(work: Path) -> tuple[Qwen3Model, Drafter]:
    """The trained text encoder with two fresh layers that change nothing yet."""
    torch.manual_seed(0)
    _, model, _ = load_text_encoder(work)
    clear(model, LEARNED_LAYERS)
    quieten(model, LOUDNESS)
    return model, Drafter(model)


def draft_loss(drafter: Drafter, registers: Registers) -> Tensor:
    """Squared error of what is read from random cells; the scene registers are held where they are."""
    rows = torch.randint(len(registers.cells), (CELLS_A_STEP,))
    loss = mse_loss(drafter(registers.cells[rows]), registers.wanted[rows])
    scenes = registers.scenes[torch.randint(len(registers.scenes), (SCENES_A_STEP,))]
    return loss + HELD_WEIGHT * mse_loss(normed(drafter.after(scenes)), normed(scenes))


def train_drafts(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from the checkpoint, and writes the finished text encoder.

    Raises:
        ValueError: when the text encoder was adopted.
    """
    if read_adopted(work):
        raise ValueError("the adopted text encoder drafts already: its own stage tunes all of it")
    model, drafter = prepare(work)
    targets = build_codes(load_cache(work))
    reading = read_anew([example.scene for example in sample_examples(work, READ_CAPTIONS, seed)], targets)
    registers = collect(work, model, targets, reading, sample_examples(work, CAPTIONS, seed + 1 + team.rank))
    test = collect(work, model, targets, reading, sample_examples(work, TEST_CAPTIONS, TEST_SEED, labels=False))
    start_reading(
        drafter, collect(work, model, targets, reading, sample_examples(work, 0, seed))
    )  # alike in all workers
    matrices, rest = split_parameters(drafter.requires_grad_(True), ("reader",))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=1e-3, team=team)
    run = Run(
        drafter, optimisers, Average(drafter, 0.98), work / CHECKPOINT, Log(work / "drafts.csv"), team, seed
    )  # fmt: skip
    for _ in run.lasting(seconds):
        with fast_products():
            loss = draft_loss(drafter, registers)
        if run.advance(loss, {"loss": loss.detach()}, decay=0.7, save_every_s=CHECKPOINT_EVERY_S):
            finish(work, test)
    if team.leads and not is_finished(work, run.step):  # it was cut off between the two files
        finish(work, test)


def is_finished(work: Path, step: int) -> bool:
    """Tells whether the text encoder has the layers of a step."""
    return (work / FINISHED).exists() and load_checkpoint(work / FINISHED).get("step") == step


def finish(work: Path, test: Registers) -> None:
    """Puts the averaged layers into the text encoder."""
    model, drafter = prepare(work)
    saved = load_checkpoint(work / CHECKPOINT)
    drafter.load_state_dict(saved["average"]["values"])
    share = explained(drafter, test)
    print(f"drafts explain {share:.3f} of the variance of cells never seen", flush=True)
    reader = {"weight": drafter.reader.weight, "bias": drafter.reader.bias}
    state = {"model": model.state_dict(), **reader, "explained": share}
    save_atomically({**state, "step": saved["step"]}, work / FINISHED)
