"""Controls of a recipe through the engines: the native one draws with them, diffusers refuses."""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.models.recipe import ANNOTATED, ControlUse
from backend.services.errors import ControlUnusable, InputUnusable, ModelBroken
from backend.services.generation.engines.auto import AutoEngine
from backend.services.generation.engines.controls import ControlInput
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.inputs import Inputs
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.library.files import ModelFiles
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, never
from tests.backend.services.library.weight_files import save_control, touch_again

DIGEST = "0" * 64
AWAY = (LoadPlan("cpu", "float32", "model"), LoadPlan("cpu", "float32", "sequential", resident_blocks=1))


@pytest.fixture
def engine(tiny_model: Path) -> NativeEngine:
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return engine


@pytest.fixture
def file(tiny_model: Path, tmp_path: Path) -> Path:
    return save_control(tiny_model, tmp_path / "secret" / "union.safetensors")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    from zimage import ZImagePipeline

    paths: list[Path] = []
    load = ZImagePipeline.load_controlnet
    monkeypatch.setattr(ZImagePipeline, "load_controlnet", lambda own, path: (paths.append(path), load(own, path))[1])
    return paths


def photo() -> Image.Image:
    image = Image.new("RGBA", (300, 200), "olive")
    ImageDraw.Draw(image).ellipse((60, 40, 240, 160), fill="orange")
    return image


def control(file: Path, **values: Any) -> ControlInput:
    facts = {"image": DIGEST, "kind": "canny", "model": "union.safetensors", **values}
    return ControlInput(ControlUse.model_validate(facts), file, photo())


def draw(engine: Any, *controls: ControlInput, made: dict[int, Image.Image] | None = None) -> np.ndarray:
    recipe = a_recipe(seed=1, num_inference_steps=3, control=[one.use for one in controls] or None)
    files = {one.use.model: one.file for one in controls}
    inputs = Inputs({one.use.image: one.image for one in controls}, files, made=made or {})
    return np.asarray(engine.generate(recipe, lambda _event: None, never, inputs)).astype(int)


@pytest.mark.parametrize("kind", ["canny", "lines", "scribble", "grey", "tile", "blur", "finished"])
def test_every_kind_of_control_acts_and_0_is_none(engine, file, kind):
    plain = draw(engine)
    assert np.abs(draw(engine, control(file, kind=kind, scale=1.0)) - plain).max() > 8
    assert np.array_equal(draw(engine, control(file, kind=kind, scale=0.0)), plain)


@pytest.mark.parametrize("kind", ANNOTATED)
def test_what_a_model_has_made_is_the_control_image(engine, file, kind):
    seen = Image.radial_gradient("L").resize((300, 200)).convert("RGB")
    finished = replace(control(file, kind="finished", image="1" * 64), image=seen)
    asked = control(file, kind=kind, image="1" * 64, options={"min_score": 0.5})
    made = draw(engine, control(file), asked, made={1: seen})
    assert np.array_equal(made, draw(engine, control(file), finished))
    assert not np.array_equal(made, draw(engine, control(file)))


@pytest.mark.parametrize("kind", ANNOTATED)
def test_what_has_not_been_made_is_refused_unless_it_does_not_act(engine, file, kind):
    with pytest.raises(InputUnusable, match=f"{kind} image of a control has not been made"):
        draw(engine, control(file, kind=kind))
    assert np.array_equal(draw(engine, control(file, kind=kind, scale=0.0)), draw(engine))


@pytest.mark.parametrize(("kind", "is_on_black"), [("depth", False), ("pose", True), ("finished", True)])
def test_around_a_skeleton_it_is_black_and_depth_goes_on(file, kind, is_on_black):
    cuts: list[bool] = []
    one = replace(control(file, kind=kind), is_made=kind != "finished")
    one.cut(lambda image, black: (cuts.append(black), image)[1])
    assert cuts == [is_on_black]


@pytest.mark.parametrize("plan", AWAY, ids=lambda plan: plan.offload)
def test_it_acts_the_same_beside_a_model_that_is_partly_away(engine, tiny_model, file, plan):
    away = NativeEngine()
    away.load(ModelFiles.of_folder(tiny_model), plan)
    assert np.array_equal(draw(away, control(file)), draw(engine, control(file)))


def test_options_and_times_reach_the_control(engine, file):
    drawn = draw(engine, control(file))
    assert not np.array_equal(drawn, draw(engine, control(file, options={"low": 1, "high": 2})))
    assert not np.array_equal(drawn, draw(engine, control(file, end=0.5)))
    assert np.array_equal(drawn, draw(engine, control(file)))


def test_a_file_stays_in_memory_until_the_next_image_does_without_it(engine, file, tiny_model, tmp_path, loads):
    draw(engine, control(file), control(file, kind="grey", scale=0.3))
    draw(engine, control(file, kind="blur"))
    assert loads == [file]
    other = save_control(tiny_model, tmp_path / "other.safetensors", "v1")
    draw(engine, control(other))
    draw(engine, control(file))
    assert loads == [file, other, file]
    touch_again(file)
    draw(engine, control(file))
    assert loads == [file, other, file, file]
    draw(engine)
    assert engine._controls._nets == {}


