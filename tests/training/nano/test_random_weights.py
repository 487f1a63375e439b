"""The random folder loads as diffusers loads the published one, and draws."""

import json
import logging

import pytest
import torch
from diffusers import ZImagePipeline
from safetensors import safe_open
from training.nano.folder import load_folder
from training.nano.random_weights import main, make_random_nano
from training.nano.sampling import draw, schedule

# Of transformers and diffusers themselves, not of ours.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "zimage-nano"
    make_random_nano(path, seed=0)
    return path


@pytest.fixture(scope="module")
def pipeline(folder):
    pipeline = ZImagePipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw_with_pipeline(pipeline, prompt, seed, height=256, width=256):
    return pipeline(
        prompt,
        height=height,
        width=width,
        num_inference_steps=8,
        sigmas=torch.linspace(1, 0, 9)[:-1].tolist(),
        guidance_scale=0.0,
        generator=torch.Generator().manual_seed(seed),
        output_type="pt",
    ).images


def test_loads_without_missing_or_unexpected_keys(folder, caplog):
    with caplog.at_level(logging.WARNING):
        ZImagePipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    assert not [record.message for record in caplog.records if "key" in record.message.lower()]


def test_the_folder_has_the_published_layout(folder):
    index = json.loads((folder / "model_index.json").read_text())
    assert index["_class_name"] == "ZImagePipeline"
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "scheduler",
        "text_encoder",
        "tokenizer",
        "transformer",
        "vae",
    }
    entry = json.loads((folder / "zimage.json").read_text("utf-8"))
    assert (entry["name"], entry["demo"], entry["size_multiple"], entry["default_steps"]) == (
        "zimage-nano",
        True,
        32,
        9,
    )
    assert set(entry["description"]) == {"en", "zh"}


def test_the_folder_is_small(folder):
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 2_000_000


def test_the_same_seed_gives_the_same_weights(folder, tmp_path):
    make_random_nano(tmp_path / "again", seed=0)
    name = "transformer/diffusion_pytorch_model.safetensors"
    with safe_open(folder / name, "pt") as first, safe_open(tmp_path / "again" / name, "pt") as second:
        assert all(torch.equal(first.get_tensor(key), second.get_tensor(key)) for key in first.keys())  # noqa: SIM118


def test_the_schedule_is_the_pinned_one(pipeline):
    draw_with_pipeline(pipeline, "fox", 0)
    expected = torch.tensor([1, 0.954545, 0.9, 0.833333, 0.75, 0.642857, 0.5, 0.3, 0])
    torch.testing.assert_close(pipeline.scheduler.sigmas, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(schedule(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(256, 256), (256, 384)])
def test_the_fast_way_draws_what_the_pipeline_draws(pipeline, folder, height, width):
    prompts = ["fox", "a red apple on a blue background, please, and a cat"]
    fast = draw(load_folder(folder), prompts, [3, 4], height, width)
    for index, prompt in enumerate(prompts):
        slow = draw_with_pipeline(pipeline, prompt, 3 + index, height, width)[0]
        assert float((fast[index] - slow).abs().max()) < 1e-3


def test_random_weights_command_writes_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["random_nano", str(tmp_path / "cli"), "--seed", "5"])
    main()
    assert (tmp_path / "cli" / "model_index.json").exists()
