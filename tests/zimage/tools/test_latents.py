import pytest
import torch
from zimage.tools.nano.latents import (
    CELL,
    NEUTRAL,
    _interleave,
    as_cells,
    draw_backgrounds,
    place_halves,
)
from zimage.tools.nano.scenes import Scene


def test_cells_are_the_grid_row_by_row():
    latents = torch.zeros(16, 16, 16)
    latents[:, CELL : 2 * CELL, 2 * CELL : 3 * CELL] = 1
    cells = as_cells(latents)
    assert cells.shape == (16, 256)
    assert cells.sum(1).nonzero().flatten().tolist() == [6]


def test_a_cell_is_ordered_row_column_channel():
    latents = torch.zeros(16, 16, 16)
    latents[3, 1, 2] = 1
    assert as_cells(latents)[0].nonzero().flatten().tolist() == [(1 * CELL + 2) * 16 + 3]


def test_things_go_to_their_places():
    halves = torch.stack([torch.full((16, 8, 8), 1.0), torch.full((16, 8, 8), 2.0)])
    canvas = torch.zeros(16, 16, 16)
    place_halves(canvas, halves, Scene(0, 1, 2, 0), CELL)
    assert canvas[0, 8, 0] == 1
    assert canvas[0, 8, 15] == 2
    assert canvas[0, 0].sum() == 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_shares_are_put_back_in_order(workers):
    groups = torch.arange(22).split(4)
    shares = [torch.cat(groups[rank::workers]) for rank in range(workers)]
    assert _interleave(shares, 4).tolist() == list(range(22))


def test_every_thing_has_the_neutral_background_and_two_others():
    backgrounds = draw_backgrounds(50)
    assert (backgrounds[:, 0] == NEUTRAL).all()
    assert (backgrounds[:, 1:] != NEUTRAL).all()
    assert (backgrounds[:, 1] != backgrounds[:, 2]).all()
