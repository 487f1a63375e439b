import torch
from torch import nn
from training.loop.team import Team


def test_a_team_of_one_changes_nothing():
    team = Team()
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 5.0)
    team.average_gradients([parameter])
    assert parameter.grad.tolist() == [5, 5]
    assert team.agree(3.5) == 3.5
    assert team.leads