def test_it_goes_with_the_model(engine, file, tiny_model, loads):
    draw(engine, control(file))
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert engine._controls._nets == {}
    draw(engine, control(file))
    assert loads == [file, file]
    [held] = map(weakref.ref, engine._controls._nets.values())
    engine.unload()
    assert held() is None


def test_a_damaged_file_is_told_without_its_folder_and_the_model_stays_usable(engine, file):
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ModelBroken, match=r"ControlNet union\.safetensors cannot be loaded: .*truncated") as caught:
        draw(engine, control(file))
    assert "secret" not in str(caught.value)
    assert draw(engine).std() > 0


def test_a_file_that_is_gone_is_told(engine, file):
    file.unlink()
    with pytest.raises(ModelBroken, match="cannot be read"):
        draw(engine, control(file))


def test_options_that_a_kind_has_not_are_refused(engine, file):
    with pytest.raises(ControlUnusable, match="canny takes low, high, got sigma"):
        draw(engine, control(file, options={"sigma": 1}))


def test_a_span_without_a_step_is_refused(engine, file):
    with pytest.raises(ControlUnusable, match="acts at none"):
        draw(engine, control(file, start=0.2, end=0.4))


SOURCE, MASK = "1" * 64, "2" * 64


def draw_masked(engine: Any, controls: list[ControlInput], mask: Image.Image, **values: Any) -> np.ndarray:
    recipe = a_recipe(
        seed=1, num_inference_steps=3, init_image=SOURCE, mask=MASK, control=[one.use for one in controls] or None,
        strength=1.0, **values,
    )  # fmt: skip
    size = (recipe.width, recipe.height)
    images = {
        DIGEST: photo(),
        SOURCE: photo().convert("RGB").resize(size),
        MASK: mask.resize(size, Image.Resampling.NEAREST),
    }
    inputs = Inputs(images, {one.use.model: one.file for one in controls})
    return np.asarray(engine.generate(recipe, lambda _event: None, never, inputs)).astype(int)


def half_mask() -> Image.Image:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    return mask


@pytest.mark.parametrize("mode", ["whole", "only_masked"])
def test_a_control_that_sees_the_mask_draws_otherwise_and_keeps_what_is_outside(engine, file, mode):
    mask = half_mask()
    plain = draw_masked(engine, [control(file, kind="grey")], mask, mask_mode=mode)
    seeing = draw_masked(engine, [control(file, kind="grey", inpaint=True)], mask, mask_mode=mode)
    alone = draw_masked(engine, [control(file, kind="inpaint", image=SOURCE, inpaint=True)], mask, mask_mode=mode)
    width = plain.shape[1]
    for drawn in (seeing, alone):
        assert np.abs(drawn - plain)[:, : width // 2].max() > 2
        assert np.array_equal(drawn[:, width // 2 :], plain[:, width // 2 :])
    assert not np.array_equal(seeing, alone)


def test_what_it_sees_is_the_image_around_the_mask_and_the_mask_at_latents(engine, file, monkeypatch):
    from zimage.conditions import control as library

    seen: list[dict[str, Any]] = []
    make = library.make_control
    monkeypatch.setattr(library, "make_control", lambda *args, **named: (seen.append(named), make(*args, **named))[1])
    draw_masked(engine, [control(file, kind="inpaint", image=SOURCE, inpaint=True)], half_mask())
    [named] = seen
    painted = np.asarray(named["mask"])
    assert (painted[:, : painted.shape[1] // 2] == 255).all()
    assert not painted[:, painted.shape[1] // 2 :].any()
    assert named["masked"].mode == "RGB"


@pytest.mark.parametrize("kind", ["canny", "inpaint"])
def test_one_that_is_to_see_a_mask_is_refused_where_there_is_none(engine, file, kind):
    with pytest.raises(ControlUnusable, match="is to see a mask"):
        draw(engine, control(file, kind=kind, inpaint=True))


def test_a_network_that_reads_no_mask_is_refused(engine, tiny_model, tmp_path):
    old = save_control(tiny_model, tmp_path / "v1.safetensors", "v1")
    with pytest.raises(ControlUnusable, match="reads no mask"):
        draw_masked(engine, [control(old, inpaint=True)], half_mask())


def test_diffusers_refuses_and_says_what_helps(tiny_model, file):
    engine = DiffusersEngine()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    for kind in ("canny", *ANNOTATED):
        with pytest.raises(ControlUnusable, match="ZIMAGE_ENGINE=auto or native"):
            draw(engine, control(file, kind=kind), made={0: photo()})


def test_the_automatic_choice_passes_them_on(tiny_model, file, engine):
    auto = AutoEngine(NativeEngine(), DiffusersEngine())
    auto.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert np.array_equal(draw(auto, control(file)), draw(engine, control(file)))
