"""A language model's GGUF names, for every tensor of a Qwen3 model."""

import pytest
from transformers import Qwen3Config, Qwen3ForCausalLM
from zimage.weights.names.gguf import is_language_model, language_model_to_published
from zimage.weights.names.single_file import to_published

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def published():
    config = Qwen3Config(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=1,
        num_key_value_heads=1, head_dim=8, tie_word_embeddings=False,
    )  # fmt: skip
    return list(Qwen3ForCausalLM(config).state_dict())


def test_every_name_that_the_gguf_library_gives_is_given_back(published):
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, 2)
    stored = {}
    for name in published:
        base, _, leaf = name.rpartition(".")
        stored[f"{names.get_name(base)}.{leaf}"] = name
    assert is_language_model(stored)
    back = language_model_to_published(stored)
    assert {name: whole.removeprefix("model.") for name, whole in back.items()} == {name: name for name in back}
    assert to_published(stored) == back


def test_an_unknown_name_stays():
    assert language_model_to_published({"blk.0.attn_sinks.weight": 1}) == {"blk.0.attn_sinks.weight": 1}
