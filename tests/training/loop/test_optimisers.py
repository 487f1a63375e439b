import torch
from torch import nn
from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.optimisers import Optimisers, split_parameters


def train(model, optimisers, steps):
    torch.manual_seed(1)
    for _ in range(steps):
        loss = (model(torch.randn(32, 16)) - 1).square().mean()
        loss.backward()
        optimisers.step(1.0)
    return float(loss.detach())


def make():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16))
    return model, Optimisers.build(*split_parameters(model), muon_lr=0.02, adam_lr=0.01)


def test_the_optimisers_learn_and_resume_exactly(tmp_path):
    model, optimisers = make()
    first = train(model, optimisers, 5)
    save_atomically({"model": model.state_dict(), "optimisers": optimisers.state()}, tmp_path / "s.safetensors")
    state = load_checkpoint(tmp_path / "s.safetensors")
    other, others = make()
    other.load_state_dict(state["model"])
    others.restore(state["optimisers"])
    assert train(model, optimisers, 30) == train(other, others, 30) < first


def test_matrices_go_to_muon_and_the_rest_does_not():
    model = nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16), nn.Linear(16, 2))
    matrices, rest = split_parameters(model)
    assert [tuple(p.shape) for p in matrices] == [(16, 16)]
    assert len(rest) == 5
    assert split_parameters(model, ("0.",))[0] == []
