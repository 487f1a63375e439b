"""Images that begin from an image, over both engines with tiny random weights."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from backend.services.errors import BlankPicture, InputUnusable
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.editing import Drawing, Geometry, edit_image
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.events import JobEvent, Preview, Step
from backend.services.generation.inputs import Inputs
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.library.files import ModelFiles
from backend.services.library.preview_map import PreviewMap
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, never, pixels

Kind = type[DiffusersEngine] | type[NativeEngine]
TestedEngine = DiffusersEngine | NativeEngine

PHOTO, MASK, SOFT, BLACK, LARGE = ("0123456789abcdef" + letter * 48 for letter in "abcde")
BOX = (96, 64, 200, 170)


def photo(width: int = 256, height: int = 256) -> Image.Image:
    small = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def masked(value: int) -> Image.Image:
    mask = Image.new("L", (256, 256))
    mask.paste(value, BOX)
    return mask


INPUTS = Inputs({
    PHOTO: photo(), MASK: masked(255), SOFT: masked(120), BLACK: masked(0), LARGE: photo(333, 217),
})  # fmt: skip


@pytest.fixture(scope="module", params=[DiffusersEngine, NativeEngine])
def kind(request) -> Kind:
    return request.param


def load(kind: Kind, folder: Path, preview_map: PreviewMap | None = None) -> TestedEngine:
    engine = kind()
    engine.load(ModelFiles.of_folder(folder), PLAN, preview_map)
    return engine


@pytest.fixture(scope="module")
def loaded(kind: Kind, tiny_model: Path) -> TestedEngine:
    return load(kind, tiny_model)


@pytest.fixture
def forwards(loaded) -> Iterator[list[None]]:
    """Grows by one at every forward of the transformer."""
    seen: list[None] = []
    hook = loaded._pipeline.transformer.layers[0].register_forward_hook(lambda *_: seen.append(None))
    yield seen
    hook.remove()


def edit(engine: TestedEngine, init_image: str = PHOTO, **values: Any) -> tuple[np.ndarray, list[JobEvent]]:
    events: list[JobEvent] = []
    recipe = a_recipe(**{"seed": 1, "num_inference_steps": 5, "init_image": init_image, **values})
    image = engine.generate(recipe, events.append, never, INPUTS)
    assert image is not None
    assert image.mode == "RGB"
    assert [event for event in events if isinstance(event, Step)] == [
        Step(done, recipe.forwards) for done in range(recipe.forwards + 1)
    ]
    return np.asarray(image).astype(int), events


def of(digest: str) -> np.ndarray:
    return np.asarray(INPUTS.image(digest)).astype(int)


def outside(box: tuple[int, int, int, int] = BOX, margin: int = 0) -> np.ndarray:
    kept = np.ones((256, 256), bool)
    kept[box[1] - margin : box[3] + margin, box[0] - margin : box[2] + margin] = False
    return kept


@pytest.mark.parametrize(("strength", "n_forwards"), [(None, 3), (0.1, 1), (0.5, 2), (1.0, 4)])
def test_only_the_forwards_of_the_strength_are_run_and_told(loaded, forwards, strength, n_forwards):
    edit(loaded, strength=strength)
    assert len(forwards) == n_forwards


def test_strength_1_is_text_to_image_of_the_same_seed(loaded):
    given, _ = edit(loaded, strength=1.0)
    assert np.array_equal(given, pixels(loaded, seed=1, num_inference_steps=5))


@pytest.mark.parametrize("values", [{}, {"guidance_scale": 2.0, "negative_prompt": "grey"}, {"shift": 1.5}])
def test_more_strength_is_farther_from_the_image(loaded, values):
    encoded = pixels_of_the_autoencoder(loaded)
    distances = [
        np.abs(edit(loaded, strength=strength, **values)[0] - encoded).mean() for strength in (0.003, 0.02, 0.9)
    ]
    assert distances == sorted(distances)
    assert distances[0] < distances[-1] / 3


def test_no_change_of_strength_is_without_effect(loaded):
    assert not np.array_equal(edit(loaded, strength=0.51)[0], edit(loaded, strength=0.53)[0])


def pixels_of_the_autoencoder(engine: TestedEngine) -> np.ndarray:
    """What comes back of the photo where nothing is drawn."""
    return edit(engine, strength=0.0001)[0]


def test_an_image_of_any_size_comes_back_in_its_size(loaded):
    for width, height in ((256, 256), (352, 224)):
        assert edit(loaded, LARGE, width=width, height=height)[0].shape == (217, 333, 3)


@pytest.mark.parametrize("mode", [None, "whole", "only_masked"])
@pytest.mark.parametrize("feather", [None, 16])
def test_a_hard_mask_keeps_every_byte_outside(loaded, mode, feather):
    given, _ = edit(loaded, mask=MASK, mask_mode=mode, feather=feather)
    kept = outside(margin=feather or 0)
    assert np.array_equal(given[kept], of(PHOTO)[kept])
    assert np.abs(given - of(PHOTO))[~kept].mean() > 5


def test_grey_in_a_mask_changes_less_than_white(loaded):
    encoded, inside = pixels_of_the_autoencoder(loaded), ~outside(margin=-16)
    white, grey = (np.abs(edit(loaded, mask=mask)[0] - encoded)[inside].mean() for mask in (MASK, SOFT))
    assert grey < white


@pytest.mark.parametrize("side", ["top", "right", "bottom", "left"])
def test_outpainting_keeps_the_old_image_beyond_the_overlap(loaded, side):
    given, _ = edit(loaded, outpaint={side: 64}, width=320, height=320, feather=24)
    grown = {"top": (320, 256), "bottom": (320, 256), "left": (256, 320), "right": (256, 320)}[side]
    assert given.shape[:2] == grown
    y, x = 64 * (side == "top"), 64 * (side == "left")
    kept = np.zeros((256, 256), bool)
    kept[24 * (side == "top") : 256 - 24 * (side == "bottom"), 24 * (side == "left") : 256 - 24 * (side == "right")] = 1
    assert np.array_equal(given[y : y + 256, x : x + 256][kept], of(PHOTO)[kept])


def test_upscaling_draws_in_tiles_and_tells_all_their_forwards(loaded, forwards):
    given, events = edit(loaded, strength=0.5, upscale={"width": 400, "height": 400})
    assert given.shape == (400, 400, 3)
    assert len(forwards) == 4 * 2 == events[-1].total
    larger = np.asarray(photo().resize((400, 400), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(given - larger).mean() < 60  # the same image, not noise


def test_an_upscale_that_is_one_tile_is_image_to_image(loaded):
    one, _ = edit(loaded, strength=0.5, upscale={"width": 256, "height": 256})
    assert np.array_equal(one, edit(loaded, strength=0.5)[0])


def test_an_upscale_with_a_mask_keeps_the_enlarged_image_outside(loaded):
    given, _ = edit(loaded, strength=0.5, upscale={"width": 512, "height": 512}, mask=MASK)
    larger = np.asarray(photo().resize((512, 512), Image.Resampling.LANCZOS)).astype(int)
    kept = outside().repeat(2, 0).repeat(2, 1)
    assert np.array_equal(given[kept], larger[kept])
    assert np.abs(given - larger)[~kept].mean() > 5


@pytest.mark.parametrize("step", [0, 1, 3, 5])
def test_a_cancel_ends_it_between_steps_and_between_tiles(loaded, forwards, step):
    events: list[JobEvent] = []
    recipe = a_recipe(
        seed=1, num_inference_steps=5, init_image=PHOTO, strength=0.5, upscale={"width": 400, "height": 400}
    )
    assert loaded.generate(recipe, events.append, lambda: events[-1:] == [Step(step, 8)], INPUTS) is None
    assert len(forwards) == step


def test_previews_of_an_edit(kind, tiny_model):
    engine = load(kind, tiny_model, PreviewMap(rows=((1.0, 0.5, 0.25),) * 16, offset=(0.0, 0.0, 0.0)))
    _, events = edit(engine, mask=MASK, strength=0.6)
    assert [type(event) for event in events] == [Step, *[Preview, Step] * 3]
    first, *_, last = [event.pixels.data for event in events if isinstance(event, Preview)]
    shown = [np.frombuffer(data, np.uint8).reshape(16, 16, 3).astype(int) for data in (first, last)]
    kept = np.ones((16, 16), bool)
    kept[64 // 16 : 176 // 16, 96 // 16 : 208 // 16] = False
    assert np.abs(np.subtract(*shown))[kept].max() <= 1  # what is kept is seen from the first step on
    assert np.abs(np.subtract(*shown))[~kept].max() > 1


def test_nan_of_the_encoder_is_no_picture(loaded):
    weight = loaded._pipeline.vae.encoder.conv_out.bias
    kept = weight.data.clone()
    weight.data.fill_(float("nan"))
    try:
        with pytest.raises(BlankPicture, match="NaN"):
            edit(loaded)
    finally:
        weight.data.copy_(kept)
    edit(loaded)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"init_image": "f" * 64}, "send it again"),
        ({"init_image": None, "mask": MASK}, "mask needs init_image"),
        ({"init_image": None, "strength": 0.5}, "strength needs init_image"),
        ({"mask": BLACK}, "paint white"),
        ({"mask": BLACK, "mask_mode": "only_masked"}, "paint white"),
        ({"init_image": LARGE, "mask": MASK}, "same shape"),
        ({"mask_mode": "only_masked"}, "needs a mask"),
        ({"feather": 4}, "needs a mask"),
        ({"outpaint": {}}, "above 0"),
        ({"upscale": {"width": 512, "height": 300}}, "stretch"),
        ({"upscale": {"width": 128, "height": 128}}, "smaller"),
        ({"upscale": {"width": 512, "height": 512}, "outpaint": {"top": 8}}, "one after the other"),
    ],
)
def test_what_does_not_go_together_is_refused_before_the_first_forward(loaded, forwards, values, words):
    with pytest.raises(InputUnusable, match=words):
        loaded.generate(a_recipe(**{"init_image": PHOTO, **values}), pytest.fail, never, INPUTS)
    assert not forwards


GEOMETRY = Geometry(multiple=32, cell=16, channels=16)


@pytest.mark.parametrize(
    "values",
    [
        {"mask": MASK},
        {"mask": MASK, "mask_mode": "only_masked"},
        {"upscale": {"width": 400, "height": 400}},
        {"init_image": LARGE, "width": 352, "height": 224},
    ],
)
def test_a_control_image_is_cut_as_the_image_is(values):
    recipe, seen = a_recipe(**{"init_image": PHOTO, "strength": 0.5, **values}), []

    def redraw(drawing: Drawing) -> Image.Image:
        seen.append(drawing.forwards_before)
        assert np.array_equal(
            np.asarray(drawing.cut(INPUTS.image(recipe.init_image), False)), np.asarray(drawing.image)
        )
        assert drawing.noise.shape == (1, 16, drawing.image.height // 16, drawing.image.width // 16)
        return drawing.image

    edit_image(recipe, INPUTS, GEOMETRY, redraw)
    assert seen == [index * recipe.forwards // recipe.draws for index in range(recipe.draws)]


@pytest.mark.parametrize("is_finished", [False, True])
def test_what_grows_is_black_to_a_finished_control_and_no_edge_to_what_looks_for_edges(is_finished):
    grey, seen = Image.new("RGB", (64, 64), (120, 120, 120)), []
    inputs = Inputs({PHOTO: grey})
    recipe = a_recipe(init_image=PHOTO, outpaint={"left": 32, "right": 32}, width=128, height=64)
    edit_image(
        recipe, inputs, GEOMETRY, lambda drawing: (seen.append(drawing.cut(grey, is_finished)), drawing.image)[1]
    )
    pixels = np.asarray(seen[0])[..., 0].astype(int)
    assert (pixels[:, 40:88] == 120).all()
    assert (pixels[:, 0] == (0 if is_finished else 120)).all()


def test_a_control_of_another_shape_is_cut_and_never_stretched():
    from PIL import ImageDraw

    control, seen = Image.new("RGB", (200, 100)), []
    ImageDraw.Draw(control).rectangle((80, 30, 119, 69), fill="white")
    recipe = a_recipe(init_image=PHOTO, width=128, height=128)
    inputs = Inputs({PHOTO: Image.new("RGB", (128, 128))})
    edit_image(recipe, inputs, GEOMETRY, lambda drawing: (seen.append(drawing.cut(control, True)), drawing.image)[1])
    white = np.argwhere(np.asarray(seen[0].convert("L")) > 128)
    height, width = np.ptp(white, axis=0) + 1
    assert abs(height - width) <= 2


def test_a_file_that_is_cut_off_is_refused():
    file = io.BytesIO()
    photo().save(file, "PNG")
    cut = Inputs({PHOTO: Image.open(io.BytesIO(file.getvalue()[:2000]))})
    with pytest.raises(InputUnusable, match="cannot be decoded"):
        edit_image(a_recipe(init_image=PHOTO), cut, GEOMETRY, pytest.fail)


def test_neighbouring_tiles_have_the_same_noise_where_they_overlap():
    recipe, noises = a_recipe(init_image=PHOTO, upscale={"width": 416, "height": 416}), []
    edit_image(recipe, INPUTS, GEOMETRY, lambda drawing: (noises.append(drawing.noise), drawing.image)[1])
    left, right, *_ = noises
    assert len(noises) == 4
    assert torch.equal(left[..., 10:], right[..., :6])  # the second begins at 160 pixels
    assert not torch.equal(left, right)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_edits_too(tiny_model, dtype):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", dtype))
    given, _ = edit(engine, mask=MASK)
    assert np.array_equal(given[outside()], of(PHOTO)[outside()])


EDITS: dict[str, dict[str, Any]] = {
    "image to image": {"strength": 0.5},
    "guidance and shift": {"strength": 0.7, "guidance_scale": 2.0, "negative_prompt": "grey", "shift": 6.0},
    "hard mask": {"mask": MASK},
    "soft mask": {"mask": SOFT, "strength": 0.8, "feather": 20},
    "only masked": {"mask": MASK, "mask_mode": "only_masked", "feather": 8},
    "outpaint": {"outpaint": {"right": 64}, "width": 320},
    "upscale": {"strength": 0.3, "upscale": {"width": 400, "height": 400}},
    "another size": {"init_image": LARGE, "width": 352, "height": 224},
}


def test_both_engines_draw_the_same_edits(tiny_model):
    pictures = [
        [edit(engine, **values)[0] for values in EDITS.values()]
        for engine in (load(kind, tiny_model) for kind in (DiffusersEngine, NativeEngine))
    ]
    assert [int(np.abs(one - other).max()) <= 1 for one, other in zip(*pictures, strict=True)] == [True] * len(EDITS)


@pytest.mark.parametrize("change", [{"strength": 0.5}, {"mask": MASK, "feather": 8}], ids=["image", "mask"])
@pytest.mark.parametrize(
    "plan",
    [
        LoadPlan("cpu", "float32", "model"),
        LoadPlan("cpu", "float32", "sequential", resident_blocks=1, vae_tile=64),
        LoadPlan("cpu", "float32", "sequential", "int8", vae_tile=64),
    ],
    ids=lambda plan: f"{plan.offload} {plan.quantization}",
)
def test_a_model_that_is_partly_away_edits_the_same(tiny_model, plan, change):
    images = []
    for one in (plan, LoadPlan("cpu", "float32", quantization=plan.quantization)):
        engine = NativeEngine()
        engine.load(ModelFiles.of_folder(tiny_model), one)
        images.append(edit(engine, **change)[0])
    assert np.array_equal(*images)
