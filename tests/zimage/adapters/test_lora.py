"""LoRAs in every dialect against weights to which the same was added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from zimage.adapters.lora import ActiveLora, Lora
from zimage.adapters.lora_stack import LoraStack
from zimage.errors import ConfigError
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.lora_files import DIALECTS, Written, noise, patched, save
from tests.zimage.peers import TINY, TOLERANCE, both_transformers, largest_difference


@pytest.fixture(scope="module", autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def model() -> ZImageTransformer2DModel:
    return both_transformers(**TINY)[1]


@pytest.fixture
def stack(model):
    made = stack_of(model)
    yield made
    made.set([])


def stack_of(model: nn.Module) -> LoraStack:
    return LoraStack(model, torch.device("cpu"), torch.float32)


def drawn(model: ZImageTransformer2DModel) -> list[Tensor]:
    x = [torch.from_numpy(noise("x", 16, 1, 8, 12)).float()]
    return model(x, torch.tensor([0.3]), [torch.from_numpy(noise("caption", 20, 24)).float()])[0]


def copied(model: ZImageTransformer2DModel) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def expected(weights: dict[str, Tensor], written: Written, strength: float = 1.0) -> list[Tensor]:
    other = ZImageTransformer2DModel(**TINY).eval()
    other.load_state_dict(patched(weights, written.changes, strength))
    return drawn(other)


def load(folder: Path, model: ZImageTransformer2DModel, written: Written, name: str = "lora") -> Lora:
    return Lora.load(save(folder / f"{name}.safetensors", written), model, model.config)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_the_patched_model(model, stack, tmp_path, dialect):
    weights = copied(model)
    written = DIALECTS[dialect](weights)
    lora = load(tmp_path, model, written)
    assert lora.report.unmatched == ()
    before = drawn(model)
    for strength in (1.0, -0.5):
        wanted = expected(weights, written, strength)
        assert largest_difference(wanted, before) > 0.02  # or nothing would be changed
        stack.set([ActiveLora(lora, strength)])
        assert largest_difference(drawn(model), wanted) <= TOLERANCE
    stack.set([])
    assert largest_difference(drawn(model), before) == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_fused_is_the_same_and_comes_out_bit_for_bit(model, stack, tmp_path, dialect):
    written = DIALECTS[dialect](model.state_dict())
    before = copied(model)
    stack.set([ActiveLora(load(tmp_path, model, written), 0.7)])
    stack.fuse()
    assert largest_difference(drawn(model), expected(before, written, 0.7)) <= TOLERANCE
    stack.unfuse()
    assert largest_difference(drawn(model), expected(before, written, 0.7)) <= TOLERANCE
    stack.set([])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_model_has_no_tensor_more(model, stack, tmp_path):
    before = list(model.state_dict())
    stack.set([ActiveLora(load(tmp_path, model, DIALECTS["PEFT"](model.state_dict())))])
    assert list(model.state_dict()) == before


def test_a_span_is_checked(model, tmp_path):
    lora = load(tmp_path, model, DIALECTS["PEFT"](model.state_dict()))
    for start, end in ((0.5, 0.5), (-0.1, 1), (0, 1.1), (0.6, 0.4)):
        with pytest.raises(ConfigError, match="start < end"):
            ActiveLora(lora, 1.0, start, end)
    for strength in (np.nan, np.inf):
        with pytest.raises(ConfigError, match="finite"):
            ActiveLora(lora, strength)
