from __future__ import annotations

import pytest

from backend.services.library.choices import Choice, Choices


def test_choices_are_kept(tmp_path):
    file = tmp_path / "data" / "models.json"
    Choices(file).put("a", Choice("base", {"vae": "ä.safetensors"}))
    Choices(file).put("b", Choice())
    assert Choices(file).all() == {"a": Choice("base", {"vae": "ä.safetensors"}), "b": Choice()}


@pytest.mark.parametrize("text", ["", "[", "[]", "3", '"a"', "null", "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_that_makes_no_sense_is_no_choice(tmp_path, text):
    file = tmp_path / "models.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert Choices(file).all() == {}


@pytest.mark.parametrize(
    "text", ['{"a": 5}', '{"a": {"member": "omni", "parts": {"unet": "x", "vae": 7}}}', '{"a": {"parts": ["vae"]}}']
)
def test_a_field_that_makes_no_sense_costs_that_field_only(tmp_path, text):
    file = tmp_path / "models.json"
    file.write_text(text)
    assert Choices(file).all() == {"a": Choice()}
