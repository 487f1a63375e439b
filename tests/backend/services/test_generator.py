from __future__ import annotations

import contextlib

import pytest
from PIL import Image

from backend.models.recipe import Recipe
from backend.services.errors import (
    BlankPicture,
    DeviceFault,
    InputUnusable,
    ModelBroken,
    OutOfMemory,
    UnknownModel,
)
from backend.services.generation.events import Drawn, JobEvent, Loaded, Loading, Step
from backend.services.generation.inputs import Inputs
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.generator import ImageGenerator
from backend.services.library.catalogue import Catalogue
from backend.services.library.files import ModelFiles
from tests.backend.fakes import a_job, make_model_folder, make_planner, with_cards
from tests.backend.services.library.weight_files import touch_again


@pytest.fixture
def make(settings, engine):
    def make(device: str = "cpu") -> ImageGenerator:
        return ImageGenerator(Catalogue(settings), engine, make_planner(settings, with_cards), device)

    return make


def draw(generator: ImageGenerator, job: Job | None = None) -> tuple[Drawn, list[JobEvent]]:
    events: list[JobEvent] = []
    generator.generate(job or a_job(), events.append, lambda: False)
    assert isinstance(events[-1], Drawn)
    return events[-1], events


def test_nothing_is_loaded_until_it_is_needed_and_then_once(make, engine):
    generator = make()
    assert (generator.loaded_model, engine.loads) == (None, [])

    draw(generator)
    draw(generator, a_job("another", width=512))

    assert generator.loaded_model == "zimage-nano"
    assert len(engine.loads) == 1


