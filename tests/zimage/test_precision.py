"""Weights in bfloat16, computed in float32: as exact as a float32 model of those values, and chosen by a probe."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline, precision
from zimage.errors import ConfigError
from zimage.precision import Linear, choose_compute_dtype, linear
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.peers import TINY, TOLERANCE, both_transformers, largest_difference

CPU = torch.device("cpu")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("piece", [1, 7, 24, 2**20])
def test_a_weight_cast_in_pieces_gives_what_the_whole_gives(monkeypatch, piece, with_bias):
    monkeypatch.setattr(precision, "PIECE_VALUES", piece)
    x, weight, bias = noise(2, 3, 8), noise(11, 8).bfloat16(), noise(11).bfloat16() if with_bias else None
    expected = nn.functional.linear(x, weight.float(), None if bias is None else bias.float())
    assert torch.allclose(linear(x, weight, bias), expected, atol=1e-6)


def test_a_layer_computes_in_the_precision_of_its_tokens():
    layer = Linear(4, 3).bfloat16()
    assert layer(noise(2, 4)).dtype == torch.float32
    assert layer(noise(2, 4).bfloat16()).dtype == torch.bfloat16
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}


def test_gradients_reach_weights_of_another_precision():
    layer = Linear(4, 3).bfloat16()
    layer(noise(2, 4)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.bfloat16


@torch.no_grad()
def test_a_transformer_equals_the_float32_one_with_its_rounded_weights():
    rounded, model = both_transformers(**TINY)
    model.bfloat16().set_compute_dtype(torch.float32)
    rounded.load_state_dict({name: value.float() for name, value in model.state_dict().items()})
    x, t, caption = [noise(16, 1, 8, 6), noise(16, 1, 4, 4)], torch.tensor([0.3, 0.8]), [noise(20, 24), noise(40, 24)]
    given, expected = model(x, t, caption)[0], rounded(x, t, caption, return_dict=False)[0]
    assert given[0].dtype == torch.float32
    assert largest_difference(given, expected) <= TOLERANCE
    emulated = model_in_bfloat16(model)([one.bfloat16() for one in x], t, caption)[0]
    for one, other in zip(given, emulated, strict=True):
        assert torch.cosine_similarity(one.flatten(), other.float().flatten(), dim=0) >= 0.999


def model_in_bfloat16(model: ZImageTransformer2DModel) -> ZImageTransformer2DModel:
    model.set_compute_dtype(None)
    return model


def test_requested_compute_dtype_is_taken():
    assert choose_compute_dtype(torch.bfloat16, CPU, "float32") == torch.float32
    assert choose_compute_dtype(torch.bfloat16, CPU, "native") == torch.bfloat16
    with pytest.raises(ConfigError, match="auto, native, float32"):
        choose_compute_dtype(torch.bfloat16, CPU, "float64")


@pytest.mark.parametrize("requested", ["auto", "native", "float32"])
def test_only_bfloat16_on_a_processor_is_ever_changed(requested):
    assert choose_compute_dtype(torch.float32, CPU, requested) == torch.float32
    assert choose_compute_dtype(torch.bfloat16, torch.device("cuda"), requested) == torch.bfloat16


@pytest.mark.parametrize(
    ("stored_s", "wide_s", "expected"),
    [(10.0, 1.0, torch.float32), (1.2, 1.0, torch.bfloat16), (0.1, 1.0, torch.bfloat16)],
    ids=["emulated", "about as fast", "native"],
)
def test_the_probe_decides_by_speed(monkeypatch, stored_s, wide_s, expected):
    times = iter([stored_s, wide_s])
    monkeypatch.setattr(precision, "quickest_s", lambda work: work() is None or next(times))
    assert choose_compute_dtype(torch.bfloat16, CPU, "auto") == expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


def test_a_pipeline_computes_in_float32_from_weights_in_bfloat16(folder, monkeypatch, caplog):
    monkeypatch.setenv("ZIMAGE_PRODUCTS", "float32")
    with caplog.at_level(logging.INFO):
        pipeline = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.bfloat16)
    assert "computed in torch.float32" in caplog.text
    assert pipeline.transformer.dtype == torch.bfloat16
    assert next(pipeline.text_encoder.model.parameters()).dtype == torch.bfloat16
    [features] = pipeline.text_encoder.encode(["a red fox"])
    assert features.dtype == torch.float32
    exact = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.float32)
    assert torch.cosine_similarity(features.flatten(), exact.text_encoder.encode(["a red fox"])[0].flatten(), 0) > 0.999
    pictures = [
        one("a red fox", height=64, width=64, num_inference_steps=3, output_type="np",
            generator=torch.Generator().manual_seed(0)).images
        for one in (pipeline, exact)
    ]  # fmt: skip
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.02
