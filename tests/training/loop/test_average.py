import torch
from torch import nn
from training.loop.average import Average


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
