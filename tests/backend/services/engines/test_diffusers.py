"""The real pipeline with tiny random weights."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.services.engines.base import EngineRequest, StepEvent
from backend.services.engines.diffusers import MAX_PROMPT_TOKENS, DiffusersEngine
from backend.services.errors import BlankPicture, Cancelled, ModelBroken, OutOfMemory
from backend.services.planner import LoadPlan
from backend.services.preview import PreviewMap

PLAN = LoadPlan("cpu", "float32")


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> DiffusersEngine:
    engine = DiffusersEngine()
    engine.load(tiny_model, PLAN)
    return engine


def a_request(prompt: str = "a red apple", seed: int = 1, **values: Any) -> EngineRequest:
    facts = {"width_px": 256, "height_px": 256, "num_inference_steps": 3, "guidance_scale": 0.0}
    return EngineRequest(prompt=prompt, seed=seed, **{**facts, **values})


def draw(engine: DiffusersEngine, request: EngineRequest) -> tuple[Image.Image, list[StepEvent]]:
    events: list[StepEvent] = []
    [image] = engine.generate(request, events.append)
    return image, events


def pixels(engine: DiffusersEngine, **values: Any) -> np.ndarray:
    return np.asarray(draw(engine, a_request(**values))[0]).astype(int)


@pytest.fixture
def decodes(loaded, monkeypatch) -> list[None]:
    """Grows by one at every decode of the autoencoder."""
    seen: list[None] = []
    decode = loaded._pipeline.vae.decode
    monkeypatch.setattr(loaded._pipeline.vae, "decode", lambda *a, **k: (seen.append(None), decode(*a, **k))[1])
    return seen


@pytest.fixture
def timesteps(loaded) -> Iterator[list[float]]:
    """What the transformer is told of the time, forward by forward."""
    seen: list[float] = []

    def note(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen.append(float((kwargs["t"] if "t" in kwargs else args[1]).flatten()[0]))

    hook = loaded._pipeline.transformer.register_forward_pre_hook(note, with_kwargs=True)
    yield seen
    hook.remove()


@pytest.mark.parametrize(("width", "height"), [(256, 256), (320, 256)])
def test_a_picture_of_the_right_size(loaded, width, height):
    image, _ = draw(loaded, a_request(width_px=width, height_px=height))
    assert (image.size, image.mode) == ((width, height), "RGB")


def test_the_same_seed_is_the_same_picture_and_another_one_is_not(loaded):
    first = pixels(loaded, seed=5)
    assert np.array_equal(first, pixels(loaded, seed=5))
    assert not np.array_equal(first, pixels(loaded, seed=6))


def test_the_prompt_matters_in_chinese_too(loaded):
    pictures = [pixels(loaded, prompt=prompt) for prompt in ("一只红色的狐狸", "一只蓝色的狐狸", "a red fox")]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize(("steps", "forwards"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_n_steps_are_n_minus_one_forwards_each_of_them_told(loaded, timesteps, steps, forwards):
    _, events = draw(loaded, a_request(num_inference_steps=steps))

    assert events == [StepEvent(done, forwards) for done in range(forwards + 1)]
    assert len(timesteps) == forwards


def test_the_schedule_of_nine_steps_is_turbos(loaded, timesteps):
    assert loaded._pipeline.scheduler.config.shift == 3.0

    draw(loaded, a_request(num_inference_steps=9))

    sigmas = [1 - time for time in timesteps]  # Z-Image counts the time from noise (0) to picture (1)
    assert sigmas == pytest.approx([1, 0.954545, 0.9, 0.833333, 0.75, 0.642857, 0.5, 0.3], abs=1e-5)


@pytest.mark.parametrize("step", [1, 3, 4])
def test_a_cancel_ends_within_the_step_and_decodes_nothing(loaded, decodes, timesteps, step):
    def cancel(event: StepEvent) -> None:
        if event.forwards_done == step:
            raise Cancelled("Cancelled")

    before = pixels(loaded, num_inference_steps=5)
    decodes.clear(), timesteps.clear()

    with pytest.raises(Cancelled):
        loaded.generate(a_request(num_inference_steps=5), cancel)

    assert len(timesteps) == step
    assert decodes == []
    assert np.array_equal(before, pixels(loaded, num_inference_steps=5))
    assert len(decodes) == 1


def test_the_prompt_is_encoded_without_its_padding_to_the_same_picture(loaded, monkeypatch):
    lengths: list[int] = []
    encode = loaded._pipeline.text_encoder.forward

    def note(*args: Any, **kwargs: Any) -> Any:
        lengths.append(kwargs["input_ids"].shape[1])
        return encode(*args, **kwargs)

    monkeypatch.setattr(loaded._pipeline.text_encoder, "forward", note)
    short = pixels(loaded, prompt="一只红色的狐狸")
    monkeypatch.setattr("backend.services.engines.diffusers._count_tokens", lambda *_: MAX_PROMPT_TOKENS)
    padded = pixels(loaded, prompt="一只红色的狐狸")

    assert lengths[0] < lengths[1] == MAX_PROMPT_TOKENS
    assert np.abs(short - padded).max() <= 1


def test_a_prompt_longer_than_the_model_reads_is_cut(loaded):
    long = "狐狸" * 2000
    assert np.array_equal(pixels(loaded, prompt=long), pixels(loaded, prompt=long + "苹果"))


def test_nan_is_no_picture(loaded, monkeypatch):
    weight = loaded._pipeline.vae.decoder.conv_out.bias
    kept = weight.data.clone()
    weight.data.fill_(float("nan"))
    try:
        with pytest.raises(BlankPicture, match="NaN"):
            draw(loaded, a_request())
    finally:
        weight.data.copy_(kept)
    assert draw(loaded, a_request())[0].size == (256, 256)


@pytest.mark.parametrize(
    "error", [MemoryError("no"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate")]
)
def test_memory_that_does_not_suffice(loaded, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(loaded._pipeline.transformer, "forward", fail)
        with pytest.raises(OutOfMemory, match="smaller size") as caught:
            draw(loaded, a_request())
    assert caught.value.__context__ is None  # nothing holds the tensors of the failed picture
    assert draw(loaded, a_request())[0].size == (256, 256)


def test_another_runtime_error_is_not_called_memory(loaded, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("shapes do not match")

    with monkeypatch.context() as patch:
        patch.setattr(loaded._pipeline.transformer, "forward", fail)
        with pytest.raises(RuntimeError, match="shapes"):
            draw(loaded, a_request())


def test_an_attention_backend_that_does_not_work_falls_back_with_a_reason(tiny_model, loaded, caplog):
    engine = DiffusersEngine(attention_backend="flash")
    engine.load(tiny_model, PLAN)

    assert "attention backend 'flash' is not used" in caplog.text
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_an_attention_backend_that_works_is_used_silently(tiny_model, loaded, caplog):
    engine = DiffusersEngine(attention_backend="native")
    engine.load(tiny_model, PLAN)

    assert "is not used" not in caplog.text
    assert np.abs(pixels(engine) - pixels(loaded)).max() <= 1


def test_a_compiler_that_does_not_work_falls_back_with_a_reason(tiny_model, loaded, caplog, monkeypatch):
    from diffusers import ZImageTransformer2DModel

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler\nand a long story")

    monkeypatch.setattr(ZImageTransformer2DModel, "compile_repeated_blocks", fail)
    engine = DiffusersEngine(compile_blocks=True)
    engine.load(tiny_model, PLAN)

    assert "the transformer is not compiled: no compiler" in caplog.text
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_a_second_load_replaces_the_first(tiny_model):
    engine = DiffusersEngine()
    engine.load(tiny_model, PLAN)
    first = engine._pipeline
    engine.load(tiny_model, PLAN)
    assert engine._pipeline is not first
    engine.unload()
    assert engine._pipeline is None
    with pytest.raises(RuntimeError, match="before load"):
        draw(engine, a_request())


@pytest.fixture
def broken(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "broken"))


def weights_of(folder: Path, part: str) -> Path:
    [file] = (folder / part).glob("*.safetensors")
    return file


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_a_file_of_weights_that_is_cut_is_named(broken, part):
    file = weights_of(broken, part)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelBroken, match=part):
        DiffusersEngine().load(broken, PLAN)


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae", "tokenizer", "scheduler"])
def test_a_part_that_is_missing_is_named(broken, part):
    shutil.rmtree(broken / part)
    with pytest.raises(ModelBroken, match=part):
        DiffusersEngine().load(broken, PLAN)


def test_an_index_that_is_damaged(broken):
    (broken / "model_index.json").write_text("{")
    with pytest.raises(ModelBroken, match="broken"):
        DiffusersEngine().load(broken, PLAN)


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_weights_of_another_model_are_refused(broken, part):
    from safetensors.torch import load_file, save_file

    file = weights_of(broken, part)
    save_file({f"other.{name}": tensor for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    with pytest.raises(ModelBroken, match=part):
        DiffusersEngine().load(broken, PLAN)


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_weights_of_another_shape_are_refused(broken, part):
    from safetensors.torch import load_file, save_file

    file = weights_of(broken, part)
    tensors = load_file(file)
    name = max(tensors, key=lambda name: tensors[name].numel())
    tensors[name] = tensors[name][: tensors[name].shape[0] // 2].contiguous()
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(ModelBroken, match=part):
        DiffusersEngine().load(broken, PLAN)


def test_pickled_weights_are_not_opened(broken):
    import torch
    from safetensors.torch import load_file

    file = weights_of(broken, "vae")
    torch.save(load_file(file), file.with_suffix(".bin"))
    file.unlink()
    with pytest.raises(ModelBroken, match="vae"):
        DiffusersEngine().load(broken, PLAN)


def test_code_beside_the_weights_is_not_run(broken, tmp_path):
    (broken / "transformer" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    config = json.loads((broken / "transformer" / "config.json").read_text())
    (broken / "transformer" / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with contextlib.suppress(ModelBroken):
        DiffusersEngine().load(broken, PLAN)
    assert not (tmp_path / "ran").exists()


def test_previews_come_closer_to_the_picture_and_change_nothing(loaded):
    channels = loaded._pipeline.transformer.config.in_channels
    preview_map = PreviewMap(rows=((1.0, 0.5, 0.25),) * channels, offset=(0.0, 0.0, 0.0))
    plain = pixels(loaded, num_inference_steps=5)
    events: list[StepEvent] = []
    [image] = loaded.generate(a_request(num_inference_steps=5, preview_map=preview_map), events.append)

    assert np.array_equal(np.asarray(image).astype(int), plain)
    assert [event.preview is None for event in events] == [True, False, False, False, False]
    side = 256 // loaded._pipeline.vae_scale_factor
    assert {(event.preview.width_px, event.preview.height_px) for event in events[1:]} == {(side, side)}
    shown = [np.frombuffer(event.preview.data, np.uint8).astype(int) for event in events[1:]]
    distances = [np.abs(preview - shown[-1]).mean() for preview in shown]
    assert distances[0] > distances[-2] > distances[-1] == 0


def test_a_map_of_other_channels_gives_no_preview(loaded):
    events: list[StepEvent] = []
    loaded.generate(a_request(preview_map=PreviewMap(rows=((1.0, 1.0, 1.0),) * 3, offset=(0, 0, 0))), events.append)
    assert all(event.preview is None for event in events)


def test_a_cancel_before_the_first_forward_runs_none(loaded):
    transformer, forwards = loaded._pipeline.transformer, []
    done = transformer.register_forward_hook(lambda *_: forwards.append(None))
    hooks = len(transformer._forward_pre_hooks)

    def cancel(event: StepEvent) -> None:
        raise Cancelled("Cancelled")

    with pytest.raises(Cancelled):
        loaded.generate(a_request(), cancel)
    done.remove()
    assert forwards == []
    assert len(transformer._forward_pre_hooks) == hooks
