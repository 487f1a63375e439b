from pathlib import Path

import pytest
from training.lora import command
from training.lora.command import main, read_settings
from training.lora.errors import Stopped, TrainingError

NEEDED = ["--model", "m", "--data", "d", "--output", "some/style"]


def test_what_is_not_said_has_a_default():
    settings = read_settings(NEEDED)
    assert (settings.words.name, settings.targets, settings.rank, settings.scale_alpha) == (
        "style",
        "attention+mlp",
        16,
        16.0,
    )
    assert settings.sampling.prompts == ()


def test_every_option_arrives():
    settings = read_settings(
        [
            *NEEDED,
            "--rank",
            "8",
            "--alpha",
            "4",
            "--trigger",
            " sks ",
            "--tags",
            "a, ,b",
            "--samples",
            "x",
            "y",
            "--resume",
            "--assistant",
            "a.safetensors",
            "--name",
            "other",
            "--quantization",
            "int8",
        ]
    )
    assert (settings.rank, settings.scale_alpha, settings.wording.trigger) == (8, 4.0, "sks")
    assert (settings.words.tags, settings.sampling.prompts) == (("a", "b"), ("x", "y"))
    assert (settings.resume, settings.assistant, settings.words.name) == (True, Path("a.safetensors"), "other")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--steps", "0", "--steps must be at least 1, got 0"),
        ("--rank", "0", "--rank must be at least 1"),
        ("--lr", "-1", "--lr must be positive"),
        ("--lr", "nan", "--lr must be positive"),
        ("--alpha", "0", "--alpha must be positive"),
        ("--caption-dropout", "1", "--caption-dropout must be from 0 to below 1"),
        ("--name", "a/b", "without folder"),
        ("--save-every", "-1", "--save-every must be at least 0"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_is_allowed(option, value, said):
    with pytest.raises(TrainingError) as raised:
        read_settings([*NEEDED, option, value])
    assert said in str(raised.value)


def test_an_error_is_a_sentence(tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["--model", str(tmp_path), "--data", str(tmp_path / "none"), "--output", str(tmp_path)])
    assert str(ended.value) == f"error: --data {tmp_path / 'none'} is no folder"


def test_an_end_that_was_asked_for_is_told(monkeypatch):
    def stop(_settings):
        raise Stopped("stopped after step 3")

    monkeypatch.setattr(command, "train", stop)
    with pytest.raises(SystemExit, match="stopped after step 3"):
        main(NEEDED)
