import pytest
import torch
from torch import nn
from zimage.tools.nano.muon import Muon, orthogonalise
from zimage.tools.nano.team import Team
from zimage.tools.nano.training import (
    Average,
    Log,
    Optimisers,
    load_checkpoint,
    progress_trapezoid,
    save_atomically,
    split_parameters,
    trapezoid,
)


def test_checkpoints_keep_nested_state(tmp_path):
    state = {"model": {"a": torch.arange(4)}, "groups": [{"lr": 0.5, "on": True, "none": None}], 3: "three"}
    save_atomically(state, tmp_path / "state.safetensors")
    loaded = load_checkpoint(tmp_path / "state.safetensors")
    assert torch.equal(loaded["model"]["a"], torch.arange(4))
    assert loaded["groups"] == [{"lr": 0.5, "on": True, "none": None}]
    assert loaded[3] == "three"
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def test_orthogonalise_evens_the_singular_values():
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(24, 48)))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.5


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


def test_muon_leaves_parameters_without_gradient_alone():
    parameter = nn.Parameter(torch.ones(8, 8))
    Muon([parameter]).step()
    assert torch.equal(parameter, torch.ones(8, 8))


def test_the_rate_rises_holds_and_falls():
    assert trapezoid(0, 100, warmup=10) == pytest.approx(0.1)
    assert trapezoid(40, 100, warmup=10) == 1
    assert trapezoid(99, 100, warmup=10) == pytest.approx(0.02)
    assert progress_trapezoid(0.5, 1000, decay=0.5) == 1


def test_the_average_follows_and_restores():
    model = nn.Linear(2, 2)
    average = Average(model, 0.9)
    with torch.no_grad():
        model.weight.add_(1)
    before = average.values["weight"].clone()
    average.update(model)
    assert (average.values["weight"] > before).all()
    other = Average(model, 0.9)
    other.restore(average.state())
    assert other.updates == 1


def test_the_log_writes_means(tmp_path, capsys):
    log = Log(tmp_path / "log.csv", every=2)
    log.add(1, 0.5, {"loss": 1.0})
    log.add(2, 0.5, {"loss": torch.tensor(3.0)})
    header, row = (tmp_path / "log.csv").read_text().splitlines()
    assert header.split(",")[0::2] == ["step", "loss"]
    assert row.split(",")[0::2] == ["2", "2.0"]
    assert "##########" in capsys.readouterr().out


def test_a_team_of_one_changes_nothing():
    team = Team()
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 5.0)
    team.average_gradients([parameter])
    assert parameter.grad.tolist() == [5, 5]
    assert team.agree(3.5) == 3.5
    assert team.leads


def test_a_log_averages_each_value_over_the_steps_that_have_it(tmp_path):
    log = Log(tmp_path / "log.csv", every=3, names=("loss", "other"))
    log.add(1, 0.0, {"loss": 1.0})
    log.add(2, 0.0, {"other": 5.0})
    log.add(3, 0.0, {"loss": 2.0})
    for step in range(4, 7):
        log.add(step, 0.0, {"loss": 4.0})
    header, first, second = (tmp_path / "log.csv").read_text().splitlines()
    assert header == "step,seconds,loss,other"
    assert first.split(",")[2:] == ["1.5", "5.0"]
    assert second.split(",")[2:] == ["4.0", ""]
