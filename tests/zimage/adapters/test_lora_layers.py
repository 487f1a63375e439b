"""Side paths beside single layers: of ours, of torch's, and tensors that are replaced."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from zimage.adapters.lora_kinds import Full, weigh
from zimage.adapters.lora_layers import SideLayers, SidePath, base_weight, layer_bias, stored_tensor
from zimage.errors import LoraError
from zimage.precision import Linear
from zimage.quant.blocks import BLOCK_TYPES
from zimage.quant.layouts import rotate_groups
from zimage.quant.linear import BlockLinear, Quantization, QuantLinear
from zimage.quant.packing import INT8, Packed, quantize_rows

from tests.zimage.quantized_files import random_blocks

CPU = torch.device("cpu")
OUT, IN = 32, 64


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def layers() -> dict[str, nn.Module]:
    plain, ours = nn.Linear(IN, OUT), Linear(IN, OUT)
    ours.load_state_dict(plain.state_dict())
    bias = nn.Parameter(random(OUT), requires_grad=False)
    rotated = quantize_rows(rotate_groups(random(OUT, IN), 16), INT8)
    fp8 = Quantization.choose("fp8", CPU, torch.float32)
    return {
        "torch's": plain,
        "ours": ours,
        "int8": QuantLinear(quantize_rows(random(OUT, IN), INT8), bias=bias),
        "fp8": QuantLinear(quantize_rows(random(OUT, IN), fp8.format), fp8.product, bias),
        "rotated": QuantLinear(Packed(rotated.weight, rotated.scale, 16), bias=bias),
        "blocks": BlockLinear(torch.from_numpy(random_blocks(8, OUT, IN)), BLOCK_TYPES[8], bias),
    }


class Model(nn.Module):
    """A model of one layer and one norm."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.Module()
        self.norm.weight = nn.Parameter(random(4), requires_grad=False)


@pytest.fixture(params=layers())
def model(request) -> Model:
    return Model(layers()[request.param]).requires_grad_(requires_grad=False)


def test_the_decoded_matrix_is_what_the_layer_multiplies_with(model):
    model.layer.bias = None
    product = model.layer(torch.eye(IN))  # its rows are the columns of the matrix
    assert torch.allclose(base_weight(model.layer, CPU), product.t(), atol=1e-4)


def test_what_is_beside_a_layer_is_added_once_and_taken_away(model):
    x, delta, bias = random(2, 3, IN), random(OUT, IN), random(OUT)
    plain = model.layer(x)
    sides = SideLayers(model)
    path = SidePath([(Full(delta), 0.5)], bias)
    for _ in range(2):  # a second time replaces the first
        sides.set_paths({"layer": path})
        assert torch.allclose(model.layer(x), plain + 0.5 * x @ delta.t() + bias, atol=1e-4)
    sides.set_paths({})
    assert torch.equal(model.layer(x), plain)


def test_dora_is_of_the_product_without_the_bias(model):
    x = random(2, 3, IN)
    plain, base = model.layer(x), base_weight(model.layer, CPU)
    weighted = weigh(Full(random(OUT, IN)), random(OUT).abs(), base)
    SideLayers(model).set_paths({"layer": SidePath([(weighted, 0.5)], None, layer_bias(model.layer))})
    assert torch.allclose(model.layer(x), plain + 0.5 * x @ weighted.dense(base).t(), atol=1e-3)  # type: ignore[call-arg]


def test_a_copy_of_the_model_and_its_tensors_know_nothing_of_it(model):
    names = list(model.state_dict())
    SideLayers(model).set_paths({"layer": SidePath([(Full(random(OUT, IN)), 0.5)])})
    assert list(model.state_dict()) == names
    assert list(copy.deepcopy(model).state_dict()) == names


def test_tensors_are_replaced_and_come_back_as_they_were():
    model = Model(nn.Linear(IN, OUT))
    original = model.norm.weight
    sides = SideLayers(model)
    for change in (torch.ones(4), torch.full((1, 4), 2.0)):
        sides.set_vectors({("norm", "weight"): change})
        assert torch.equal(model.norm.weight, original + change.view(4))
    sides.set_vectors({})
    assert model.norm.weight is original


def test_a_tensor_that_is_moved_meanwhile_comes_back_where_the_model_is():
    model = Model(nn.Linear(IN, OUT))
    sides = SideLayers(model)
    sides.set_vectors({("norm", "weight"): torch.ones(4)})
    model.to("meta")
    sides.set_vectors({})
    assert model.norm.weight.device.type == "meta"


def test_what_is_away_is_refused():
    model = Model(nn.Linear(IN, OUT)).to("meta")
    with pytest.raises(LoraError, match="not in memory"):
        base_weight(model.layer, CPU)
    with pytest.raises(LoraError, match="brought at each use"):
        SideLayers(model).set_vectors({("norm", "weight"): torch.ones(4)})
    assert layer_bias(nn.Linear(2, 2, bias=False)) is None
    assert stored_tensor(nn.Linear(2, 2), "weight").shape == (2, 2)
