"""The text encoder's last layers start as nothing, learn to draft, and leave the scene registers where they are."""

from dataclasses import replace

import pytest
import torch
from training.loop.optimisers import Optimisers, split_parameters
from training.nano.layout import TextSizes, build_text_encoder
from training.nano.text.drafting import draft_loss
from training.nano.text.drafts import (
    Drafter,
    Registers,
    clear,
    explained,
    start_reading,
)
from training.nano.text.forward import encode_ids
from training.nano.text.reading import quieten

HIDDEN, LAYERS, LEARNED = 64, 6, 3


@pytest.fixture
def model():
    torch.manual_seed(0)
    sizes = TextSizes(hidden=HIDDEN, intermediate=48, layers=LAYERS, heads=1)
    return build_text_encoder(sizes, 20).requires_grad_(False)


@pytest.fixture
def registers():
    torch.manual_seed(1)
    cells, scenes = torch.randn(512, HIDDEN), torch.randn(8, HIDDEN)
    wanted = (cells @ torch.randn(HIDDEN, 16)).sign() @ torch.randn(16, 256)  # not to be read by a line
    return Registers(cells, wanted, scenes)


def test_a_cleared_layer_changes_nothing(model):
    ids = torch.arange(6)[None]
    before = encode_ids(model, ids, LEARNED)
    clear(model, LEARNED)
    torch.testing.assert_close(encode_ids(model, ids), before)


def test_quietened_registers_point_the_same_way(model):
    ids = torch.arange(6)[None]
    before = encode_ids(model, ids, LEARNED)
    quieten(model, 0.25)
    torch.testing.assert_close(encode_ids(model, ids, LEARNED), before / 4, rtol=1e-2, atol=1e-3)


def test_drafting_explains_more_and_holds_the_scene(model, registers):
    clear(model, LEARNED)
    drafter = Drafter(model)
    start_reading(drafter, registers)
    before = explained(drafter, registers)
    matrices, rest = split_parameters(drafter.requires_grad_(True), ("reader",))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=1e-3)
    for _ in range(40):
        draft_loss(drafter, registers).backward()
        optimisers.step(1.0)
    assert explained(drafter, registers) > before + 0.02
    with torch.no_grad():
        moved = torch.cosine_similarity(drafter.after(registers.scenes), registers.scenes)
    assert moved.min() > 0.5


@torch.no_grad()
def test_draft_loss_grows_with_moved_scene_registers(model, registers):
    clear(model, LEARNED)
    drafter = Drafter(model)
    right = replace(registers, wanted=drafter(registers.cells))
    assert draft_loss(drafter, right) < 1e-6
    torch.nn.init.normal_(drafter.mlps[1].down_proj.weight)
    still_right = replace(registers, wanted=drafter(registers.cells))
    assert draft_loss(drafter, still_right) > 1e-4
