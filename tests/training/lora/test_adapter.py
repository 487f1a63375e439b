import pytest
import torch
from gguf import GGMLQuantizationType, quants
from training.lora.adapter import Adapter, target_layers
from training.lora.errors import TrainingError
from training.lora.flow import flow_loss
from training.lora.source import ModelPaths, open_source
from zimage.quant.blocks import BLOCK_TYPES
from zimage.quant.linear import BlockLinear, QuantLinear


def disturbed(adapter, generator):
    for _, path in adapter.by_name():
        path.up.data.normal_(std=0.1, generator=generator)
    return adapter


def test_targets_are_layers_of_the_published_names(transformer):
    attention = set(target_layers(transformer, "attention"))
    default = set(target_layers(transformer, "attention+mlp"))
    every = set(target_layers(transformer, "all"))

    assert {name.rsplit("attention.", 1)[1] for name in attention} == {"to_q", "to_k", "to_v", "to_out.0"}
    assert {name.rsplit(".", 1)[1] for name in default - attention} == {"w1", "w2", "w3"}
    assert {"all_x_embedder.2-1", "all_final_layer.2-1.linear", "layers.0.adaLN_modulation.0"} <= every - default
    assert len(attention) == 4 * len(transformer.blocks())


def test_a_new_adapter_changes_nothing_and_a_trained_one_only_while_it_is_on(transformer, question, generator):
    before = flow_loss(transformer, question)
    adapter = Adapter(transformer, "all", 2, 2.0, generator)
    with adapter.attached(transformer):
        assert torch.equal(flow_loss(transformer, question), before)
        disturbed(adapter, generator)
        assert not torch.equal(flow_loss(transformer, question), before)
        with adapter.off():
            assert torch.equal(flow_loss(transformer, question), before)
    assert torch.equal(flow_loss(transformer, question), before)


def test_a_path_is_what_its_product_added_to_the_weight_would_be(transformer, question, generator):
    adapter = disturbed(Adapter(transformer, "all", 2, 6.0, generator), generator)
    with adapter.attached(transformer):
        beside = flow_loss(transformer, question)
    with torch.no_grad():
        for name, path in adapter.by_name():
            transformer.get_submodule(name).weight.add_(6.0 / 2 * path.up @ path.down)
    torch.testing.assert_close(flow_loss(transformer, question), beside, rtol=1e-4, atol=1e-5)


def test_only_the_paths_learn(transformer, question, generator):
    adapter = disturbed(Adapter(transformer, "attention+mlp", 2, 2.0, generator), generator)
    with adapter.attached(transformer):
        flow_loss(transformer, question).backward()

    assert all(parameter.grad is None for parameter in transformer.parameters())
    assert all(bool(parameter.grad.any()) for parameter in adapter.parameters())


@pytest.mark.parametrize("quantization", ["int8", "fp8"])
def test_gradients_pass_through_a_base_in_any_format(tiny, quantization, question, generator):
    held = open_source(ModelPaths(tiny), "cpu", quantization=quantization).load_transformer()
    layers = [layer for layer in held.modules() if isinstance(layer, QuantLinear)]
    adapter = disturbed(Adapter(held, "attention+mlp", 2, 2.0, generator), generator)
    with adapter.attached(held):
        flow_loss(held, question).backward()

    assert layers
    assert {layer.product.name for layer in layers} == {"decode"}
    assert all(bool(parameter.grad.any()) for parameter in adapter.parameters())


def test_gradients_pass_through_the_blocks_of_a_gguf_file(transformer, question, generator):
    for name, layer in target_layers(transformer, "attention").items():
        data = torch.from_numpy(quants.quantize(layer.weight.numpy(), GGMLQuantizationType.Q8_0))
        owner, _, leaf = name.rpartition(".")
        setattr(transformer.get_submodule(owner), leaf, BlockLinear(data, BLOCK_TYPES[int(GGMLQuantizationType.Q8_0)]))
    adapter = disturbed(Adapter(transformer, "attention", 2, 2.0, generator), generator)
    with adapter.attached(transformer):
        flow_loss(transformer, question).backward()

    assert all(bool(parameter.grad.any()) for parameter in adapter.parameters())


@pytest.mark.parametrize(
    ("targets", "rank", "said"),
    [("mlp", 2, "attention, attention\\+mlp, all"), ("all", 0, "from 1 to"), ("all", 65, "from 1 to 32")],
)
def test_what_does_not_fit_is_refused(transformer, generator, targets, rank, said):
    with pytest.raises(TrainingError, match=said):
        Adapter(transformer, targets, rank, 1.0, generator)
