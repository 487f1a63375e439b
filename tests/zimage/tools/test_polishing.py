"""The solved layers learn on, and leave the scene registers where they are."""

import torch
from zimage.tools.nano.layout import TextSizes, build_text_encoder
from zimage.tools.nano.polishing import Drafter, build_optimisers, explained, polish_loss
from zimage.tools.nano.unpacking import Registers

HIDDEN = 64


def make_drafter() -> Drafter:
    torch.manual_seed(0)
    model = build_text_encoder(TextSizes(hidden=HIDDEN, intermediate=48, layers=6, heads=1), 20)
    return Drafter(model, 0.1 * torch.randn(256, HIDDEN), torch.zeros(256))


def make_registers() -> Registers:
    features = torch.randn(64, HIDDEN)
    cells = features @ torch.randn(HIDDEN, 256) / 8
    nothing = torch.zeros(64, dtype=torch.long)
    return Registers(features, torch.randn(8, HIDDEN), nothing, nothing, features, cells)


def test_polishing_explains_more():
    drafter, registers = make_drafter(), make_registers()
    optimisers = build_optimisers(drafter)
    before = explained(drafter, registers)
    for _ in range(60):
        polish_loss(drafter, registers).backward()
        optimisers.step(1.0)
    assert explained(drafter, registers) > before + 0.2


@torch.no_grad()
def test_moving_scene_registers_costs():
    drafter, registers = make_drafter(), make_registers()
    quiet = Registers(**{**vars(registers), "features": registers.features[:1], "cells": registers.cells[:1]})
    before = polish_loss(drafter, quiet)
    louder = drafter.after(quiet.scenes) - quiet.scenes
    moved = Registers(**{**vars(quiet), "scenes": quiet.scenes / 10})
    assert louder.abs().max() > 0
    assert polish_loss(drafter, moved) > before


def test_every_tensor_has_its_own_rate():
    drafter = make_drafter()
    rates = build_optimisers(drafter).base_rates[0]
    sizes = [max(1e-3, float(p.detach().square().mean().sqrt())) for p in drafter.parameters()]
    torch.testing.assert_close(torch.tensor(rates), 0.01 * torch.tensor(sizes))
