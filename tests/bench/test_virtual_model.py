"""A model of windows of one file: it loads as real files do, draws something, and takes little of a disk."""

from __future__ import annotations

import pytest
import torch
from zimage.quant.linear import QuantLinear
from zimage.residency.levels import Residency

from backend.services.generation.planning.model_facts import facts_of
from bench.random_model import tiny
from bench.virtual_model import build_virtual_model


def draw(pipeline):
    asked = {"height": 64, "width": 64, "num_inference_steps": 3, "output_type": "pt"}
    return pipeline("a red fox", generator=torch.Generator().manual_seed(1), **asked).images


@pytest.mark.parametrize("stored", [None, "int8", "fp8"])
def test_it_loads_and_draws(tmp_path, stored):
    model = build_virtual_model(tiny(), tmp_path / "values", stored)
    pipeline = model.open("cpu", torch.float32, quantization=stored)
    assert draw(pipeline).std() > 0
    layer = pipeline.transformer.layers[0].feed_forward.w1
    assert isinstance(layer, QuantLinear) == (stored is not None)
    facts = facts_of(model.files)
    formats = {None: "BF16", "int8": "int8_tensorwise", "fp8": "float8_e4m3fn_rowwise"}
    assert model.files.transformer.tensors["layers.0.feed_forward.w1.weight"].format == formats[stored]
    assert facts.n_blocks == 4
    values = sum(weight.numel() for weight in pipeline.text_encoder.model.parameters())
    assert facts.text_encoder_values >= values if stored else facts.text_encoder_values == values


def test_its_values_have_the_deviation_of_a_trained_model(tmp_path):
    plain, int8 = (build_virtual_model(tiny(), tmp_path / "values", stored) for stored in (None, "int8"))
    name = "layers.0.feed_forward.w1.weight"
    for model in (plain, int8):
        matrix = model.files.transformer.tensors[name].read(torch.float32)
        assert matrix.std().item() == pytest.approx(matrix.shape[1] ** -0.5, rel=0.1)
    norm = plain.files.transformer.tensors["layers.0.ffn_norm1.weight"].read()
    assert norm.eq(1).all()


def test_the_same_file_serves_every_format_and_residency(tmp_path):
    file = tmp_path / "values"
    whole = draw(build_virtual_model(tiny(), file).open("cpu", torch.float32))
    size = file.stat().st_size
    away = Residency(resident_blocks=0, text_encoder="out", vae="out")
    assert torch.equal(draw(build_virtual_model(tiny(), file).open("cpu", torch.float32, residency=away)), whole)
    assert file.stat().st_size == size
