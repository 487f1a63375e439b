from __future__ import annotations

import json

import pytest

from backend.services.images.metadata.a1111 import parse_settings, read

SETTINGS = "Steps: 8, Sampler: Euler, CFG scale: 4, Seed: 42, Size: 512x768, Model: z, Version: f2.0"


def told(text: str) -> dict:
    result = read({"parameters": text})
    assert result is not None
    return result.parameters.model_dump(exclude_none=True)


WHOLE = {"prompt": "a fox", "negative_prompt": "blurry", "width": 512, "height": 768, "num_inference_steps": 8,
         "seed": 42, "guidance_scale": 3.0, "model": "z"}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        f"a fox\nNegative prompt: blurry\n{SETTINGS}",
        f"a fox\r\nNegative prompt: blurry\r\n{SETTINGS}\r\n",
        f"a fox\nNegative prompt: blurry\n{SETTINGS}\nTemplate: a {{red|blue}} fox\nNegative Template: blurry",
        f"a fox Negative prompt: blurry {SETTINGS}",
        f"a fox\nNegative prompt: blurry\n{SETTINGS}" + "".join(f", Lora_{n} hash: {n:064}" for n in range(500)),
        f'a fox\nNegative prompt: blurry\n{SETTINGS}, Hashes: {{"model": "x", "Seed": 7}}, Seed: 9, TI: "a, Seed: 8"',
    ],
    ids=["plain", "windows", "templates", "one line", "long line", "json and repeats"],
)
def test_the_settings_are_found_wherever_they_stand(text):
    assert told(text) == WHOLE


def test_the_last_line_of_settings_counts():
    assert told(f"a guide:\nSteps: 1, 2, 3\nNegative prompt: no\n{SETTINGS}")["num_inference_steps"] == 8


@pytest.mark.parametrize("value", ["None", "", "nan", "inf", "many", "-1e999", "[]", "true"])
@pytest.mark.parametrize(
    ("key", "name"), [("CFG scale", "guidance_scale"), ("Seed", "seed"), ("Steps", "num_inference_steps")]
)
def test_a_value_that_is_none_costs_its_field_alone(key, name, value):
    text = f"a fox\nNegative prompt: blurry\n{SETTINGS}".replace(f"{key}: ", f"{key}: {value}, x: ", 1)
    assert told(text) == {field: known for field, known in WHOLE.items() if field != name}


@pytest.mark.parametrize("text", ["", "no such thing", "steps: 8", "Steps of a ladder", "{}"])
def test_other_texts_are_none_of_its(text):
    assert read({"parameters": text}) is None


class CountingDecoder(json.JSONDecoder):
    """Counts the characters that were searched in vain."""

    wasted = 0

    def raw_decode(self, s: str, idx: int = 0) -> tuple[object, int]:
        try:
            return super().raw_decode(s, idx)
        except ValueError:
            self.wasted += len(s) - idx
            raise


@pytest.mark.parametrize("unit", ["a ", "a", " ", '"\\', 'a:"\\",', 'a: "b, ', "a: {, ", "Steps:", "a: [", ",", "a:b,"])
def test_a_hostile_line_is_searched_once(unit, monkeypatch):
    decoder = CountingDecoder()
    monkeypatch.setattr("backend.services.images.metadata.a1111._JSON", decoder)
    line = "Steps: 9, " + unit * (500_000 // len(unit))

    assert parse_settings(line)["Steps"] == "9"
    assert decoder.wasted <= len(line)
