import torch
from torch import nn
from training.loop.muon import Muon, orthogonalise


def test_orthogonalise_evens_the_singular_values():
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(24, 48)))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.5


def test_muon_leaves_parameters_without_gradient_alone():
    parameter = nn.Parameter(torch.ones(8, 8))
    Muon([parameter]).step()
    assert torch.equal(parameter, torch.ones(8, 8))
