from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from backend.services.errors import (
    BlankPicture,
    Cancelled,
    DeviceFault,
    GuidanceUnused,
    ModelBroken,
    NegativePromptUnused,
    OutOfMemory,
    UnknownModel,
)
from backend.services.generation.engines.faults import is_device_fault
from backend.services.generation.load_plan import LoadPlan
from backend.services.generator import GeneratedImage, ImageGenerator, Phase, Progress, measure_weights
from backend.services.library.catalogue import Catalogue
from tests.backend.fakes import PLAIN_CPU, a_request, make_model_folder, write_safetensors

CARD = replace(PLAIN_CPU, accelerator="cuda", accelerator_memory_bytes=24 * 2**30, accelerator_has_bf16=True)


@pytest.fixture
def make(settings, engine):
    def make(hardware=PLAIN_CPU, own_settings=settings, **options: object) -> ImageGenerator:
        return ImageGenerator(own_settings, Catalogue(own_settings), engine, lambda: hardware, **options)

    return make


def draw(generator: ImageGenerator, **values: object) -> tuple[GeneratedImage, list[Progress]]:
    seen: list[Progress] = []
    return generator.generate(a_request(**values), seen.append), seen


def test_nothing_is_loaded_until_it_is_needed_and_then_once(make, engine):
    generator = make()
    assert (generator.loaded_model, engine.loads) == (None, [])

    draw(generator)
    draw(generator, prompt="another", width=512)

    assert generator.loaded_model == "zimage-nano"
    assert len(engine.loads) == 1