def test_the_engine_gets_the_recipe_as_it_is(make, engine, settings):
    job = a_job("狐狸", width=512, num_inference_steps=5, seed=3)
    drawn, _ = draw(make(), job)

    assert engine.requests == [job.recipe]
    assert engine.loads == [
        (ModelFiles.of_folder(settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano"), LoadPlan("cpu", "float32"))
    ]
    assert (drawn.recipe, drawn.device, drawn.use_gpu) == (job.recipe, "cpu", False)
    assert drawn.image.size == (512, 256)


def test_the_engine_gets_the_images_that_the_recipe_names(settings, engine):
    inputs, asked = Inputs({"0" * 64: Image.new("RGB", (4, 4))}), []
    generator = ImageGenerator(
        Catalogue(settings), engine, make_planner(settings, with_cards),
        read_inputs=lambda recipe: (asked.append(recipe), inputs)[1],
    )  # fmt: skip
    job = a_job(init_image="0" * 64, num_images=2)
    draw(generator, job)
    assert engine.inputs == [inputs, inputs]
    assert asked == [job.recipe]  # once for all images


def test_images_that_are_gone_end_the_job_before_a_model_is_loaded(settings, engine):
    def read(_recipe: Recipe) -> Inputs:
        raise InputUnusable("gone")

    generator = ImageGenerator(Catalogue(settings), engine, make_planner(settings, with_cards), read_inputs=read)
    with pytest.raises(InputUnusable):
        draw(generator, a_job(init_image="0" * 64))
    assert not engine.loads


def test_an_edit_may_be_black(make, monkeypatch):
    monkeypatch.setattr("tests.backend.fakes.colour_of", lambda *_: Image.new("RGB", (8, 8)))
    assert draw(make(), a_job(init_image="0" * 64))[0].image.getbbox() is None


def test_events_come_phase_by_phase(make):
    generator = make()
    drawn, events = draw(generator, a_job(num_inference_steps=4))
    steps = [Step(done, 3) for done in range(4)]
    assert events == [Loading("zimage-nano"), Loaded("cpu"), *steps, drawn]
    drawn, events = draw(generator, a_job(num_inference_steps=4))
    assert events == [Loaded("cpu"), *steps, drawn]


def test_several_images_are_drawn_one_after_the_other(make):
    _, events = draw(make(), a_job(num_images=3, seed=7))
    assert [event.recipe.seed for event in events if isinstance(event, Drawn)] == [7, 8, 9]
    assert events.count(Loaded("cpu")) == 1


def test_the_switch_between_gpu_and_cpu_loads_again(make, engine):
    generator = make("cuda")
    for use_gpu in (True, True, False, True):
        assert draw(generator, a_job(use_gpu=use_gpu))[0].use_gpu is use_gpu
    assert [plan.device for _, plan in engine.loads] == ["cuda", "cpu", "cuda"]


def test_another_model_replaces_the_loaded_one(make, engine, settings):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")
    generator = make()

    for model in ("zimage-nano", "mine", "mine"):
        draw(generator, a_job(model=model))
        assert generator.loaded_model == model
    assert len(engine.loads) == 2


def test_a_model_that_failed_to_load_is_not_the_loaded_one(make, engine):
    generator = make()
    draw(generator)
    generator._in_memory = None
    engine.load_error = ModelBroken("The weights are damaged.")

    with pytest.raises(ModelBroken):
        draw(generator)

    assert generator.loaded_model is None


@pytest.mark.parametrize(("num_images", "at", "drawn"), [(1, 3, 0), (1, 9, 0), (4, 12, 1)])
def test_a_cancel_ends_the_job_before_its_next_step(make, engine, num_images, at, drawn):
    """Nine steps are told of an image, from 0 to 8: after the last one it is not even decoded."""
    events: list[JobEvent] = []

    def cancelled() -> bool:
        return sum(isinstance(event, Step) for event in events) >= at

    make().generate(a_job(num_images=num_images), events.append, cancelled)

    assert sum(isinstance(event, Drawn) for event in events) == len(engine.decoded) == drawn
    assert sum(isinstance(event, Step) for event in events) == at


def test_a_cancel_before_the_load_loads_nothing(make, engine):
    make().generate(a_job(), pytest.fail, lambda: True)
    assert engine.loads == []


def test_an_unknown_model_is_not_looked_for_anywhere(make, engine):
    with pytest.raises(UnknownModel):
        draw(make(), a_job(model="../zimage-nano"))
    assert engine.loads == []


def test_damaged_weights_are_said(make, settings):
    path = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano"
    (path / "vae" / "model.safetensors").write_bytes(b"\x09\0\0\0\0\0\0\0{")

    with pytest.raises(ModelBroken, match=r"zimage-nano are damaged: vae/model\.safetensors"):
        draw(make())


def test_weights_that_are_cut_name_the_file(make, settings):
    file = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "transformer" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(ModelBroken, match=r"transformer/model\.safetensors is truncated"):
        draw(make())


def test_a_black_picture_is_a_fault_of_the_model(make, engine, monkeypatch):
    monkeypatch.setattr("tests.backend.fakes.colour_of", lambda *_: Image.new("RGB", (8, 8)))
    with pytest.raises(BlankPicture, match="black"):
        draw(make())


def test_a_lack_of_memory_says_what_would_fit(make, engine):
    generator = make("cuda")
    engine.errors[1] = OutOfMemory("It does not fit.")
    with pytest.raises(OutOfMemory, match=r"It does not fit\. 1408×1408 should fit"):
        draw(generator, a_job(width=2048, height=2048))
    draw(generator, a_job(width=1024, height=512))
    engine.errors[1] = OutOfMemory("It does not fit.")
    with pytest.raises(OutOfMemory, match="1024×512 should fit"):
        draw(generator, a_job(width=2048, height=2048))


@pytest.mark.parametrize("behind", [False, True])
def test_a_fault_of_the_device_while_loading_is_told_as_one(make, engine, behind):
    fault = RuntimeError("CUDA error: an illegal memory access was encountered")
    engine.load_error = fault
    if behind:
        engine.load_error = ModelBroken("a part cannot be loaded")
        engine.load_error.__cause__ = fault
    generator = make()

    with pytest.raises(DeviceFault):
        draw(generator)

    assert not generator.healthy
    engine.load_error = None
    draw(generator)
    assert generator.healthy


def test_a_fault_of_the_device_while_it_is_taken_down(make, engine, monkeypatch):
    generator = make()
    engine.errors[1] = RuntimeError("CUDA error: unknown")
    with pytest.raises(DeviceFault, match="loaded anew"):
        draw(generator)
    monkeypatch.setattr(engine, "unload", lambda: (_ for _ in ()).throw(RuntimeError("CUDA error: unknown")))
    with pytest.raises(DeviceFault, match="Restart"):
        draw(generator)


def test_a_device_is_given_up_after_two_faults_in_a_row(make, engine):
    generator, states = make(), []
    for fails in (True, False, True, True):
        if fails:
            engine.errors[1] = RuntimeError("CUDA error: unknown")
        with pytest.raises(DeviceFault) if fails else contextlib.nullcontext():
            draw(generator)
        states.append((generator.healthy, generator.is_given_up))
    assert states == [(False, False), (True, False), (False, False), (False, True)]


def test_what_the_processor_draws_does_not_make_a_card_healthy(make, engine):
    generator = make("cuda")
    for use_gpu in (True, False, True):
        if use_gpu:
            engine.errors[1] = RuntimeError("CUDA error: unknown")
        with pytest.raises(DeviceFault) if use_gpu else contextlib.nullcontext():
            draw(generator, a_job(use_gpu=use_gpu))
        assert not generator.healthy
    assert generator.is_given_up


def test_a_file_that_was_replaced_is_loaded_anew(make, engine, settings):
    generator = make()
    draw(generator, a_job())
    weights = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "transformer" / "model.safetensors"
    touch_again(weights)
    draw(generator, a_job())
    assert len(engine.loads) == 2
