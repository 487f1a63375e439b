"""Prompts: the features of diffusers without its padding and its last layer, and a bounded cache."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training.nano.random_weights import make_random_nano
from zimage.errors import ConfigError, WeightsError
from zimage.text.encoder import PromptCache, PromptEncoder, load_text_model
from zimage.text.tokenizer import load_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
CPU = torch.device("cpu")
PROMPTS = ["", "x", "a red fox", "一只红色的狐狸", "狐狸" * 400]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


@pytest.fixture
def encoder(folder) -> PromptEncoder:
    model = load_text_model(folder / "text_encoder", dtype=torch.float32, device=CPU)
    return PromptEncoder(model, load_tokenizer(folder / "tokenizer"))


def test_features_equal_diffusers(folder, encoder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import ZImagePipeline

        peer = ZImagePipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    with torch.no_grad():
        expected, _ = peer.encode_prompt(list(PROMPTS), do_classifier_free_guidance=False)
    given_ = encoder.encode(PROMPTS)
    assert [feature.shape for feature in given_] == [feature.shape for feature in expected]
    assert len(given_[-1]) == 512
    for ours, theirs in zip(given_, expected, strict=True):
        assert float((ours - theirs).abs().max()) <= 1e-5


def test_the_layer_that_is_not_used_is_not_loaded(folder, encoder):
    layers = json.loads((folder / "text_encoder" / "config.json").read_text())["num_hidden_layers"]
    assert len(encoder.model.layers) == layers - 1


def test_a_prompt_is_encoded_once(encoder):
    calls = []
    encoder.model.register_forward_hook(lambda *_: calls.append(1))
    first, again, other = encoder.encode(["fox", "fox", "cat"])
    assert len(calls) == 2
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_a_caller_does_to_features_is_not_remembered(encoder):
    prompts = ["a prompt to be spoilt"]
    with torch.inference_mode():  # elsewhere torch itself forbids it
        [first] = encoder.encode(prompts)
        expected = first.clone()
        first.zero_()
        [again] = encoder.encode(prompts)
        again.zero_()
    assert torch.equal(encoder.encode(prompts)[0], expected)


def test_what_is_too_long_is_cut_and_said(encoder, caplog):
    whole = encoder.tokenize("狐狸" * 10)
    assert encoder.tokenize("狐狸" * 10, 5) == whole[:5]
    assert "cut to 5" in caplog.text


def test_names_of_a_causal_language_model_are_understood(folder, encoder, tmp_path):
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(folder / "text_encoder", tmp_path / "text_encoder"))
    [file] = other.glob("*.safetensors")
    tensors = {f"model.{name}": tensor for name, tensor in load_file(file).items()}
    save_file({**tensors, "lm_head.weight": torch.zeros(2)}, file)
    model = load_text_model(other, dtype=torch.float32, device=CPU)
    for name, tensor in encoder.model.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)


def test_a_tensor_that_is_missing_is_named(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(folder / "text_encoder", tmp_path / "text_encoder"))
    [file] = other.glob("*.safetensors")
    tensors = load_file(file)
    del tensors["embed_tokens.weight"]
    save_file(tensors, file)
    with pytest.raises(WeightsError, match=r"missing embed_tokens\.weight"):
        load_text_model(other, dtype=torch.float32, device=CPU)


def test_text_encoder_of_another_model_type_is_refused(folder, tmp_path):
    other = Path(shutil.copytree(folder / "text_encoder", tmp_path / "text_encoder"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "gpt2"}))
    with pytest.raises(ConfigError, match="gpt2"):
        load_text_model(other, dtype=torch.float32, device=CPU)


def test_the_cache_drops_what_was_not_used_for_longest():
    cache = PromptCache(max_bytes=3 * 4)
    for key in range(3):
        cache.put((key,), torch.full((1,), float(key)))
    assert cache.get((0,)) is not None
    cache.put((3,), torch.zeros(1))
    assert [cache.get((key,)) is not None for key in range(4)] == [True, False, True, True]
    cache.clear()
    assert (len(cache), cache.size_bytes) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 8)), max_size=40))
def test_the_cache_never_holds_more_than_it_may(puts):
    cache = PromptCache(max_bytes=40)
    for key, length in puts:
        cache.put((key, length), torch.zeros(length))
        assert cache.size_bytes <= 40
    assert cache.size_bytes == sum(cache.get(key).nbytes for key in list(cache._features))
