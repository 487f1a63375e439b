from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from training.lora.adapter import Adapter
from training.lora.assistant import Assistant, stamp_of
from training.lora.flow import flow_loss
from training.lora.settings import Sampling
from training.lora.training import train
from zimage.errors import LoraError

pytestmark = pytest.mark.usefixtures("data")


@pytest.fixture
def helper(settings):
    """A LoRA that changes the model clearly."""
    return train(replace(settings, steps=4, lr=0.5, output=settings.output.with_name("helper")))


def test_it_acts_beside_what_learns_and_lets_gradients_through(transformer, question, helper, generator):
    alone = flow_loss(transformer, question)
    assistant = Assistant(transformer, helper)
    adapter = Adapter(transformer, "attention+mlp", 2, 2.0, generator)
    for _, path in adapter.by_name():
        path.up.data.normal_(std=0.1, generator=generator)
    with adapter.attached(transformer):
        loss = flow_loss(transformer, question)
        loss.backward()
        with adapter.off():
            assert not torch.equal(flow_loss(transformer, question), alone)
            with assistant.off():
                assert torch.equal(flow_loss(transformer, question), alone)

    assert all(bool(parameter.grad.any()) for parameter in adapter.parameters())


def test_the_result_is_trained_with_it_and_samples_are_drawn_without(settings, helper):
    sampling = Sampling(("a fox",), every=1, steps=2)
    plain = replace(settings, steps=1, lr=1e-12, sampling=sampling)
    helped = replace(plain, assistant=helper, output=settings.output.with_name("helped"))
    first, second = load_file(train(plain)), load_file(train(helped))

    assert any(not torch.equal(first[name], second[name]) for name in first)
    drawn = [(one.output / "samples" / "000001.webp").read_bytes() for one in (plain, helped)]
    assert drawn[0] == drawn[1]  # it has learned next to nothing, and the helper is off


def test_without_a_file_nothing_changes(transformer, question):
    alone = flow_loss(transformer, question)
    Assistant(transformer, None)
    assert torch.equal(flow_loss(transformer, question), alone)
    assert stamp_of(None) is None


def test_a_file_that_is_missing_is_named(transformer, tmp_path):
    with pytest.raises(LoraError, match=r"none\.safetensors"):
        Assistant(transformer, tmp_path / "none.safetensors")