def test_the_engine_is_told_everything(make, engine, settings):
    picture, _ = draw(make(), prompt="狐狸", width=512, height=256, num_inference_steps=5, seed=3)

    [request] = engine.requests
    assert (request.prompt, request.width_px, request.height_px) == ("狐狸", 512, 256)
    assert (request.num_inference_steps, request.guidance_scale, request.seed) == (5, 0.0, 3)
    assert engine.loads == [(settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano", LoadPlan("cpu", "float32"))]
    assert (picture.model, picture.device, picture.use_gpu, picture.seed) == ("zimage-nano", "cpu", False, 3)
    assert picture.image.size == (512, 256)


def test_progress_is_told_phase_by_phase(make):
    _, seen = draw(make(), num_inference_steps=4, use_gpu=False)

    assert seen == [
        Progress(Phase.LOADING, note="Loading zimage-nano"),
        *(Progress(Phase.DENOISING, done) for done in (0, 0, 1, 2, 3)),
    ]


def test_a_seed_is_drawn_when_none_is_given(make, engine):
    seeds = iter([11, 2**53 - 1])
    generator = make(draw_seed=lambda: next(seeds))

    assert draw(generator, seed=None)[0].seed == 11
    assert draw(generator, seed=None)[0].seed == 2**53 - 1
    assert [request.seed for request in engine.requests] == [11, 2**53 - 1]


def test_drawn_seeds_differ(make):
    generator = make()
    assert len({draw(generator, seed=None)[0].seed for _ in range(5)}) == 5


def test_seed_zero_is_a_seed(make, engine):
    draw(make(), seed=0)
    assert engine.requests[0].seed == 0


@pytest.mark.parametrize(
    ("hardware", "values", "size", "note"),
    [
        (PLAIN_CPU, {"use_gpu": False}, (256, 256), ""),
        (PLAIN_CPU, {}, (256, 256), "no GPU is available, so the CPU is used"),
        (CARD, {"width": 2048, "height": 2048}, (2048, 2048), ""),
        (CARD, {"width": 272}, (288, 256), "272×256 became 288×256 (the model's grid of 32 pixels)"),
        (
            CARD,
            {"use_gpu": False, "width": 1024, "height": 1024},
            (512, 512),
            "1024×1024 became 512×512 (the CPU limit of 512×512 pixels)",
        ),
    ],
)
def test_what_differs_from_the_request_is_said(make, hardware, values, size, note):
    picture, seen = draw(make(hardware), **values)

    assert picture.image.size == size
    assert picture.note == note
    assert {progress.note for progress in seen if progress.phase is Phase.DENOISING} == {note}


def test_a_model_of_few_sizes_draws_the_nearest_and_says_so(make, settings):
    facts = {"size_multiple": 32, "sizes": [[256, 256], [384, 256]]}
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "small", facts)

    picture, _ = draw(make(), model="small", width=448, height=320, use_gpu=False)

    assert picture.image.size == (384, 256)
    assert picture.note == "448×320 became 384×256 (small draws 256×256, 384×256)"


def test_the_switch_between_gpu_and_cpu_loads_again(make, engine):
    generator = make(CARD)
    for use_gpu in (True, True, False, True):
        assert draw(generator, use_gpu=use_gpu)[0].use_gpu is use_gpu
    assert [plan.device for _, plan in engine.loads] == ["cuda", "cpu", "cuda"]


def test_another_model_replaces_the_loaded_one(make, engine, settings):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine")
    generator = make()

    for model in ("zimage-nano", "mine", "mine"):
        draw(generator, model=model)
        assert generator.loaded_model == model
    assert len(engine.loads) == 2


def test_guidance_is_the_models_own_or_the_settings(make, engine, settings):
    ckpts = settings.base_dir / "Z-Image" / "ckpts"
    make_model_folder(ckpts / "mine")
    make_model_folder(ckpts / "guided", {"guidance_scale": 4.0})
    generator = make(own_settings=settings.model_copy(update={"default_guidance_scale": 2.5}))

    for model in ("zimage-nano", "guided", "mine"):
        draw(generator, model=model)

    assert [request.guidance_scale for request in engine.requests] == [0.0, 4.0, 2.5]


@pytest.fixture
def guided(settings) -> None:
    make_model_folder(
        settings.base_dir / "Z-Image" / "ckpts" / "guided", {"guidance_scale": 4, "negative_prompt": True}
    )


def test_guidance_and_what_shall_not_be_seen_reach_the_engine_and_the_picture(make, engine, guided):
    picture, _ = draw(make(), model="guided", guidance_scale=6.5, negative_prompt="blurry", use_gpu=False)

    [request] = engine.requests
    assert (request.guidance_scale, request.negative_prompt) == (6.5, "blurry")
    assert (picture.guidance_scale, picture.negative_prompt, picture.note) == (6.5, "blurry", "")


def test_a_negative_prompt_without_guidance_is_said_to_have_no_effect(make, guided):
    picture, _ = draw(make(), model="guided", guidance_scale=0, negative_prompt="blurry", use_gpu=False)
    assert picture.note == "without guidance the negative prompt has no effect"


@pytest.mark.parametrize(
    ("values", "error"),
    [({"guidance_scale": 1.0}, GuidanceUnused), ({"negative_prompt": "blurry"}, NegativePromptUnused)],
)
def test_a_distilled_model_is_not_guided(make, engine, values, error):
    """It was refused when it was posted; `auto` may mean another model by now."""
    with pytest.raises(error, match="zimage-nano"):
        draw(make(), **values)
    assert engine.requests == []


def test_a_model_that_failed_to_load_is_not_the_loaded_one(make, engine):
    generator = make()
    draw(generator)
    generator._loaded = None
    engine.load_error = ModelBroken("The weights are damaged.")

    with pytest.raises(ModelBroken):
        draw(generator)

    assert generator.loaded_model is None


def test_what_the_callback_raises_ends_the_generation(make, engine):
    def cancel(progress: Progress) -> None:
        if progress.forwards_done == 3:
            raise Cancelled("Cancelled")

    with pytest.raises(Cancelled):
        make().generate(a_request(), cancel)
    assert engine.decoded == []


def test_a_cancel_before_the_load_loads_nothing(make, engine):
    def cancel(progress: Progress) -> None:
        raise Cancelled("Cancelled")

    with pytest.raises(Cancelled):
        make().generate(a_request(), cancel)
    assert engine.loads == []


def test_an_unknown_model_is_not_looked_for_anywhere(make, engine):
    with pytest.raises(UnknownModel):
        draw(make(), model="../zimage-nano")
    assert engine.loads == []


def test_the_hardware_is_looked_at_once(settings, engine):
    looks: list[None] = []
    generator = ImageGenerator(settings, Catalogue(settings), engine, lambda: looks.append(None) or PLAIN_CPU)
    assert looks == []
    generator.prepare()
    draw(generator)
    assert looks == [None]


def test_weights_are_measured_at_two_bytes_a_value(tmp_path):
    path = make_model_folder(tmp_path / "m")
    write_safetensors(path / "transformer" / "second.safetensors", (10,))

    weights = measure_weights(path)

    assert (weights.total_bytes, weights.largest_part_bytes) == (2 * (6 + 10 + 6 + 6), 2 * 16)


def test_damaged_weights_are_said(make, settings):
    path = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano"
    (path / "vae" / "model.safetensors").write_bytes(b"\x09\0\0\0\0\0\0\0{")

    with pytest.raises(ModelBroken, match="zimage-nano are damaged"):
        draw(make())


def test_a_black_picture_is_a_fault_of_the_model(make, engine, monkeypatch):
    monkeypatch.setattr("tests.backend.fakes.colour_of", lambda *_: Image.new("RGB", (8, 8)))
    with pytest.raises(BlankPicture, match="black"):
        draw(make())


def test_a_lack_of_memory_says_what_would_fit(make, engine):
    generator = make(CARD)
    engine.errors[1] = OutOfMemory("It does not fit.")
    with pytest.raises(OutOfMemory, match=r"It does not fit\. 1408×1408 should fit"):
        draw(generator, width=2048, height=2048)
    draw(generator, width=1024, height=512)
    engine.errors[1] = OutOfMemory("It does not fit.")
    with pytest.raises(OutOfMemory, match="1024×512 should fit"):
        draw(generator, width=2048, height=2048)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("boom"), False),
        (ValueError("CUDA error"), False),
        (type("AcceleratorError", (RuntimeError,), {})("x"), True),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA error: out of memory"), False),
    ],
)
def test_faults_of_the_device_are_told_apart(error, fault):
    assert is_device_fault(error) == fault


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
    generator.healthy = False
    monkeypatch.setattr(engine, "unload", lambda: (_ for _ in ()).throw(RuntimeError("CUDA error: unknown")))
    with pytest.raises(DeviceFault):
        draw(generator)
