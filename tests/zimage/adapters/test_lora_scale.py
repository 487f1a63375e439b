"""Alphas that PEFT's configuration has, where modules have none."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from zimage.adapters.lora import Lora
from zimage.adapters.lora_scale import REMARK, Scaling
from zimage.errors import LoraError

from tests.zimage.lora_files import DIALECTS, RANK, save
from tests.zimage.peers import TINY, both_transformers


def said(**values: Any) -> dict[str, str]:
    return {REMARK: json.dumps({f"transformer.{name}": value for name, value in values.items()})}


def test_without_a_configuration_the_scale_is_1():
    assert Scaling.of({}).without_alpha("layers.0.attention.to_q", 4) == 1
    assert Scaling.of(said(r=4)).without_alpha("layers.0.attention.to_q", 4) == 1


def test_alpha_counts_with_the_rank_of_the_module():
    scaling = Scaling.of(said(r=8, lora_alpha=16, use_rslora=False))
    assert scaling.without_alpha("x", 8) == 2
    assert scaling.without_alpha("x", 4) == 4
    assert Scaling.of(said(lora_alpha=16, use_rslora=True)).without_alpha("x", 16) == 4
    assert Scaling.of({REMARK: '{"lora_alpha": 4}'}).without_alpha("x", 8) == 0.5


def test_modules_may_have_their_own():
    scaling = Scaling.of(said(lora_alpha=8, alpha_pattern={"layers.0.attention.to_q": 16, "w1": 4}))
    assert scaling.without_alpha("transformer.layers.0.attention.to_q", 8) == 2
    assert scaling.without_alpha("transformer.layers.10.attention.to_q", 8) == 1
    assert scaling.without_alpha("layers.3.feed_forward.w1", 8) == 0.5


@pytest.mark.parametrize(
    "remark", ["{", "[1]", "[" * 100_000, '{"lora_alpha": "8"}', '{"lora_alpha": NaN}', '{"lora_alpha": true}',
               '{"alpha_pattern": [1]}', '{"alpha_pattern": {"x": null}}'],
)  # fmt: skip
def test_a_configuration_that_makes_no_sense_is_refused(remark):
    with pytest.raises(LoraError, match=REMARK):
        Scaling.of({REMARK: remark})


def test_files_are_read_with_it(tmp_path):
    model = both_transformers(**TINY)[1]
    written = DIALECTS["PEFT"](model.state_dict())
    plain = Lora.load(save(tmp_path / "plain.safetensors", written), model, model.config)
    file = save(tmp_path / "scaled.safetensors", written, said(lora_alpha=2 * RANK))
    scaled = Lora.load(file, model, model.config)
    for some, other in zip(plain.changes, scaled.changes, strict=True):
        assert torch.allclose(2 * some.delta.dense(), other.delta.dense())
