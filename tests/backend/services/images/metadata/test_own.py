from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from PIL import Image

from backend.models.schemas import ImageRecord
from backend.services.images.metadata.own import describe, embed, extract
from backend.utils.png import write_png

CHINESE = "一只红色的狐狸, 坐在\n雪地里 🦊"


def record(**values: object) -> ImageRecord:
    facts = {
        "id": "0" * 32, "filename": "a.png", "prompt": "a red apple", "width": 32, "height": 16,
        "num_inference_steps": 9, "use_gpu": False, "size_bytes": 0, "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "generation_time_ms": 1234.56, "model": "zimage-nano", "seed": 42, "device": "cpu",
    }  # fmt: skip
    return ImageRecord.model_validate({**facts, **values})


def write(path, texts):
    with path.open("wb") as file:
        write_png(Image.new("RGB", (32, 16), "red"), file, texts)
    return path


@pytest.mark.parametrize("prompt", ["a red apple", CHINESE, "Steps: 1, Seed: 2\nNegative prompt: x", '{"id": 1}'])
def test_a_picture_carries_its_whole_record(tmp_path, prompt):
    path = write(tmp_path / "a.png", embed(record(prompt=prompt)))

    assert extract(path) == record(prompt=prompt, size_bytes=path.stat().st_size)


@limits(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50), st.integers(0, 2**53 - 1))
def test_whatever_the_prompt(tmp_path, prompt, seed):
    path = write(tmp_path / "a.png", embed(record(prompt=prompt, seed=seed)))
    assert (extract(path).prompt, extract(path).seed) == (prompt, seed)


def test_other_programs_read_the_usual_words(tmp_path):
    path = write(tmp_path / "a.png", embed(record(prompt=CHINESE, guidance_scale=4.0)))

    with Image.open(path) as picture:
        lines = picture.info["parameters"]
    assert lines.startswith(CHINESE + "\n")
    assert lines.splitlines()[-1].startswith(
        "Steps: 9, Sampler: Euler, Schedule type: Simple, CFG scale: 5, Seed: 42, Size: 32x16, Model: zimage-nano"
    )
    assert b"iTXtparameters\0" in path.read_bytes()


def test_an_edit_is_kept_whole_and_told_to_other_programs(tmp_path):
    edited = record(init_image="0" * 64, mask="1" * 64, mask_mode="only_masked", feather=8, outpaint={"left": 16})
    path = write(tmp_path / "a.png", embed(edited))
    assert extract(path) == edited.model_copy(update={"size_bytes": path.stat().st_size})
    assert "Denoising strength: 0.5, " in describe(edited)


def test_an_image_without_a_source_is_written_as_before():
    own = json.loads(embed(record())["zimage"])
    assert not {"init_image", "strength", "mask", "mask_mode", "feather", "outpaint", "upscale"} & set(own)
    assert "Denoising" not in describe(record())


def test_what_shall_not_be_seen_is_kept_too(tmp_path):
    path = write(tmp_path / "a.png", embed(record(prompt="a fox", negative_prompt="blurry\nugly", guidance_scale=4.0)))

    assert extract(path).negative_prompt == "blurry\nugly"
    with Image.open(path) as picture:
        assert picture.info["parameters"].startswith("a fox\nNegative prompt: blurry\nugly\nSteps: 9, ")


def test_a_model_with_a_comma_is_quoted():
    assert 'Model: "mine, really"' in describe(record(model="mine, really"))


def test_a_renamed_picture_keeps_its_record(tmp_path):
    path = write(tmp_path / "other-name.png", embed(record()))
    assert extract(path).filename == "other-name.png"


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"parameters": "a\nSteps: 9"},
        {"zimage": "not json"},
        {"zimage": "[]"},
        {"zimage": "null"},
        {"zimage": "{}"},
        {"zimage": "[" * 100_000},
        {"zimage": json.dumps({"id": "../../etc/passwd"})},
        {"zimage": json.dumps({**record().model_dump(mode="json"), "id": "../x"})},
        {"zimage": json.dumps({**record().model_dump(mode="json"), "seed": -1})},
        {"zimage": json.dumps({**record().model_dump(mode="json"), "created_at": "2026-01-02T00:00:00"})},
    ],
)
def test_a_picture_without_a_usable_record_is_a_value_error(tmp_path, texts):
    with pytest.raises(ValueError):
        extract(write(tmp_path / "a.png", texts))


@pytest.mark.parametrize("name", ["a:b.png", ".png", "a\nb.png", "a\\b.png", "a" * 251 + ".png"])
def test_a_name_that_is_none_of_ours_is_a_value_error(tmp_path, name):
    with pytest.raises(ValueError):
        extract(write(tmp_path / name, embed(record())))
