"""What only the engine of diffusers does, with tiny random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.library.files import ModelFiles
from backend.services.library.prompt_tokens import MAX_PROMPT_TOKENS
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, pixels


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> DiffusersEngine:
    engine = DiffusersEngine()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return engine


def test_the_prompt_is_encoded_without_its_padding_to_the_same_picture(loaded, monkeypatch):
    lengths: list[int] = []
    encode = loaded._pipeline.text_encoder.forward

    def note(*args: Any, **kwargs: Any) -> Any:
        lengths.append(kwargs["input_ids"].shape[1])
        return encode(*args, **kwargs)

    monkeypatch.setattr(loaded._pipeline.text_encoder, "forward", note)
    short = pixels(loaded, prompt="一只红色的狐狸")
    monkeypatch.setattr("backend.services.generation.engines.diffusers._count_tokens", lambda *_: MAX_PROMPT_TOKENS)
    padded = pixels(loaded, prompt="一只红色的狐狸")

    assert lengths[0] < lengths[1] == MAX_PROMPT_TOKENS
    assert np.abs(short - padded).max() <= 1


def test_an_attention_backend_that_does_not_work_falls_back_with_a_reason(tiny_model, loaded, caplog):
    engine = DiffusersEngine(attention_backend="flash")
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)

    assert "attention backend 'flash' is not used" in caplog.text
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_an_attention_backend_that_works_is_used_silently(tiny_model, loaded, caplog):
    engine = DiffusersEngine(attention_backend="native")
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)

    assert "is not used" not in caplog.text
    assert np.abs(pixels(engine) - pixels(loaded)).max() <= 1


def test_a_compiler_that_does_not_work_falls_back_with_a_reason(tiny_model, loaded, caplog, monkeypatch):
    from diffusers import ZImageTransformer2DModel

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler\nand a long story")

    monkeypatch.setattr(ZImageTransformer2DModel, "compile_repeated_blocks", fail)
    engine = DiffusersEngine(compile_blocks=True)
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)

    assert "the transformer is not compiled: no compiler" in caplog.text
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_a_cancel_before_the_first_forward_leaves_no_hook(loaded):
    hooks = len(loaded._pipeline.transformer._forward_pre_hooks)

    assert loaded.generate(a_recipe(), lambda _: None, lambda: True) is None
    assert len(loaded._pipeline.transformer._forward_pre_hooks) == hooks
