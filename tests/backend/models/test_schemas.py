from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backend.models.schemas import GenerateRequest, ImageRecord, Status
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import a_request


def test_defaults():
    request = GenerateRequest(prompt="a")

    assert request.model_dump() == {
        "prompt": "a", "height": 1024, "width": 1024, "num_inference_steps": 9,
        "use_gpu": True, "seed": None, "model": "auto", "num_images": 1,
        "guidance_scale": None, "shift": None, "negative_prompt": "",
    }  # fmt: skip


@pytest.mark.parametrize("side", [256, 272, 1024, 2048])
def test_sides_on_the_grid(side):
    request = GenerateRequest(prompt="a", height=side, width=side)
    assert (request.height, request.width) == (side, side)


@pytest.mark.parametrize(("side", "below", "above"), [(257, 256, 272), (1000, 992, 1008), (2047, 2032, 2048)])
@pytest.mark.parametrize("name", ["height", "width"])
def test_a_side_off_the_grid_names_its_neighbours(name, side, below, above):
    with pytest.raises(ValidationError) as caught:
        GenerateRequest.model_validate({"prompt": "a", name: side})

    [problem] = caught.value.errors()
    assert problem["loc"] == (name,)
    assert str(below) in problem["msg"]
    assert str(above) in problem["msg"]


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200))
def test_any_printable_text_is_a_prompt(text):
    if text.strip():
        assert GenerateRequest(prompt=text).prompt == text.strip()
    else:
        with pytest.raises(ValidationError):
            GenerateRequest(prompt=text)


@given(st.characters(categories=["Cc"]).filter(lambda c: c not in "\n\r\t"), st.sampled_from(["a{}b", "一{}二"]))
def test_no_control_character_is(character, frame):
    with pytest.raises(ValidationError):
        GenerateRequest(prompt=frame.format(character))


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_line_breaks_and_tabs_are_kept_inside(name):
    assert getattr(GenerateRequest(**{"prompt": "a", name: " a\n\tb\n"}), name) == "a\n\tb"


@pytest.mark.parametrize("text", ["a\0b", "a\x85b", "a" * 4001])
def test_a_negative_prompt_has_the_limits_of_a_prompt_but_may_be_blank(text):
    with pytest.raises(ValidationError):
        GenerateRequest(prompt="a", negative_prompt=text)
    assert GenerateRequest(prompt="a", negative_prompt=" \n").negative_prompt == ""


@pytest.mark.parametrize("scale", [-0.1, 20.1, float("nan"), float("inf"), "4", True])
def test_a_guidance_scale_that_cannot_be(scale):
    with pytest.raises(ValidationError):
        GenerateRequest(prompt="a", guidance_scale=scale)


@pytest.mark.parametrize("scale", [0, 4, 20.0, None])
def test_a_guidance_scale_that_can(scale):
    assert GenerateRequest(prompt="a", guidance_scale=scale).guidance_scale == scale


@given(st.integers(-3, 3) | st.integers())
def test_exactly_the_integers_that_javascript_knows_are_seeds(seed):
    if 0 <= seed < 2**53:
        assert GenerateRequest(prompt="a", seed=seed).seed == seed
    elif seed == -1:  # as other programs write one that shall be drawn
        assert GenerateRequest(prompt="a", seed=seed).seed is None
    else:
        with pytest.raises(ValidationError):
            GenerateRequest(prompt="a", seed=seed)


@given(st.integers(-5, 60))
def test_exactly_1_to_50_are_steps(steps):
    if 1 <= steps <= 50:
        assert GenerateRequest(prompt="a", num_inference_steps=steps).num_inference_steps == steps
    else:
        with pytest.raises(ValidationError):
            GenerateRequest(prompt="a", num_inference_steps=steps)


@pytest.mark.parametrize("status", Status)
def test_final_means_that_nothing_follows(status):
    assert status.is_final == (status not in ("pending", "processing"))


@pytest.mark.parametrize(
    ("pictures", "steps", "done", "step", "progress"),
    [
        (1, 9, 0, 0, 0.0),
        (1, 3, 0, 1, 33.3),
        (1, 9, 0, 8, 88.9),
        (1, 9, 1, 0, 100.0),
        (4, 9, 1, 0, 25.0),
        (4, 9, 3, 8, 97.2),
    ],
)
def test_progress_is_the_share_of_the_steps(pictures, steps, done, step, progress):
    image = ImageRecord.model_construct(id="0" * 32)
    task = TaskRecord.model_construct(
        request=a_request(num_images=pictures, num_inference_steps=steps), images=(image,) * done, step=step
    )
    assert (task.progress, task.current_step) == (progress, done * steps + step)


@pytest.mark.parametrize("shift", [0, 0.05, -3, 20.5, float("inf"), float("nan"), "3"])
def test_a_shift_that_cannot_be(shift):
    with pytest.raises(ValidationError):
        GenerateRequest(prompt="a", shift=shift)


@pytest.mark.parametrize("shift", [None, 0.1, 1, 3.0, 20])
def test_a_shift_that_can(shift):
    assert GenerateRequest(prompt="a", shift=shift).shift == shift


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\n"])
def test_line_breaks_of_every_system_are_one(line_break):
    request = GenerateRequest(prompt=f"a fox{line_break}in snow{line_break}", negative_prompt=f"a{line_break}b")
    assert (request.prompt, request.negative_prompt) == ("a fox\nin snow", "a\nb")
