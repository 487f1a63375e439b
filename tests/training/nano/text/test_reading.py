"""What is to be read from the text encoder: latents with identities."""

import pytest
import torch
from training.nano.dataset.scenes import LAYOUTS, NATURAL, PALETTE, UNSPECIFIED, Scene
from training.nano.text.codes import EMPTY_ROLE, ROLES, Codes
from training.nano.text.forward import split_tokens
from training.nano.text.reading import Affine, cells_of, identities_of, read_anew, regress
from training.nano.text.tokenizer import REGISTERS

VARIED = 16


@pytest.fixture
def codes():
    """Parts whose latents differ in few directions only."""
    torch.manual_seed(0)
    directions = torch.randn(VARIED, 256)
    cells = torch.randn(6, NATURAL + 1, EMPTY_ROLE, VARIED) @ directions
    return Codes(torch.randn(6, 5), cells, torch.randn(len(PALETTE), VARIED) @ directions)


@pytest.fixture
def scenes():
    return [Scene(i % 6, i % 6, 1 + i % len(LAYOUTS), i % (UNSPECIFIED + 1)) for i in range(80)]


def test_regression_finds_a_linear_map():
    torch.manual_seed(0)
    inputs, true = torch.randn(500, 8), torch.randn(3, 8)
    torch.testing.assert_close(regress(inputs, inputs @ true.T, 1e-9), true, atol=1e-4, rtol=0)
    torch.testing.assert_close(Affine.fit(inputs, inputs @ true.T + 2)(inputs), inputs @ true.T + 2, atol=0.01, rtol=0)


def test_a_cell_and_a_role_are_named():
    named = identities_of(torch.tensor([[3] * 16]))
    assert named.shape == (16, 16 + ROLES)
    assert named[5].nonzero().flatten().tolist() == [5, 16 + 3]


def test_identities_stand_where_latents_do_not_differ(codes, scenes):
    cells = cells_of(scenes, codes)
    wanted = cells[:, :256]
    read = read_anew(scenes, codes)(cells)
    varied = torch.linalg.svd(wanted - wanted.mean(0)).Vh[:VARIED]  # there are no more directions
    moved = (read - read.mean(0)) @ varied.T - (wanted - wanted.mean(0)) @ varied.T
    assert float(moved.abs().max()) < 0.01
    assert float((read - wanted).abs().max()) > 0.1


def test_registers_and_words_are_told_apart():
    number = len(REGISTERS)
    tokens = torch.arange(2 * (number + 3)).view(2, -1, 1).float()
    registers, words = split_tokens(tokens, torch.tensor([number + 1, number + 3]))
    assert registers[:, :, 0].tolist() == [list(range(1, number + 1)), list(range(number + 6, 2 * number + 6))]
    assert words[:, 0].tolist() == [0, number + 3, number + 4, number + 5]
