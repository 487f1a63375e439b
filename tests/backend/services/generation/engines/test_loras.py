"""LoRAs of a recipe: the same tests over both engines, and the same pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.models.recipe import LoraUse
from backend.services.errors import InputUnusable
from backend.services.generation.engines.auto import AutoEngine
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.events import Step
from backend.services.generation.inputs import Inputs
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.library.files import ModelFiles
from backend.services.lora_errors import LoraUnusable
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, never
from tests.backend.services.library.weight_files import touch_again
from tests.zimage.lora_files import DIALECTS, Written, patched, save

KINDS = [DiffusersEngine, NativeEngine]
SOME = ("PEFT", "kohya", "musubi for ComfyUI", "Anime-Z", "LyCORIS LoHa", "LoKr of qkv", "PEFT DoRA", "differences")
"""Dialects of every kind of change."""


@pytest.fixture(scope="module", params=KINDS)
def kind(request) -> Any:
    return request.param


@pytest.fixture(scope="module")
def loaded(kind: Any, tiny_model: Path) -> Any:
    engine = kind()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return engine


def weights_of(model: Path) -> dict[str, torch.Tensor]:
    [file] = (model / "transformer").glob("*.safetensors")
    return {name: value.float() for name, value in load_file(file).items()}


@pytest.fixture(scope="module")
def weights(tiny_model: Path) -> dict[str, torch.Tensor]:
    return weights_of(tiny_model)


@pytest.fixture
def style(weights, tmp_path: Path) -> Path:
    return written_to(tmp_path / "secret" / "style.safetensors", DIALECTS["kohya, all layers"](weights))


def written_to(path: Path, written: Written) -> Path:
    path.parent.mkdir(exist_ok=True)
    return save(path, written)


def draw(engine: Any, *files: Path, steps: int = 4, **values: Any) -> np.ndarray:
    uses = [LoraUse(**{"name": file.stem, **values}) for file in files]
    return draw_uses(engine, uses, {file.stem: file for file in files}, steps)


def draw_uses(engine: Any, uses: list[LoraUse], files: dict[str, Path], steps: int = 4, **more: Any) -> np.ndarray:
    recipe = a_recipe(seed=1, num_inference_steps=steps, loras=tuple(uses) or None, **more)
    image = engine.generate(recipe, lambda _event: None, never, Inputs(lora_files=files))
    return np.asarray(image).astype(int)


def patched_engine(kind: Any, tiny_model: Path, folder: Path, written: Written, strength: float) -> Any:
    model = Path(shutil.copytree(tiny_model, folder / f"patched {strength}"))
    [file] = (model / "transformer").glob("*.safetensors")
    values = patched(weights_of(model), written.changes, strength)
    save_file({name: value.contiguous() for name, value in values.items()}, file, {"format": "pt"})
    engine = kind()
    engine.load(ModelFiles.of_folder(model), PLAN)
    return engine


@pytest.mark.parametrize("dialect", SOME)
def test_the_picture_is_that_of_patched_weights(kind, loaded, tiny_model, weights, tmp_path, dialect):
    written = DIALECTS[dialect](weights)
    plain = draw(loaded)
    given = draw(loaded, written_to(tmp_path / "x.safetensors", written), strength=0.8)
    wanted = draw(patched_engine(kind, tiny_model, tmp_path, written, 0.8))
    assert np.abs(wanted - plain).max() > 8
    assert np.abs(given - wanted).max() <= 1
    assert np.array_equal(draw(loaded), plain)


@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_both_engines_draw_the_same(tiny_model, weights, tmp_path, guidance):
    files = {
        name: written_to(tmp_path / f"{index}.safetensors", DIALECTS[name](weights)) for index, name in enumerate(SOME)
    }
    uses = [
        LoraUse(name="PEFT", strength=0.6, end=0.5),
        LoraUse(name="PEFT DoRA", strength=-0.4, start=0.25),
        LoraUse(name="differences", strength=0.7, start=0.5),
        LoraUse(name="LyCORIS LoHa", strength=0.5),
    ]
    pictures = []
    for kind in KINDS:
        engine = kind()
        engine.load(ModelFiles.of_folder(tiny_model), PLAN)
        pictures.append(draw_uses(engine, uses, files, 9, guidance_scale=guidance))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_strength_0_is_none_and_what_is_taken_away_is_gone(loaded, style):
    plain = draw(loaded)
    assert np.array_equal(draw(loaded, style, strength=0), plain)
    assert np.abs(draw(loaded, style, strength=1) - plain).max() > 8
    assert np.array_equal(draw(loaded), plain)


def test_steps_outside_a_span_are_the_models_own(loaded, style):
    plain, whole = draw(loaded), draw(loaded, style)
    halves = [draw(loaded, style, steps=5, end=0.5), draw(loaded, style, steps=5, start=0.5)]
    assert not np.array_equal(*halves)
    assert not any(np.array_equal(half, other) for half in halves for other in (plain, whole))
    assert np.array_equal(draw(loaded), plain)


def test_a_span_without_a_step_is_refused(loaded, style):
    with pytest.raises(LoraUnusable, match=r"style from 0\.4 to 0\.5 of 3 steps acts at none"):
        draw(loaded, style, start=0.4, end=0.5)
    assert draw(loaded).std() > 0


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from zimage.adapters.lora import Lora

    names: list[str] = []
    load = Lora.load.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Lora, "load", classmethod(lambda own, path, *rest: (names.append(path.stem), load(own, path, *rest))[1])
    )
    return names


def test_a_file_is_read_once_whatever_its_strength(kind, tiny_model, style, tmp_path, loads):
    engine = kind()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    other = Path(shutil.copy(style, tmp_path / "other.safetensors"))
    for values in ({}, {"strength": 0.5}, {"strength": -1.0, "end": 0.5}, {"strength": 0.0}):
        draw(engine, style, **values)
    draw(engine)
    draw(engine, other, style)
    draw(engine, style)
    assert loads == ["style", "other"]
    touch_again(style)
    draw(engine, style)
    assert loads == ["style", "other", "style"]
    assert len(engine._loras._loras) == 2
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert engine._loras._loras == {}
    draw(engine, style)
    assert len(loads) == 4


def test_the_order_does_not_matter(loaded, style, weights, tmp_path):
    other = written_to(tmp_path / "other.safetensors", DIALECTS["LyCORIS LoKr"](weights))
    assert np.array_equal(draw(loaded, style, other, strength=0.5), draw(loaded, other, style, strength=0.5))


def test_a_cancel_leaves_the_model_as_it_was(loaded, style):
    plain = draw(loaded)
    recipe = a_recipe(seed=1, num_inference_steps=4, loras=(LoraUse(name="style", end=0.9),))
    events: list[Any] = []
    inputs = Inputs(lora_files={"style": style})
    assert loaded.generate(recipe, events.append, lambda: events[-1:] == [Step(1, 3)], inputs) is None
    assert np.array_equal(draw(loaded), plain)


def test_damaged_files_are_told_without_their_folder(loaded, style):
    style.write_bytes(style.read_bytes()[:-10])
    with pytest.raises(LoraUnusable, match=r"The LoRA style cannot be used: .*truncated") as caught:
        draw(loaded, style)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None  # which the log would show with all its lines
    style.unlink()
    with pytest.raises(LoraUnusable, match="cannot be read"):
        draw(loaded, style)
    with pytest.raises(InputUnusable, match="style is not here"):
        draw_uses(loaded, [LoraUse(name="style")], {})
    assert draw(loaded).std() > 0


def test_a_lora_of_another_model_is_refused_with_what_it_seems_to_be_for(loaded, tmp_path):
    keys = (
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight",
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight",
    )
    file = save(tmp_path / "flux.safetensors", {key: np.ones((4, 4)) for key in keys})
    with pytest.raises(LoraUnusable, match=r"none of its 1 modules.*double_blocks.*Flux"):
        draw(loaded, file)


@pytest.mark.parametrize(
    "plan", [LoadPlan("cpu", "float32", "model"), LoadPlan("cpu", "float32", "sequential", resident_blocks=1)], ids=str
)
def test_what_is_streamed_is_bit_for_bit_the_same(tiny_model, style, plan):
    pictures = []
    for chosen in (PLAN, plan):
        engine = NativeEngine()
        engine.load(ModelFiles.of_folder(tiny_model), chosen)
        pictures.append(draw(engine, style, end=0.7))
    assert np.array_equal(*pictures)


@pytest.mark.parametrize("quantization", ["int8", "fp8"])
def test_quantised_weights_take_them(tiny_model, style, quantization):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", "float32", quantization=quantization))
    plain = draw(engine)
    assert np.abs(draw(engine, style) - plain).max() > 8
    assert np.array_equal(draw(engine), plain)


def test_the_automatic_choice_passes_them_on(tiny_model, style, loaded):
    auto = AutoEngine(NativeEngine(), DiffusersEngine())
    auto.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert np.abs(draw(auto, style) - draw(loaded, style)).max() <= 1
