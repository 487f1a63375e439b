from __future__ import annotations

import pytest
from pydantic import ValidationError

from backend.models.config import Settings
from backend.models.setting_faults import describe_faults


def faults_of(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings(**values)
    return describe_faults(caught.value)


def test_a_wrong_value_is_one_sentence_with_the_name_of_its_variable(monkeypatch):
    monkeypatch.setenv("ZIMAGE_OLLAMA", "abc")

    said = faults_of()

    assert said.startswith("ZIMAGE_OLLAMA: ")
    assert said.count("ZIMAGE_") == 1
    assert "factory" not in said
    assert said.endswith(".")
    assert ".." not in said


def test_each_fault_is_told_once():
    said = faults_of(port=-1, ollama=70000, base_dir=3)

    assert [name for name in ("BASE_DIR", "PORT", "OLLAMA", "DATA_DIR", "LORAS_DIR") if f"ZIMAGE_{name}:" in said] == [
        "BASE_DIR", "PORT", "OLLAMA",
    ]  # fmt: skip


def test_faults_of_several_settings_are_told_as_they_are():
    said = faults_of(host="0.0.0.0")

    assert said.startswith("host '0.0.0.0'")
    assert "ZIMAGE_API_TOKEN" in said


def test_a_secret_is_not_repeated():
    assert "tooshort" not in faults_of(api_token="tooshort")
