from __future__ import annotations

from dataclasses import dataclass

import pytest

from backend.models.schemas import GenerateRequest
from backend.services.errors import GuidanceUnused, InputRefused, ModelNotInstalled, NegativePromptUnused, UnknownModel
from backend.services.generation.resolve import MAX_DRAWN_SEED, Resolver
from backend.services.library.catalogue import Catalogue
from tests.backend.fakes import PLAIN_CPU, a_request, make_model_folder, make_omni_folder, with_cards

CARD = with_cards()


@pytest.fixture
def make(settings):
    def make(hardware=PLAIN_CPU, own_settings=settings, **options: object) -> Resolver:
        return Resolver(own_settings, Catalogue(own_settings), lambda: hardware, **options)

    return make


@pytest.fixture
def add_model(settings):
    def add_model(name: str, **facts: object) -> None:
        make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / name, facts or None)

    return add_model


def test_everything_that_makes_the_image_is_in_the_recipe(make):
    request = a_request("狐狸", width=512, num_inference_steps=5, seed=3, num_images=2, use_gpu=False)
    job = make().resolve(request)
    assert job.recipe.model_dump() == {
        "prompt": "狐狸", "negative_prompt": "", "width": 512, "height": 256, "num_inference_steps": 5,
        "guidance_scale": 0.0, "shift": None, "seed": 3, "model": "zimage-nano",
    }  # fmt: skip
    assert (job.num_images, job.use_gpu, job.note) == (2, False, "")


def test_what_is_left_out_comes_from_the_settings(make, settings):
    values = {"default_width": 768, "default_height": 512, "default_num_inference_steps": 5}
    resolver = make(own_settings=settings.model_copy(update=values))

    complete = resolver.complete(GenerateRequest(prompt="a", height=256))

    assert (complete.width, complete.height, complete.num_inference_steps) == (768, 256, 5)
    assert resolver.complete(complete) == complete


def test_a_seed_is_drawn_when_none_is_given(make):
    seeds = iter([11, 2**53 - 1])
    resolver = make(draw_seed=lambda: next(seeds))
    assert [resolver.resolve(a_request(seed=seed)).recipe.seed for seed in (None, 0, None)] == [11, 0, 2**53 - 1]


def test_drawn_seeds_differ_and_are_short(make):
    seeds = {make().resolve(a_request(seed=None)).recipe.seed for _ in range(5)}
    assert len(seeds) == 5
    assert max(seeds) <= MAX_DRAWN_SEED == 2**32 - 1


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
    job = make(hardware).resolve(a_request(**values))
    assert ((job.recipe.width, job.recipe.height), job.note) == (size, note)


@pytest.mark.parametrize(("hardware", "use_gpu"), [(CARD, True), (PLAIN_CPU, False)])
def test_an_accelerator_is_used_where_there_is_one(make, hardware, use_gpu):
    assert make(hardware).resolve(a_request()).use_gpu is use_gpu
    assert not make(hardware).resolve(a_request(use_gpu=False)).use_gpu


def test_a_card_that_the_settings_leave_out_is_none(make, settings):
    resolver = make(CARD, settings.model_copy(update={"devices": ("cpu",)}))
    assert not resolver.resolve(a_request()).use_gpu


def test_hardware_that_cannot_be_detected_is_none(settings):
    def detect():
        raise RuntimeError("no driver")

    assert not Resolver(settings, Catalogue(settings), detect).resolve(a_request()).use_gpu


def test_a_model_of_few_sizes_draws_the_nearest_and_says_so(make, add_model):
    add_model("small", size_multiple=32, sizes=[[256, 256], [384, 256]])
    job = make().resolve(a_request(model="small", width=448, height=320, use_gpu=False))
    assert (job.recipe.width, job.recipe.height) == (384, 256)
    assert job.note == "448×320 became 384×256 (small draws 256×256, 384×256)"


def test_guidance_is_the_models_own_or_the_settings(make, settings, add_model):
    add_model("mine")
    add_model("guided", guidance_scale=4.0)
    resolver = make(own_settings=settings.model_copy(update={"default_guidance_scale": 2.5}))

    scales = [resolver.resolve(a_request(model=m)).recipe.guidance_scale for m in ("zimage-nano", "guided", "mine")]

    assert scales == [0.0, 4.0, 2.5]


def test_a_guided_model_takes_what_it_is_asked(make, add_model):
    add_model("guided", guidance_scale=4, negative_prompt=True)
    request = a_request(model="guided", guidance_scale=6.5, negative_prompt="blurry", use_gpu=False)
    job = make().resolve(request)
    assert (job.recipe.guidance_scale, job.recipe.negative_prompt, job.note) == (6.5, "blurry", "")
    job = make().resolve(request.model_copy(update={"guidance_scale": 0.0}))
    assert job.note == "without guidance the negative prompt has no effect"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"guidance_scale": 0}, None),
        ({"guidance_scale": 4}, GuidanceUnused),
        ({"negative_prompt": "ugly"}, NegativePromptUnused),
    ],
)
def test_a_distilled_model_is_not_guided(make, values, error):
    if error is None:
        assert make().resolve(a_request(**values)).recipe.guidance_scale == 0
    else:
        with pytest.raises(error, match="zimage-nano"):
            make().resolve(a_request(**values))


@pytest.mark.parametrize(
    ("model", "error"), [("z-image-turbo", ModelNotInstalled), ("nope", UnknownModel), ("../zimage-nano", UnknownModel)]
)
def test_the_model_must_be_here(make, model, error):
    with pytest.raises(error):
        make().resolve(a_request(model=model))


@dataclass(frozen=True)
class Kept:
    width: int
    height: int


class Images:
    def get(self, input_id: str) -> Kept:
        return {"1": Kept(640, 384), "2": Kept(4096, 2048)}[input_id[0]]


REFERENCES = [{"input_id": digit * 64} for digit in "21"]


@pytest.fixture
def omni(make, settings):
    make_omni_folder(settings.base_dir / "Z-Image" / "ckpts" / "omni")
    return make(images=Images(), hardware=CARD)


def test_references_are_in_the_recipe_in_their_order(omni):
    request = omni.complete(GenerateRequest(prompt="a", model="omni", references=REFERENCES))
    job = omni.resolve(request)
    assert job.recipe.references == ("2" * 64, "1" * 64)
    assert job.recipe.inputs == ("2" * 64, "1" * 64)
    assert (job.recipe.width, job.recipe.height) == (640, 384)  # of the last one
    assert job.recipe.guidance_scale == 5.0


def test_a_large_reference_gives_an_image_of_a_megapixel(omni):
    request = omni.complete(GenerateRequest(prompt="a", model="omni", references=REFERENCES[:1]))
    assert request.width * request.height == pytest.approx(1024 * 1024, rel=0.03)
    assert request.width == pytest.approx(2 * request.height, rel=0.05)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"model": "zimage-nano", "references": REFERENCES}, "references"),
        ({"model": "omni", "init_image": REFERENCES[0]}, "init_image"),
        ({"model": "omni", "control": [{"image": REFERENCES[0]}]}, "control"),
    ],
)
def test_what_a_model_does_not_draw_from_is_refused_at_its_field(omni, values, field):
    with pytest.raises(InputRefused) as refused:
        omni.resolve(GenerateRequest(prompt="a", **values))
    assert refused.value.field == field
