import contextlib

import pytest
import torch
from torch import nn
from zimage.residency.copier import DirectCopier
from zimage.residency.stream import Unit, Weight, WeightStream

CPU = torch.device("cpu")


class Counting(DirectCopier):
    """Counts what is copied, by the address of its source."""

    def __init__(self):
        self.copies: list[int] = []
        self.fails_at: int | None = None
        self.finished = 0

    def copy(self, sources, targets):
        if self.fails_at == len(self.copies):
            raise RuntimeError("out of memory")
        self.copies.append(sources[0].data_ptr())
        return super().copy(sources, targets)

    def finish(self):
        self.finished += 1


class Line:
    """A few linear layers whose weights are streamed."""

    def __init__(self, n, n_slots=2, resident=()):
        self.layers = [nn.Linear(4, 4, bias=False).requires_grad_(requires_grad=False) for _ in range(n)]
        self.hosts = [layer.weight for layer in self.layers]
        self.copier = Counting()
        route = [
            (layer, Unit((Weight(layer, "weight", layer.weight),)))
            for index, layer in enumerate(self.layers)
            if index not in resident
        ]
        self.resident = set(resident)
        self.stream = WeightStream([route], CPU, n_slots=n_slots, copier=self.copier)

    def there(self):
        """Streamed layers that have weights of the device."""
        return [
            index
            for index, (layer, host) in enumerate(zip(self.layers, self.hosts, strict=True))
            if index not in self.resident and layer.weight is not host
        ]

    def copied(self):
        addresses = [host.data_ptr() for host in self.hosts]
        return [addresses.index(source) for source in self.copier.copies]

    def run(self, x, stop_at=None):
        for index, layer in enumerate(self.stream.walk(self.layers)):
            assert index in self.there() or index in self.resident
            assert torch.equal(layer.weight, self.hosts[index])
            if index == stop_at:
                raise KeyboardInterrupt
            x = layer(x)
        return x


def test_two_are_there_at_a_time_and_each_is_copied_once():
    line = Line(6)
    seen = []
    for index, _ in enumerate(line.stream.walk(line.layers)):
        seen.append(line.there())
        assert index in seen[-1]
    assert seen == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [4, 5]]
    assert line.copied() == [0, 1, 2, 3, 4, 5]
    line.run(torch.ones(1, 4))
    assert line.copied()[6:] == [0, 1, 2, 3, 4, 5]


def test_resident_ones_are_never_copied():
    line = Line(6, resident=(0, 2, 3))
    line.run(torch.ones(1, 4))
    assert line.copied() == [1, 4, 5]


@pytest.mark.parametrize("stop_at", [0, 1, 3, 5])
def test_it_goes_on_after_an_exception_in_the_middle(stop_at):
    line = Line(6)
    x = torch.randn(2, 4)
    expected = line.run(x)
    with pytest.raises(KeyboardInterrupt):
        line.run(x, stop_at)
    assert len(line.there()) <= 2
    assert torch.equal(line.run(x), expected)


@pytest.mark.parametrize("fails_at", [0, 1, 4])
def test_it_goes_on_after_a_copy_that_failed(fails_at):
    line = Line(6)
    x = torch.randn(2, 4)
    line.copier.fails_at = fails_at
    with pytest.raises(RuntimeError, match="out of memory"):
        line.run(x)
    line.copier.fails_at = None
    expected = x
    for host in line.hosts:
        expected = nn.functional.linear(expected, host)
    assert torch.equal(line.run(x), expected)


def test_what_is_released_is_the_main_memory_s_again():
    line = Line(4)
    line.stream.release()
    assert line.copier.finished == 0
    line.run(torch.ones(1, 4))
    assert line.stream.device_bytes == 2 * 256  # aligned
    line.stream.release()
    assert (line.stream.device_bytes, line.there(), line.copier.finished) == (0, [], 1)
    assert line.stream.host_bytes == 4 * 64
    line.run(torch.ones(1, 4))


def test_with_a_slot_for_each_all_come_at_once_and_stay():
    line = Line(5, n_slots=5)
    walk = line.stream.walk(line.layers)
    next(walk)
    assert line.there() == [0, 1, 2, 3, 4]
    list(walk)
    line.run(torch.ones(1, 4))
    assert line.copied() == [0, 1, 2, 3, 4]


def test_a_whole_model_is_present_for_a_while():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 3, 1)).to(memory_format=torch.channels_last)
    model.requires_grad_(requires_grad=False)
    hosts = dict(model.named_parameters())
    weights = [Weight(owner, leaf, getattr(owner, leaf)) for owner in model for leaf in ("weight", "bias")]
    stream = WeightStream([[(model, Unit(tuple(weights)))]], CPU, n_slots=1)
    x = torch.randn(1, 3, 8, 8)
    expected = model(x)
    with contextlib.suppress(KeyError), stream.present(model):
        assert all(value is not hosts[name] for name, value in model.named_parameters())
        assert [value.stride() for value in model.parameters()] == [value.stride() for value in hosts.values()]
        assert torch.equal(model(x), expected)
        raise KeyError("in the middle")
    assert all(value is hosts[name] for name, value in model.named_parameters())
    assert stream.device_bytes == 0


def test_inside_and_outside_of_inference_mode():
    line = Line(3)
    x = torch.randn(1, 4)
    with torch.inference_mode():
        expected = line.run(x)
    assert torch.equal(line.run(x.clone()), expected)
