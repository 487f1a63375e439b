import pytest
import torch
from training.nano.dataset.scenes import NATURAL, NEUTRAL, PALETTE, UNSPECIFIED, Scene
from training.nano.text.codes import EMPTY_ROLE, FULL_ROLES, LEFT, NOTHING, PLANS, RIGHT, Codes


@pytest.fixture
def codes():
    torch.manual_seed(0)
    return Codes(torch.randn(3, 5), torch.randn(3, NATURAL + 1, EMPTY_ROLE, 256), torch.randn(len(PALETTE), 256))


def test_one_thing_uses_every_cell_once():
    assert PLANS[0][:, 0].unique().tolist() == [LEFT]
    assert PLANS[0][:, 1].tolist() == list(range(FULL_ROLES))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_several_things_cover_four_cells_each(count):
    plan = PLANS[count - 1]
    assert int((plan[:, 0] != NOTHING).sum()) == 4 * count
    assert (plan[plan[:, 0] == NOTHING][:, 1] == EMPTY_ROLE).all()


def test_plan_of_two_things_is_left_and_right():
    grid = PLANS[1][:, 0].view(4, 4)
    assert grid[1:3, :2].unique().tolist() == [LEFT]
    assert grid[1:3, 2:].unique().tolist() == [RIGHT]


def test_wanted_gives_codes_roles_and_latents(codes):
    scenes = [Scene(1, 1, 1, 0), Scene(0, 2, 2, UNSPECIFIED, NATURAL, 5)]
    wanted, roles, latents = codes.wanted(scenes)
    assert torch.equal(wanted[0, 7], codes.codes[1])
    assert torch.equal(wanted[1, 6], codes.codes[2])
    assert wanted[1, 0].abs().sum() == 0
    assert roles[1, 0] == EMPTY_ROLE
    assert torch.equal(latents[0, 3], codes.cells[1, NATURAL, 3])
    assert torch.equal(latents[1, 4], codes.cells[0, NATURAL, FULL_ROLES])
    assert torch.equal(latents[1, 6], codes.cells[2, 5, FULL_ROLES])
    assert torch.equal(latents[1, 0], codes.empty[NEUTRAL])
    assert codes.colours(scenes)[1].tolist()[3:8] == [-1, NATURAL, NATURAL, 5, 5]
    assert codes.items(scenes)[1].tolist()[4:8] == [0, 0, 2, 2]
