"""Conversions hold the same values, survive an interruption anywhere, and say when they cannot be."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from zimage.config import TransformerConfig
from zimage.errors import WeightsError
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.conversion import (
    STATE,
    execute,
    execute_single_file,
    free_bytes,
    plan_model,
    plan_part,
    plan_single_file,
)
from zimage.weights.files import safetensors_file
from zimage.weights.files.safetensors_file import read_tensor

GB = 10**9
NANO = "Z-Image/ckpts/zimage-nano"


def values(path):
    return {name: read_tensor(stored) for name, stored in open_checkpoint(path).items()}


def assert_same(found, expected, dtype=None):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value if dtype is None else value.to(dtype))


@pytest.fixture
def nano(request):
    return request.config.rootpath / NANO


@pytest.fixture
def model(tmp_path):
    """A folder laid out as a model, with weights of a few values."""
    root = tmp_path / "source"
    torch.manual_seed(4)
    for part, stem in (("transformer", "diffusion_pytorch_model"), ("text_encoder", "model")):
        (root / part).mkdir(parents=True)
        save_file({f"{part}.{i}": torch.randn(8, 4) for i in range(4)}, root / part / f"{stem}.safetensors")
        (root / part / "config.json").write_text(json.dumps({"dtype": "float32", "dim": 8}), "utf-8")
    (root / "scheduler").mkdir()
    for name in ("scheduler/scheduler_config.json", "model_index.json", "LICENSE", ".hidden", "old.bin"):
        (root / name).write_text("{}", "utf-8")
    return root


def test_a_model_is_shrunk(model, tmp_path):
    target, told = tmp_path / "target", []
    execute(plan_model(model, torch.bfloat16, 128), target, on_bytes=told.append)
    for part, stem in (("transformer", "diffusion_pytorch_model"), ("text_encoder", "model")):
        assert len(list((target / part).glob(f"{stem}-0000?-of-00002.safetensors"))) == 2
        assert_same(values(target / part), values(model / part), torch.bfloat16)
        assert json.loads((target / part / "config.json").read_text("utf-8")) == {"dtype": "bfloat16", "dim": 8}
    others = {path.name for path in target.rglob("*") if path.is_file() and path.suffix != ".safetensors"}
    assert others == {
        "LICENSE", "config.json", "model_index.json", "scheduler_config.json",
        "diffusion_pytorch_model.safetensors.index.json", "model.safetensors.index.json",
    }  # fmt: skip
    assert sum(told) == 2 * 4 * 32 * 2


def test_keeping_the_precision_keeps_every_byte_of_the_settings(model, tmp_path):
    execute(plan_model(model, None, GB), tmp_path / "target")
    for path in ("transformer/config.json", "text_encoder/config.json"):
        assert (tmp_path / "target" / path).read_bytes() == (model / path).read_bytes()
    assert_same(values(tmp_path / "target/transformer"), values(model / "transformer"))


def test_an_interrupted_conversion_goes_on_wherever_it_stopped(model, tmp_path, monkeypatch):
    monkeypatch.setattr(safetensors_file, "CHUNK_VALUES", 16)
    target, finished = tmp_path / "target", False
    for stop_at in itertools.count(1):
        shutil.rmtree(target, ignore_errors=True)
        calls = itertools.count(1)

        def tell(_, calls=calls, stop_at=stop_at):
            if next(calls) == stop_at:
                raise KeyboardInterrupt

        try:
            execute(plan_model(model, torch.bfloat16, 128), target, on_bytes=tell)
            finished = True
        except KeyboardInterrupt:
            assert not (target / "model_index.json").exists()
            for path in target.rglob("*.safetensors"):
                open_checkpoint(path)
        execute(plan_model(model, torch.bfloat16, 128), target) if not finished else None
        for part in ("transformer", "text_encoder"):
            assert_same(values(target / part), values(model / part), torch.bfloat16)
        assert not (target / STATE).exists()
        if finished:
            break
    assert stop_at == 1 + 2 * 4 * 2 + 1  # the summary, then two chunks a tensor


def test_going_on_writes_only_what_is_missing(model, tmp_path):
    target, plan = tmp_path / "target", plan_part(model / "transformer", torch.bfloat16, 128)

    def stop(n_bytes):
        if n_bytes and any(target.glob("*.safetensors")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(plan, target, on_bytes=stop)
    (first,) = target.glob("*.safetensors")
    before, told = first.stat().st_mtime_ns, []
    execute(plan, target, on_bytes=told.append)
    assert first.stat().st_mtime_ns == before
    assert told[0] == 2 * 32 * 2
    assert sum(told) == plan.size_bytes


@pytest.mark.parametrize("change", ["source", "dtype"])
def test_going_on_with_something_else_is_refused(model, tmp_path, change):
    def stop(n_bytes):
        if n_bytes:
            raise KeyboardInterrupt

    target = tmp_path / "target"
    with pytest.raises(KeyboardInterrupt):
        execute(plan_part(model / "transformer", torch.bfloat16, 128), target, on_bytes=stop)
    if change == "source":
        weights = next((model / "transformer").glob("*.safetensors"))
        save_file({f"transformer.{i}": torch.randn(8, 4) for i in range(4)}, weights)
    with pytest.raises(WeightsError, match="other sources or settings"):
        execute(plan_part(model / "transformer", torch.bfloat16 if change == "source" else None, 128), target)


def test_a_source_may_be_named_in_another_way_when_going_on(model, tmp_path, monkeypatch):
    absolute = plan_part(model / "transformer", torch.bfloat16, 128).fingerprint()
    monkeypatch.chdir(model)
    assert plan_part(Path("transformer"), torch.bfloat16, 128).fingerprint() == absolute


def test_a_folder_with_something_in_it_is_left_alone(model, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine.txt").touch()
    with pytest.raises(WeightsError, match="not empty"):
        execute(plan_model(model, None, GB), target)
    (target / STATE).write_text("{", "utf-8")
    with pytest.raises(WeightsError, match="cannot be read"):
        execute(plan_model(model, None, GB), target)
    assert sorted(path.name for path in target.iterdir()) == [STATE, "mine.txt"]


def test_a_small_disk_is_told_before_anything_is_written(model, tmp_path):
    plan = plan_model(model, None, GB)
    with pytest.raises(WeightsError, match=r"needs 0\.00 GB, the disk has 0\.05 GB left"):
        execute(plan, tmp_path / "target", free=lambda _: 50_000_000)
    assert not (tmp_path / "target").exists()
    assert free_bytes(tmp_path / "not" / "there" / "yet") > 0


def test_a_full_disk_leaves_whole_files_only(model, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zimage.weights.files.safetensors_writer.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        execute(plan_model(model, None, GB), tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").rglob("*") if path.is_file()] == [STATE]


def test_conversion_of_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="model_index"):
        plan_model(tmp_path, None, GB)


def test_settings_that_are_no_json_are_named(model):
    (model / "transformer/config.json").write_text("[1", "utf-8")
    with pytest.raises(WeightsError, match=r"transformer.config\.json"):
        plan_model(model, None, GB)


@pytest.mark.parametrize("whole_model", [True, False])
def test_a_transformer_becomes_a_single_file_and_a_folder_again(nano, tmp_path, whole_model):
    source = nano if whole_model else nano / "transformer"
    single, folder = tmp_path / "out/single.safetensors", tmp_path / "folder"
    execute_single_file(plan_single_file(source, single.name, None, "model.diffusion_model."), single)
    assert all(name.startswith("model.diffusion_model.") for name in load_file(single))
    execute(plan_part(single, None, GB), folder)
    assert_same(values(folder), values(nano / "transformer"))
    told = TransformerConfig.from_file(nano / "transformer/config.json").to_dict()
    assert TransformerConfig.from_file(folder / "config.json").to_dict() | {"axes_lens": None} == told | {
        "axes_lens": None
    }
    with pytest.raises(WeightsError, match="exists already"):
        execute_single_file(plan_single_file(source, single.name, None), single)


def test_only_transformers_have_a_single_file_layout(nano):
    with pytest.raises(WeightsError, match="vae is vae"):
        plan_single_file(nano / "vae", "x.safetensors", None)


def test_a_lone_file_of_another_part_shows_no_configuration(nano):
    with pytest.raises(WeightsError, match=r"no config\.json"):
        plan_part(nano / "text_encoder/model.safetensors", None, GB)
