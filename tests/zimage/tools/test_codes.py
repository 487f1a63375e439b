import pytest
import torch
from zimage.tools.nano.codes import EMPTY_ROLE, FULL_ROLES, LEFT, NOTHING, PLANS, RIGHT, Codes
from zimage.tools.nano.layout import TextSizes, build_text_encoder
from zimage.tools.nano.scenes import Scene
from zimage.tools.nano.text_forward import encode_ids
from zimage.tools.nano.unpacking import Registers, clear, group_means, map_role, regress, switch


@pytest.fixture
def codes():
    torch.manual_seed(0)
    return Codes(torch.randn(3, 5), torch.randn(3, EMPTY_ROLE, 256), torch.zeros(256))


def test_one_thing_uses_every_cell_once():
    assert PLANS[0][:, 0].unique().tolist() == [LEFT]
    assert PLANS[0][:, 1].tolist() == list(range(FULL_ROLES))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_several_things_cover_four_cells_each(count):
    plan = PLANS[count - 1]
    assert int((plan[:, 0] != NOTHING).sum()) == 4 * count
    assert (plan[plan[:, 0] == NOTHING][:, 1] == EMPTY_ROLE).all()


def test_two_things_stand_left_and_right():
    grid = PLANS[1][:, 0].view(4, 4)
    assert grid[1:3, :2].unique().tolist() == [LEFT]
    assert grid[1:3, 2:].unique().tolist() == [RIGHT]


def test_wanted_gives_codes_roles_and_latents(codes):
    scenes = [Scene(1, 1, 1, 0), Scene(0, 2, 2, 0)]
    wanted, roles, latents = codes.wanted(scenes)
    assert torch.equal(wanted[0, 7], codes.codes[1])
    assert torch.equal(wanted[1, 6], codes.codes[2])
    assert wanted[1, 0].abs().sum() == 0
    assert roles[1, 0] == EMPTY_ROLE
    assert torch.equal(latents[0, 3], codes.cells[1, 3])
    assert torch.equal(latents[1, 0], codes.empty)
    assert codes.items(scenes)[1].tolist()[4:8] == [0, 0, 2, 2]


def test_regression_finds_a_linear_map():
    torch.manual_seed(0)
    inputs, true = torch.randn(500, 8), torch.randn(3, 8)
    torch.testing.assert_close(regress(inputs, inputs @ true.T, 1e-9), true, atol=1e-4, rtol=0)


def test_a_switch_separates_rare_from_common():
    torch.manual_seed(0)
    known = torch.randn(600, 8)
    on = torch.arange(600) < 30
    known[:, 0] = torch.where(on, 1.0, -1.0)
    reading = (known @ switch(known, -torch.eye(8)[:1], on).T)[:, 0]
    assert float(reading[on].min()) > 0 > float(reading[~on].max())


def test_a_role_is_mapped_strongest_component_first():
    torch.manual_seed(0)
    known, true = torch.randn(400, 6), torch.randn(256, 6)
    roles = torch.arange(400) % 2
    cells = known @ true.T
    registers = Registers(known, known[:1], roles, roles, known, cells - cells.mean(0))
    one = map_role(1, known, registers)
    assert (one.energies.diff() <= 1e-3).all()
    assert float(one.energies[6:].abs().max()) < 1e-2 * float(one.energies[0])
    mine = roles == 1
    drawn = known[mine] @ one.up[:6].T @ one.basis[:, :6].T
    torch.testing.assert_close(drawn, registers.cells[mine], atol=0.5, rtol=0)


def test_group_means_are_of_cell_and_role():
    x = torch.arange(32.0)[:, None]
    roles = torch.zeros(32, dtype=torch.long)
    means = group_means(x, roles)
    assert means[0] == means[16] == 8
    roles[16] = 3
    assert group_means(x, roles)[[0, 16]].flatten().tolist() == [0, 16]


def test_a_cleared_layer_changes_nothing():
    torch.manual_seed(0)
    model = build_text_encoder(TextSizes(hidden=64, intermediate=32, layers=3, heads=1), 20).requires_grad_(False)
    ids = torch.arange(6)[None]
    clear(model, 1)
    torch.testing.assert_close(encode_ids(model, ids), encode_ids(model, ids, 1))
