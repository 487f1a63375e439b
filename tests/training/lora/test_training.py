"""Whole trainings of a model of a few channels."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from training.loop.checkpoints import load_checkpoint
from training.lora import training
from training.lora.errors import Stopped, TrainingError
from training.lora.export import DTYPE
from training.lora.settings import Sampling
from training.lora.training import CHECKPOINT, train


def test_a_training_makes_a_file_that_was_never_nothing(settings):
    path = train(replace(settings, steps=8))

    tensors = load_file(path)
    assert path == settings.output / "mine.safetensors"
    assert all(tensor.dtype is DTYPE for tensor in tensors.values())
    assert all(bool(tensor.any()) for tensor in tensors.values())
    with safe_open(path, "pt") as file:
        said = file.metadata()
    assert (said["ss_base_model_version"], said["ss_num_train_images"], said["ss_steps"]) == ("tiny-nano", "5", "8")
    assert "modelspec.trigger_phrase" not in said


def test_the_loss_falls(settings, monkeypatch):
    losses = []
    loss_at = training.Run.loss_at

    def noted(run, step):
        losses.append(loss_at(run, step % 5))  # the same noise again and again
        return losses[-1]

    monkeypatch.setattr(training.Run, "loss_at", noted)
    train(replace(settings, steps=60, lr=0.02, batch=5, caption_dropout=0.0))
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_a_resumed_training_equals_one_that_was_not_cut_off(settings, monkeypatch):
    whole = load_file(train(settings))
    cut = replace(settings, output=settings.output.with_name("cut"))
    advance = training.Run._advance

    def killed_in_the_fourth(run):
        advance(run)
        if run.step == 3:
            run.save()
        if run.step == 4:
            raise MemoryError  # like a kill, it saves nothing

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, "_advance", killed_in_the_fourth)
        with pytest.raises(MemoryError):
            train(cut)
    assert load_checkpoint(cut.output / CHECKPOINT)["step"] == 3
    resumed = load_file(train(replace(cut, resume=True)))

    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


KILLED = """
import sys
from training.lora import training
from training.lora.command import main
training.CHECKPOINT_EVERY_S = 0.0
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_process_that_was_killed_has_lost_nothing_but_time(settings, tiny, data, repository_root):
    command = [
        "--model",
        str(tiny),
        "--data",
        str(data),
        "--name",
        "mine",
        "--rank",
        "2",
        "--batch",
        "2",
        "--lr",
        "0.05",
    ]
    command += ["--resolution", "64", "--device", "cpu", "--caption-dropout", "0.3", "--steps", "100"]
    cut = settings.output.with_name("cut")
    paths = (repository_root / "Z-Image", repository_root / "Z-Image" / "src")
    threads = str(torch.get_num_threads())  # sums of other threads round otherwise
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": threads}
    with subprocess.Popen([sys.executable, "-c", KILLED, *command, "--output", str(cut)], env=environment) as process:
        deadline = time.monotonic() + 60
        while not (cut / CHECKPOINT).exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    done = load_checkpoint(cut / CHECKPOINT)["step"]
    assert 1 <= done < 100

    fixed = replace(settings, steps=100, resume=True)
    resumed = replace(fixed, output=cut)
    assert train(resumed).exists()
    whole = load_file(train(fixed))
    again = load_file(cut / "mine.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_checkpoint_is_written_now_and_then(settings, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY_S", 0.0)
    steps = []
    save = training.Run.save
    monkeypatch.setattr(training.Run, "save", lambda run: (steps.append(run.step), save(run)))
    train(replace(settings, steps=3))
    assert steps == [1, 2, 3, 3]


def test_ctrl_c_finishes_the_step_and_keeps_it(settings, monkeypatch):
    advance = training.Run._advance

    def interrupted(run):
        if run.step == 1:
            os.kill(os.getpid(), signal.SIGINT)
        advance(run)

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, "_advance", interrupted)
        with pytest.raises(Stopped, match="after step 2 of 6"):
            train(settings)
    assert load_checkpoint(settings.output / CHECKPOINT)["step"] == 2
    assert not (settings.output / "mine.safetensors").exists()
    train(replace(settings, resume=True))
    assert (settings.output / "mine.safetensors").exists()


def test_a_training_is_neither_overwritten_nor_resumed_with_other_settings(settings, data):
    train(replace(settings, steps=1))
    with pytest.raises(TrainingError, match="give --resume to go on"):
        train(replace(settings, steps=1))
    with pytest.raises(TrainingError, match="--rank was 2 and is 3"):
        train(replace(settings, steps=1, rank=3, resume=True))
    (data / "red.txt").write_text("something else")
    with pytest.raises(TrainingError, match="--data, --model or --resolution was"):
        train(replace(settings, steps=1, resume=True))


def test_samples_and_files_are_written_while_it_trains(settings):
    sampling = Sampling(("a fox", "a cat"), every=2, steps=2)
    path = train(replace(settings, steps=5, sampling=sampling, save_every=2))

    samples = sorted((settings.output / "samples").iterdir())
    assert [file.name for file in samples] == ["000002.webp", "000004.webp", "000005.webp"]
    with Image.open(samples[0]) as first, Image.open(samples[-1]) as last:
        assert first.size == (128, 64)
        assert first.tobytes() != last.tobytes()
    names = sorted(file.name for file in settings.output.glob("mine*"))
    assert names == ["mine-000002.safetensors", "mine-000004.safetensors", "mine.safetensors"]
    with safe_open(path, "pt") as file:
        assert file.metadata()["modelspec.thumbnail"].startswith("data:image/webp")


def test_activations_that_are_computed_twice_change_nothing(settings):
    kept = load_file(train(replace(settings, steps=2, checkpointing="off")))
    twice = replace(settings, steps=2, checkpointing="on", output=settings.output.with_name("twice"))
    computed = load_file(train(twice))
    assert all(torch.equal(kept[name], computed[name]) for name in kept)


@pytest.mark.parametrize("change", [{"dtype": "bfloat16"}, {"quantization": "int8"}, {"targets": "all"}])
def test_the_base_may_be_held_and_targeted_otherwise(settings, change):
    tensors = load_file(train(replace(settings, steps=2, **change)))
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())


def test_a_loss_that_is_no_number_ends_it_with_advice(settings, monkeypatch):
    monkeypatch.setattr(training.Run, "loss_at", lambda run, step: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(TrainingError, match="give a smaller --lr"):
        train(settings)


def test_a_trigger_is_in_captions_and_header(settings):
    wording = replace(settings.wording, trigger="sks")
    with safe_open(train(replace(settings, steps=1, wording=wording)), "pt") as file:
        said = file.metadata()
    assert said["modelspec.trigger_phrase"] == "sks"
    assert said["ss_tag_frequency"] == '{"pictures":{"sks":5}}'
