"""A stage is taken up where it was cut off."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import torch
from torch import nn
from training.loop import run as run_module
from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint
from training.loop.log import Log
from training.loop.optimisers import Optimisers
from training.loop.run import RANK_STRIDE, Run
from training.loop.team import Team


def start(folder: Path, team: Team | None = None) -> tuple[nn.Linear, Run]:
    torch.manual_seed(0)
    model = nn.Linear(4, 4)
    optimisers = Optimisers.build([model.weight], [model.bias], muon_lr=0.02, adam_lr=1e-3)
    log = Log(folder / "log.csv")
    return model, Run(model, optimisers, Average(model, 0.9), folder / "stage.safetensors", log, team or Team(), seed=7)


def train(model: nn.Linear, run: Run, seconds: float) -> list[float]:
    seen = []
    for progress in run.lasting(seconds):
        seen.append(progress)
        loss = model(torch.ones(2, 4)).square().mean()
        run.advance(loss, {"loss": loss.detach()}, decay=0.5, save_every_s=100.0)
    return seen


def test_a_stage_goes_on_where_it_ended(tmp_path, monkeypatch):
    ticks = count()
    monkeypatch.setattr(run_module.time, "monotonic", lambda: float(next(ticks)))
    model, run = start(tmp_path)
    assert train(model, run, 4.0) == [0.0, 0.25, 0.5, 0.75]

    again, resumed = start(tmp_path)
    assert resumed.step == 4
    assert torch.equal(again.weight, model.weight)
    assert train(again, resumed, 6.0) == [4 / 6, 5 / 6]

    saved = load_checkpoint(tmp_path / "stage.safetensors")
    assert (saved["step"], saved["average"]["updates"]) == (6, 6)
    assert not torch.equal(again.weight, model.weight)


def test_a_finished_stage_makes_no_step(tmp_path, monkeypatch):
    ticks = count()
    monkeypatch.setattr(run_module.time, "monotonic", lambda: float(next(ticks)))
    train(*start(tmp_path), 2.0)
    assert train(*start(tmp_path), 2.0) == []


def test_only_the_leading_worker_writes_and_each_draws_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(Team, "agree", lambda self, value: value + 1)
    monkeypatch.setattr(Team, "average_gradients", lambda self, parameters: None)
    model, run = start(tmp_path, Team(rank=1, size=2))
    assert len(train(model, run, 1.0)) == 1
    assert run.seed == 7 + RANK_STRIDE
    assert not (tmp_path / "stage.safetensors").exists()
