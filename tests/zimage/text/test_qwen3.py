"""Our Qwen3 is transformers' one, without what Z-Image does not read."""

import os
import subprocess
import sys

import pytest
import torch
from zimage.config import TextEncoderConfig
from zimage.text.qwen3 import Qwen3Encoder

SIZES = {
    "vocab_size": 50, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 4, "num_attention_heads": 6,
    "num_key_value_heads": 2, "head_dim": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def both():
    """A model of transformers with grouped keys, and ours with the same weights."""
    from transformers import Qwen3Config, Qwen3Model

    torch.manual_seed(0)
    config = Qwen3Config(**SIZES, rope_parameters={"rope_type": "default", "rope_theta": 1e6})
    peer = Qwen3Model(config).eval().requires_grad_(False)
    for name, parameter in peer.named_parameters():
        if "norm" in name:
            parameter.uniform_(0.5, 1.5)
        else:
            parameter.normal_(std=0.3)
    ours = Qwen3Encoder(TextEncoderConfig.from_published(config.to_dict())).eval().requires_grad_(False)
    last = f"layers.{SIZES['num_hidden_layers'] - 1}."
    ours.load_state_dict({n: v for n, v in peer.state_dict().items() if n != "norm.weight" and not n.startswith(last)})
    return peer, ours


@pytest.mark.parametrize("length", [1, 7, 512])
def test_features_are_the_second_last_hidden_states(both, length):
    peer, ours = both
    ids = torch.randint(SIZES["vocab_size"], (2, length), generator=torch.Generator().manual_seed(length))
    expected = peer(ids, output_hidden_states=True).hidden_states[-2]
    torch.testing.assert_close(ours(ids), expected, atol=1e-4, rtol=1e-4)


def test_it_computes_in_another_dtype_than_that_of_its_weights(both):
    exact = both[1]
    model = Qwen3Encoder(exact.config).eval().requires_grad_(False).bfloat16()
    model.load_state_dict(exact.state_dict())
    rounded = Qwen3Encoder(exact.config).eval().requires_grad_(False)
    rounded.load_state_dict({name: value.float() for name, value in model.state_dict().items()})
    model.set_compute_dtype(torch.float32)
    ids = torch.arange(9)[None]
    torch.testing.assert_close(model(ids), rounded(ids), atol=1e-5, rtol=1e-5)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_an_empty_model_is_built_without_torchs_compiler(repository_root):
    """To draw values normally on the meta device torch imports it, which takes longer than all else of a load."""
    script = """
import sys, torch
from pathlib import Path
from zimage.config import TextEncoderConfig
from zimage.text.qwen3 import Qwen3Encoder
with torch.device("meta"):
    Qwen3Encoder(TextEncoderConfig.from_file(Path(sys.argv[1])))
assert "torch._dynamo" not in sys.modules
"""
    config = repository_root / "Z-Image" / "ckpts" / "zimage-nano" / "text_encoder" / "config.json"
    environ = os.environ | {"PYTHONPATH": str(repository_root / "Z-Image" / "src")}
    done = subprocess.run(
        [sys.executable, "-c", script, str(config)], env=environ, capture_output=True, timeout=120, check=False
    )
    assert not done.returncode, done.stderr.decode()
