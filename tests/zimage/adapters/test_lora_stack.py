"""LoRAs that act together, at some steps, beside weights of every format, streamed ones, ControlNets and fused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from zimage.adapters.lora import ActiveLora, Lora
from zimage.adapters.lora_stack import LoraStack
from zimage.config import TransformerConfig
from zimage.errors import ConfigError, LoraError
from zimage.quant.blocks import BLOCK_TYPES
from zimage.quant.layouts import rotate_groups
from zimage.quant.linear import BlockLinear, QuantLinear
from zimage.quant.packing import FORMATS, INT8, Packed, quantize_rows
from zimage.quant.products import DECODE
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.lora_files import DIALECTS, Written, attentions, factors, in_layers, noise, save, with_biases
from tests.zimage.peers import TINY, TOLERANCE, both_transformers, largest_difference
from tests.zimage.quantized_files import random_blocks

NAMES = ("kohya, all layers", "LyCORIS LoKr", "LyCORIS LoHa", "PEFT DoRA", "differences", "musubi for ComfyUI")
CPU = torch.device("cpu")
STRENGTHS = st.floats(-2, 2).filter(lambda value: value == 0 or abs(value) > 1e-3)


@pytest.fixture(scope="module", autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def model() -> ZImageTransformer2DModel:
    return both_transformers(**TINY)[1]


@pytest.fixture(scope="module")
def stack(model) -> LoraStack:
    return LoraStack(model, CPU, torch.float32)


@pytest.fixture(scope="module")
def loras(model, tmp_path_factory) -> list[Lora]:
    folder = tmp_path_factory.mktemp("loras")
    weights = model.state_dict()
    files = [save(folder / f"{index}.safetensors", DIALECTS[name](weights)) for index, name in enumerate(NAMES)]
    return [Lora.load(file, model, model.config) for file in files]


@pytest.fixture(autouse=True)
def _leave_none(stack) -> Iterator[None]:
    yield
    stack.set([])


def drawn(model: nn.Module, dtype: torch.dtype = torch.float32) -> Tensor:
    x = [torch.from_numpy(noise("x", 16, 1, 8, 8)).to(dtype)]
    caption = [torch.from_numpy(noise("caption", 20, 24)).to(dtype)]
    output: Tensor = model(x, torch.tensor([0.3], dtype=dtype), caption)[0][0]
    return output


def acting(stack: LoraStack, *active: ActiveLora) -> Tensor:
    stack.set(active)
    return drawn(stack.model)


def difference(some: Tensor, other: Tensor) -> float:
    return largest_difference([some], [other])


USES = st.lists(st.tuples(st.integers(0, len(NAMES) - 1), STRENGTHS), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(USES, st.randoms())
def test_the_order_does_not_matter_to_the_last_bit(stack, loras, uses, random):
    active = [ActiveLora(loras[index], strength) for index, strength in uses]
    first = acting(stack, *active)
    random.shuffle(active)
    assert torch.equal(acting(stack, *active), first)


@settings(max_examples=15, deadline=None)
@given(USES)
def test_what_is_taken_away_again_is_as_if_it_had_never_been(stack, model, loras, uses):
    stack.set([])
    plain = drawn(model)
    both = [ActiveLora(loras[index], sign * strength) for index, strength in uses for sign in (1, -1)]
    assert torch.equal(acting(stack, *both), plain)
    assert torch.equal(acting(stack, *(ActiveLora(loras[index], 0) for index, _ in uses)), plain)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(NAMES) - 1), STRENGTHS, STRENGTHS)
def test_strengths_of_one_add_up(stack, loras, index, some, more):
    split = acting(stack, ActiveLora(loras[index], some), ActiveLora(loras[index], more))
    assert torch.equal(split, acting(stack, ActiveLora(loras[index], some + more)))


@pytest.mark.parametrize("index", range(len(NAMES)))
def test_two_of_one_file_are_one_of_twice_the_strength(stack, model, loras, index):
    again = Lora.load(loras[index].path, model, model.config)
    twice = acting(stack, ActiveLora(loras[index], 0.4), ActiveLora(again, 0.4))
    assert difference(twice, acting(stack, ActiveLora(loras[index], 0.8))) <= TOLERANCE


def test_several_change_the_layer_that_is_there_and_not_each_other(stack, model, loras):
    """Of one linear layer, whose output must be the sum: DoRA weighs the base weight alone."""
    layer = model.layers[0].feed_forward.w1
    x = torch.from_numpy(noise("tokens", 5, 64)).float()
    stack.set([])
    plain = layer(x)
    added = []
    for lora in loras[:4]:
        stack.set([ActiveLora(lora, 0.5)])
        added.append(layer(x) - plain)
    stack.set([ActiveLora(lora, 0.5) for lora in loras[:4]])
    assert all(float(one.abs().max()) > 0.01 for one in added)
    assert difference(layer(x), plain + sum(added)) <= TOLERANCE


def test_nothing_is_put_beside_the_model_at_strength_0(stack, model, loras):
    stack.set([ActiveLora(lora, 0.0) for lora in loras])
    assert all(getattr(module, "side", None) is None for module in model.modules())
    stack.set([ActiveLora(loras[0], 0.5), ActiveLora(loras[0], -0.5)])
    assert all(getattr(module, "side", None) is None for module in model.modules())


def test_what_does_not_act_leaves_the_device(stack, loras):
    stack.set([ActiveLora(loras[0]), ActiveLora(loras[1], 0)])
    assert loras[0]._placed is not None
    assert loras[1]._placed is None
    stack.set([ActiveLora(loras[1])])
    assert loras[0]._placed is None
    assert loras[1]._placed is not None


def test_a_span_acts_at_whole_steps_between_its_ends(stack, model, loras):
    stack.set([])
    plain = drawn(model)
    whole = acting(stack, ActiveLora(loras[0]))
    for start, end, expected in ((0, 0.5, {0, 1}), (0.5, 1, {2, 3}), (0.2, 0.8, {1, 2}), (0, 1, {0, 1, 2, 3})):
        stack.set([ActiveLora(loras[0], 1.0, start, end)])
        seen = set()
        for step in range(4):
            stack.enter(step, 4)
            given_now = drawn(model)
            assert torch.equal(given_now, whole) or torch.equal(given_now, plain)
            seen |= {step} if torch.equal(given_now, whole) else set()
        assert seen == expected
        stack.rest()
        assert torch.equal(drawn(model), whole if (start, end) == (0, 1) else plain)


def test_a_span_without_a_step_is_refused(stack, loras):
    stack.set([ActiveLora(loras[0], 1.0, 0.2, 0.4), ActiveLora(loras[1], 0.0, 0.2, 0.4)])
    with pytest.raises(LoraError, match=r"0 from 0\.2 to 0\.4 of 3 steps acts at none"):
        stack.require_steps(3)
    stack.require_steps(10)


def test_one_of_another_transformer_is_refused(stack, loras):
    other = ZImageTransformer2DModel(**TINY)
    with pytest.raises(LoraError, match="another transformer"):
        LoraStack(other, CPU, torch.float32).set([ActiveLora(loras[0])])


@pytest.mark.parametrize("place", ["lora_kinds.LowRank.to", "lora_stack.SidePath", "lora_stack.LoraStack._biases"])
def test_what_fails_half_way_leaves_the_model_as_it_was(stack, model, loras, monkeypatch, place):
    plain = drawn(model)
    stack.set([ActiveLora(loras[4])])

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(f"zimage.adapters.{place}", fail)
        with pytest.raises(MemoryError):
            stack.set([ActiveLora(loras[0]), ActiveLora(loras[5])])
    assert torch.equal(drawn(model), plain)
    assert stack.active == ()
    assert all(lora._placed is None for lora in loras)
    assert difference(acting(stack, ActiveLora(loras[0])), plain) > 0.02


def test_biases_of_factors_are_scaled_as_they_are(stack, model, tmp_path):
    written = with_biases(model.state_dict())
    lora = Lora.load(save(tmp_path / "biased.safetensors", written), model, model.config)
    x = torch.from_numpy(noise("tokens", 5, 64)).float()
    stack.set([])
    for name in ("layers.0.attention.to_q", "layers.1.feed_forward.w1"):
        layer = model.get_submodule(name)
        added = x.double() @ torch.from_numpy(written.changes[f"{name}.weight"]).t() + torch.from_numpy(
            written.outputs[name]
        )
        wanted = layer(x).double() + 0.5 * added
        stack.set([ActiveLora(lora, 0.5)])
        assert difference(layer(x), wanted) <= TOLERANCE
        stack.fuse()
        assert difference(layer(x), wanted) <= TOLERANCE
        stack.set([])


# Formats of weights


def quantised(layer: nn.Linear, product: str) -> nn.Module:
    bias = layer.bias
    if product in BLOCKS:
        number, block = BLOCKS[product]
        data = torch.from_numpy(random_blocks(number, layer.out_features, layer.in_features))
        return BlockLinear(data, block, bias)
    weight = layer.weight.detach()
    if product == "rotated":
        packed = quantize_rows(rotate_groups(weight, 16), INT8)
        return QuantLinear(Packed(packed.weight, packed.scale, 16), bias=bias)
    return QuantLinear(quantize_rows(weight, FORMATS[product]), DECODE, bias)  # the quickest product rounds its inputs


BLOCKS = {"Q8_0": (8, BLOCK_TYPES[8]), "Q4_0": (2, BLOCK_TYPES[2])}


def in_format(model: ZImageTransformer2DModel, product: str) -> ZImageTransformer2DModel:
    """Returns a copy whose matrices of attentions and feed-forwards are held in a format."""
    other = copy.deepcopy(model)
    if product == "bfloat16":
        return other.bfloat16()
    if product == "bfloat16 in float32":
        other.bfloat16().set_compute_dtype(torch.float32)
        return other
    if product == "float16":
        other.half().set_compute_dtype(torch.float16)
        return other
    for name in in_layers(model.state_dict()):
        owner, _, leaf = name.rpartition(".")
        layer = other.get_submodule(name)
        if product in FORMATS or layer.in_features % 32 == 0:  # blocks and rotated groups divide the columns
            setattr(other.get_submodule(owner), leaf, quantised(layer, product))
    return other


def beside(model: nn.Module, written: Written, strength: float) -> Callable[[], None]:
    """Hooks that add strength · x · ΔWᵀ in float64 to every layer; returns what takes them away."""

    def hook_of(change: Tensor) -> Any:
        def hook(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            return (output.double() + strength * inputs[0].double() @ change.t()).to(output.dtype)

        return hook

    handles = [
        model.get_submodule(name.removesuffix(".weight")).register_forward_hook(hook_of(torch.from_numpy(change)))
        for name, change in written.changes.items()
    ]

    def remove() -> None:
        for handle in handles:
            handle.remove()

    return remove


@pytest.mark.parametrize("dialect", ["kohya, all layers", "LyCORIS LoKr", "LyCORIS LoHa", "ComfyUI"])
@pytest.mark.parametrize("product", ["int8", "fp8", "rotated", *BLOCKS, "bfloat16 in float32", "float16"])
def test_every_format_of_weights_takes_them_exactly(model, tmp_path, product, dialect):
    other = in_format(model, product)
    written = DIALECTS[dialect](model.state_dict())
    lora = Lora.load(save(tmp_path / "x.safetensors", written), other, other.config)
    before = drawn(other)
    remove = beside(other, written, 0.7)
    wanted = drawn(other)
    remove()
    given_now = acting(LoraStack(other, CPU, torch.float32), ActiveLora(lora, 0.7))
    assert difference(wanted, before) > 0.02
    assert difference(given_now, wanted) <= (1e-5 if product != "float16" else 5e-3)


@pytest.mark.parametrize("product", ["int8", "fp8", "rotated", *BLOCKS])
def test_dora_weighs_what_is_decoded(model, tmp_path, product):
    other = in_format(model, product)
    stack = LoraStack(other, CPU, torch.float32)
    weights = dict(model.state_dict())
    for name in in_layers(model.state_dict()):
        layer = other.get_submodule(name)
        if isinstance(layer, QuantLinear):
            weights[f"{name}.weight"] = layer.packed.decode()
        elif isinstance(layer, BlockLinear):
            weights[f"{name}.weight"] = layer.blocks.decode(layer.weight)
    written = DIALECTS["OneTrainer DoRA"](weights)
    lora = Lora.load(save(tmp_path / "dora.safetensors", written), other, other.config)
    remove = beside(other, written, 0.7)
    wanted = drawn(other)
    remove()
    # int8 products round tokens too, and what DoRA gains is of that product
    assert difference(acting(stack, ActiveLora(lora, 0.7)), wanted) <= (0.1 if product == "int8" else 2e-5)


def test_bfloat16_is_as_near_as_patched_weights_are(model, tmp_path):
    written = DIALECTS["kohya, all layers"](model.state_dict())
    file = save(tmp_path / "x.safetensors", written)
    plain = LoraStack(model, CPU, torch.float32)
    exact = acting(plain, ActiveLora(Lora.load(file, model, model.config)))
    plain.set([])
    other = in_format(model, "bfloat16")
    before = {name: value.clone() for name, value in other.state_dict().items()}
    stack = LoraStack(other, CPU, torch.bfloat16)
    stack.set([ActiveLora(Lora.load(file, other, other.config))])
    beside_weights = drawn(other, torch.bfloat16)
    stack.fuse()
    fused = drawn(other, torch.bfloat16)
    assert cosine(beside_weights, exact) >= cosine(fused, exact) - 2e-3 >= 0.99
    stack.set([])
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


def cosine(some: Tensor, other: Tensor) -> float:
    return float(torch.cosine_similarity(some.float().flatten(), other.float().flatten(), dim=0))


# Fused ones


@pytest.mark.parametrize("product", ["int8", "fp8", "rotated", "Q8_0", "float16"])
def test_quantised_weights_are_not_fused_into(model, tmp_path, product):
    other = in_format(model, product)
    file = save(tmp_path / "x.safetensors", DIALECTS["kohya, all layers"](model.state_dict()))
    stack = LoraStack(other, CPU, torch.float32)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    given_now = acting(stack, ActiveLora(Lora.load(file, other, other.config)))
    with pytest.raises(LoraError, match=r"is held in .*bfloat16 or float32"):
        stack.fuse()
    assert torch.equal(drawn(other), given_now)
    assert all(torch.equal(before[name], value) for name, value in other.state_dict().items())


def test_one_that_acts_at_some_steps_is_not_fused(stack, loras):
    stack.set([ActiveLora(loras[0], end=0.5)])
    with pytest.raises(ConfigError, match="some steps"):
        stack.fuse()


def test_fused_ones_are_replaced_by_setting_others(stack, model, loras):
    stack.set([])
    plain = drawn(model)
    stack.set([ActiveLora(lora, 0.3) for lora in loras])
    together = drawn(model)
    stack.fuse()
    stack.fuse()
    assert difference(drawn(model), together) <= TOLERANCE
    assert not stack.enter(1, 4)
    stack.set([])
    assert torch.equal(drawn(model), plain)


def test_what_fails_while_it_is_fused_is_undone(stack, model, loras, monkeypatch):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    together = acting(stack, ActiveLora(loras[0]))
    calls = []

    def fail_later(*arguments: Any) -> Tensor:
        calls.append(arguments)
        if len(calls) > 3:
            raise MemoryError
        return base_weight(*arguments)

    from zimage.adapters.lora_layers import base_weight

    with monkeypatch.context() as patch:
        patch.setattr("zimage.adapters.lora_stack.base_weight", fail_later)
        with pytest.raises(MemoryError):
            stack.fuse()
    assert torch.equal(drawn(model), together)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


# Compiled blocks


def test_compiled_blocks_step_aside_and_come_back(model, tmp_path):
    other = copy.deepcopy(model)
    file = save(tmp_path / "x.safetensors", DIALECTS["kohya"](model.state_dict()))
    lora = Lora.load(file, other, other.config)
    calls: list[int] = []
    for block in other.blocks():
        block._compiled_call_impl = lambda *given, block=block: (calls.append(1), block._call_impl(*given))[1]
    stack = LoraStack(other, CPU, torch.float32)
    plain = drawn(other)
    n_blocks = len(calls)
    assert n_blocks == 4
    changed = acting(stack, ActiveLora(lora))
    assert len(calls) == n_blocks
    stack.fuse()
    assert difference(drawn(other), changed) <= TOLERANCE
    assert len(calls) == 2 * n_blocks
    stack.set([])
    assert torch.equal(drawn(other), plain)
    assert len(calls) == 3 * n_blocks


# diffusers' transformer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_diffusers_transformer_takes_them_too(tmp_path, dialect):
    peer, ours = both_transformers(**TINY)
    file = save(tmp_path / "x.safetensors", DIALECTS[dialect](ours.state_dict()))
    outputs = []
    for transformer in (peer, ours):
        stack = LoraStack(transformer, CPU, torch.float32)
        stack.set([ActiveLora(Lora.load(file, transformer, TransformerConfig.from_dict(TINY)), 0.8)])
        outputs.append(drawn(transformer))
    assert difference(*outputs) <= TOLERANCE


@pytest.mark.filterwarnings("ignore")
def test_weights_that_accelerate_brings_at_each_use(tmp_path):
    from accelerate import cpu_offload

    peer, ours = both_transformers(**TINY)
    weights = {name: value.clone() for name, value in ours.state_dict().items()}
    wanted = LoraStack(ours, CPU, torch.float32)
    cpu_offload(peer, torch.device("cpu"))
    stack = LoraStack(peer, CPU, torch.float32)
    config = TransformerConfig.from_dict(TINY)
    for name in ("PEFT", "PEFT DoRA", "LyCORIS LoHa"):
        file = save(tmp_path / f"{name}.safetensors", DIALECTS[name](weights))
        stack.set([ActiveLora(Lora.load(file, peer, config), 0.8)])
        wanted.set([ActiveLora(Lora.load(file, ours, config), 0.8)])
        assert difference(drawn(peer), drawn(ours)) <= TOLERANCE
    wanted.set([])
    file = save(tmp_path / "norms.safetensors", DIALECTS["differences"](weights))
    with pytest.raises(LoraError, match="brought at each use"):
        stack.set([ActiveLora(Lora.load(file, peer, config))])
    assert difference(drawn(peer), drawn(ours)) <= TOLERANCE


def test_packed_ranks_side_by_side_are_cut_to_those_of_their_rows(model, tmp_path):
    weights = model.state_dict()
    lora = Lora.load(save(tmp_path / "x.safetensors", DIALECTS["musubi for ComfyUI"](weights)), model, model.config)
    queries = [change for change in lora.changes if change.target.module.endswith("to_k")]
    assert len(queries) == len(attentions(weights))
    assert {change.delta.down.shape for change in queries} == {factors("layers.0.attention.to_k", weights)[0].shape}


def test_a_file_is_not_needed_any_more_once_it_is_loaded(stack, model, tmp_path):
    file = Path(save(tmp_path / "x.safetensors", DIALECTS["kohya"](model.state_dict())))
    lora = Lora.load(file, model, model.config)
    file.unlink()
    assert np.isfinite(acting(stack, ActiveLora(lora)).numpy()).all()
