"""The text encoder's settings, as two versions of transformers write them."""

import json
from pathlib import Path

import pytest
from zimage.config import TextEncoderConfig
from zimage.errors import ConfigError

NANO = Path(__file__).parents[3] / "Z-Image" / "ckpts" / "zimage-nano" / "text_encoder" / "config.json"


@pytest.fixture
def published():
    return json.loads(NANO.read_text("utf-8"))


def test_the_embedded_model_is_read(published):
    config = TextEncoderConfig.from_file(NANO)
    assert (config.hidden_size, config.num_hidden_layers, config.rope_theta) == (256, 6, 10_000.0)
    assert config == TextEncoderConfig.from_published(published)


def test_the_older_place_of_theta_is_read(published):
    older = {key: value for key, value in published.items() if key != "rope_parameters"}
    older |= {"rope_theta": 1_000_000, "rope_scaling": None}
    assert TextEncoderConfig.from_published(older).rope_theta == 1e6


def test_the_defaults_are_those_of_turbo():
    config = TextEncoderConfig()
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (2560, 36, 151_936)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "llama"}, "model_type must be 'qwen3', got 'llama'"),
        ({"attention_bias": True}, "attention_bias must be False, got True"),
        ({"use_sliding_window": True}, "use_sliding_window must be False"),
        ({"hidden_act": "gelu"}, "hidden_act must be 'silu', got 'gelu'"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config must be None"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1.0}}, "rope_type must be 'default', got 'yarn'"),
        (
            {"rope_parameters": None, "rope_scaling": {"type": "yarn", "rope_theta": 1.0}},
            "must be 'default', got 'yarn'",
        ),
        ({"rope_parameters": [1]}, "rope_parameters must be a JSON object"),
        ({"rope_parameters": None}, "these settings are missing: rope_theta"),
        ({"num_key_value_heads": 3}, "num_key_value_heads 3 must divide num_attention_heads 4"),
        ({"head_dim": 0}, "all sizes must be positive, got head_dim 0"),
        ({"head_dim": 63}, "head_dim must be even, got 63"),
        ({"hidden_size": "256"}, "hidden_size must be of type int"),
    ],
)
def test_what_is_not_that_model_is_named(published, change, message, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(published | change), "utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        TextEncoderConfig.from_file(file)
    assert str(file) in str(caught.value)
