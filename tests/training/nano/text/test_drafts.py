"""The text encoder's last layers start as nothing, learn to draft, and leave the scene registers where they are."""

from dataclasses import replace

import pytest
import torch
from training.nano.layout import TextSizes, build_text_encoder
from training.nano.loop.optimisers import Optimisers, split_parameters
from training.nano.text.drafting import draft_loss
from training.nano.text.drafts import (
    Drafter,
    Registers,
    clear,
    explained,
    start_reading,
)
from training.nano.text.forward import encode_ids
from training.nano.text.reading import Affine, Reading, quieten

ANEW = Reading(Affine(torch.eye(256), torch.zeros(256)), None, None)
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
    return Registers(cells, wanted, scenes, None, torch.randn(8, HIDDEN))


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
        draft_loss(drafter, registers, ANEW).backward()
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
    assert draft_loss(drafter, right, ANEW) < 1e-6
    torch.nn.init.normal_(drafter.mlps[1].down_proj.weight)
    still_right = replace(registers, wanted=drafter(registers.cells))
    assert draft_loss(drafter, still_right, ANEW) > 1e-4


def test_scenes_and_words_are_taught_where_a_transformer_reads_them(model, registers):
    clear(model, LEARNED)
    drafter = Drafter(model)
    start_reading(drafter, registers)
    reading = replace(ANEW, words=torch.full((256,), 0.5))
    taught = replace(registers, wanted_scenes=torch.ones(len(registers.scenes), 256))
    matrices, rest = split_parameters(drafter.requires_grad_(True), ("reader",))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=1e-3)
    before = [(drafter(taught.scenes) - 1).square().mean(), (drafter(taught.words) - 0.5).square().mean()]
    for _ in range(60):
        draft_loss(drafter, taught, reading).backward()
        optimisers.step(1.0)
    assert (drafter(taught.scenes) - 1).square().mean() < 0.8 * before[0]
    assert (drafter(taught.words) - 0.5).square().mean() < 0.8 * before[1]
