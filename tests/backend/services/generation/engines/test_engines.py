"""What every engine promises, with tiny random weights: the same tests over both of them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.services.errors import BlankPicture, ModelBroken, OutOfMemory
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.events import JobEvent, Preview, Step
from backend.services.library.files import ModelFiles
from backend.services.library.preview_map import PreviewMap
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, draw, pixels

Kind = type[DiffusersEngine] | type[NativeEngine]
TestedEngine = DiffusersEngine | NativeEngine


@pytest.fixture(scope="module", params=[DiffusersEngine, NativeEngine])
def kind(request) -> Kind:
    return request.param


@pytest.fixture(scope="module")
def loaded(kind: Kind, tiny_model: Path) -> TestedEngine:
    engine = kind()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return engine


@pytest.fixture
def decodes(loaded, monkeypatch) -> list[None]:
    """Grows by one at every decode of the autoencoder."""
    seen: list[None] = []
    decode = loaded._pipeline.vae.decode
    monkeypatch.setattr(loaded._pipeline.vae, "decode", lambda *a, **k: (seen.append(None), decode(*a, **k))[1])
    return seen


@pytest.fixture
def times(loaded) -> Iterator[list[float]]:
    """The times that are embedded, from 0 (noise) to 1, whether forward by forward or all at once."""
    seen: list[float] = []
    hook = loaded._pipeline.transformer.t_embedder.register_forward_pre_hook(
        lambda _module, args: seen.extend((args[0] / 1000).tolist())
    )
    yield seen
    hook.remove()


@pytest.fixture
def forwards(loaded) -> Iterator[list[None]]:
    """Grows by one at every forward of the transformer."""
    seen: list[None] = []
    hook = loaded._pipeline.transformer.layers[0].register_forward_hook(lambda *_: seen.append(None))
    yield seen
    hook.remove()


@pytest.mark.parametrize(("width", "height"), [(256, 256), (320, 256)])
def test_a_picture_of_the_right_size(loaded, width, height):
    image, _ = draw(loaded, width=width, height=height)
    assert (image.size, image.mode) == ((width, height), "RGB")


def test_the_same_seed_is_the_same_picture_and_another_one_is_not(loaded):
    first = pixels(loaded, seed=5)
    assert np.array_equal(first, pixels(loaded, seed=5))
    assert not np.array_equal(first, pixels(loaded, seed=6))


def test_the_prompt_matters_in_chinese_too(loaded):
    pictures = [pixels(loaded, prompt=prompt) for prompt in ("一只红色的狐狸", "一只蓝色的狐狸", "a red fox")]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize(("steps", "n_forwards"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_n_steps_are_n_minus_one_forwards_each_of_them_told(loaded, forwards, steps, n_forwards):
    _, events = draw(loaded, num_inference_steps=steps)

    assert events == [Step(done, n_forwards) for done in range(n_forwards + 1)]
    assert len(forwards) == n_forwards


def test_the_schedule_of_nine_steps_is_turbos(loaded, times):
    assert loaded._pipeline.scheduler.config.shift == 3.0

    draw(loaded, num_inference_steps=9)

    sigmas = [1 - time for time in times]  # Z-Image counts the time from noise (0) to picture (1)
    assert sigmas == pytest.approx([1, 0.954545, 0.9, 0.833333, 0.75, 0.642857, 0.5, 0.3], abs=1e-5)


@pytest.mark.parametrize("shift", [1.0, 3.0, 7.5])
def test_a_shift_of_the_request_takes_the_place_of_the_models_own(loaded, times, shift):
    draw(loaded, num_inference_steps=9, shift=shift)

    linear = [1 - step / 8 for step in range(8)]
    assert [1 - time for time in times] == pytest.approx(
        [shift * level / (1 + (shift - 1) * level) for level in linear], abs=1e-5
    )


def test_the_models_own_shift_asked_for_is_the_same_picture(loaded):
    assert np.array_equal(pixels(loaded), pixels(loaded, shift=3.0))
    assert not np.array_equal(pixels(loaded), pixels(loaded, shift=1.0))


@pytest.mark.parametrize("step", [0, 1, 3, 4])
def test_a_cancel_ends_it_between_two_steps_and_decodes_nothing(loaded, decodes, forwards, step):
    before = pixels(loaded, num_inference_steps=5)
    decodes.clear(), forwards.clear()
    events: list[JobEvent] = []

    recipe = a_recipe(seed=1, num_inference_steps=5)
    assert loaded.generate(recipe, events.append, lambda: events[-1:] == [Step(step, 4)]) is None

    assert len(forwards) == step
    assert decodes == []
    assert np.array_equal(before, pixels(loaded, num_inference_steps=5))
    assert len(decodes) == 1


def test_a_prompt_longer_than_the_model_reads_is_cut(loaded):
    long = "狐狸" * 2000
    assert np.array_equal(pixels(loaded, prompt=long), pixels(loaded, prompt=long + "苹果"))


def test_nan_is_no_picture(loaded, monkeypatch):
    weight = loaded._pipeline.vae.decoder.conv_out.bias
    kept = weight.data.clone()
    weight.data.fill_(float("nan"))
    try:
        with pytest.raises(BlankPicture, match="NaN"):
            draw(loaded)
    finally:
        weight.data.copy_(kept)
    assert draw(loaded)[0].size == (256, 256)


@pytest.mark.parametrize(
    "error", [MemoryError("no"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate")]
)
def test_memory_that_does_not_suffice(loaded, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(loaded._pipeline.transformer.layers[0], "forward", fail)
        with pytest.raises(OutOfMemory, match="smaller size") as caught:
            draw(loaded)
    assert caught.value.__context__ is None  # nothing holds the tensors of the failed picture
    assert draw(loaded)[0].size == (256, 256)


def test_another_runtime_error_is_not_called_memory(loaded, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("shapes do not match")

    with monkeypatch.context() as patch:
        patch.setattr(loaded._pipeline.transformer.layers[0], "forward", fail)
        with pytest.raises(RuntimeError, match="shapes"):
            draw(loaded)


def test_a_second_load_replaces_the_first(kind, tiny_model):
    engine = kind()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    first = engine._pipeline
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert engine._pipeline is not first
    engine.unload()
    assert engine._pipeline is None
    with pytest.raises(RuntimeError, match="before load"):
        draw(engine)


@pytest.fixture
def broken(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "broken"))


def weights_of(folder: Path, part: str) -> Path:
    [file] = (folder / part).glob("*.safetensors")
    return file


@pytest.mark.parametrize("renamed", [None, "{stem}.fp16.safetensors", "mine.safetensors"])
def test_both_engines_choose_the_same_whole_file_among_others(kind, loaded, broken, renamed):
    for part in ("transformer", "text_encoder", "vae"):
        file = weights_of(broken, part)
        shards = {"weight_map": {"a": f"{file.stem}-00001-of-00001.safetensors"}}
        (broken / part / f"{file.stem}.safetensors.index.json").write_text(json.dumps(shards))
        (broken / part / f"._{file.name}").write_bytes(b"\0" * 16)
        if renamed is not None:
            file.rename(file.with_name(renamed.format(stem=file.stem)))
    engine = kind()
    engine.load(ModelFiles.of_folder(broken), PLAN)
    assert np.array_equal(pixels(engine), pixels(loaded))


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_a_file_of_weights_that_is_cut_is_named(kind, broken, part):
    file = weights_of(broken, part)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelBroken, match=part):
        kind().load(ModelFiles.of_folder(broken), PLAN)


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae", "tokenizer", "scheduler"])
def test_a_part_that_is_missing_is_named(kind, broken, part):
    shutil.rmtree(broken / part)
    with pytest.raises(ModelBroken, match=part):
        kind().load(ModelFiles.of_folder(broken), PLAN)


def test_an_index_that_is_damaged(kind, broken):
    (broken / "model_index.json").write_text("{")
    with pytest.raises(ModelBroken, match="broken"):
        kind().load(ModelFiles.of_folder(broken), PLAN)


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_weights_of_another_model_are_refused(kind, broken, part):
    from safetensors.torch import load_file, save_file

    file = weights_of(broken, part)
    save_file({f"other.{name}": tensor for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    with pytest.raises(ModelBroken, match=part):
        kind().load(ModelFiles.of_folder(broken), PLAN)


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_weights_of_another_shape_are_refused(kind, broken, part):
    from safetensors.torch import load_file, save_file

    file = weights_of(broken, part)
    tensors = load_file(file)
    name = max(tensors, key=lambda name: tensors[name].numel())
    tensors[name] = tensors[name][: tensors[name].shape[0] // 2].contiguous()
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(ModelBroken, match=part):
        kind().load(ModelFiles.of_folder(broken), PLAN)


def test_pickled_weights_are_not_opened(kind, broken):
    import torch
    from safetensors.torch import load_file

    file = weights_of(broken, "vae")
    torch.save(load_file(file), file.with_suffix(".bin"))
    file.unlink()
    with pytest.raises(ModelBroken, match="vae"):
        kind().load(ModelFiles.of_folder(broken), PLAN)


def test_code_beside_the_weights_is_not_run(kind, broken, tmp_path):
    (broken / "transformer" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    config = json.loads((broken / "transformer" / "config.json").read_text())
    (broken / "transformer" / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with contextlib.suppress(ModelBroken):
        kind().load(ModelFiles.of_folder(broken), PLAN)
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def previewing(kind, tiny_model):
    """Loads an engine with a map of so many channels, or of the model's own."""

    def load(channels: int | None = None) -> TestedEngine:
        engine = kind()
        engine.load(ModelFiles.of_folder(tiny_model), PLAN)
        channels = channels or engine._pipeline.transformer.config.in_channels
        engine.load(
            ModelFiles.of_folder(tiny_model),
            PLAN,
            PreviewMap(rows=((1.0, 0.5, 0.25),) * channels, offset=(0.0, 0.0, 0.0)),
        )
        return engine

    return load


def test_previews_come_closer_to_the_picture_and_change_nothing(loaded, previewing):
    plain = pixels(loaded, num_inference_steps=5)
    image, events = draw(previewing(), num_inference_steps=5)

    assert np.array_equal(np.asarray(image).astype(int), plain)
    assert [type(event) for event in events] == [Step, *[Preview, Step] * 4]
    previews = [event.pixels for event in events if isinstance(event, Preview)]
    side = 256 // 16  # of the embedded model's autoencoder
    assert {(preview.width_px, preview.height_px) for preview in previews} == {(side, side)}
    shown = [np.frombuffer(preview.data, np.uint8).astype(int) for preview in previews]
    distances = [np.abs(preview - shown[-1]).mean() for preview in shown]
    assert distances[0] > distances[-2] > distances[-1] == 0


def test_a_map_of_other_channels_gives_no_preview(previewing):
    _, events = draw(previewing(channels=3))
    assert {type(event) for event in events} == {Step}


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0])
def test_what_shall_not_be_seen_counts_with_guidance_alone(loaded, scale):
    plain, long = "", "blurry, " * 40  # longer than the prompt
    pictures = [pixels(loaded, guidance_scale=scale, negative_prompt=words) for words in (plain, "blurry", long)]
    assert [np.array_equal(pictures[0], picture) for picture in pictures] == [True, scale == 0, scale == 0]
    assert np.array_equal(pictures[1], pictures[2]) is (scale == 0)


def test_guidance_runs_no_more_forwards(loaded, forwards):
    draw(loaded, num_inference_steps=3, guidance_scale=3.0, negative_prompt="blurry")
    assert len(forwards) == 2


def test_both_engines_draw_the_same_picture(tiny_model):
    pictures = []
    for kind in (DiffusersEngine, NativeEngine):
        engine = kind()
        engine.load(ModelFiles.of_folder(tiny_model), PLAN)
        pictures.append([
            pixels(engine, guidance_scale=scale, negative_prompt=negative, shift=shift, num_inference_steps=9)
            for scale, negative, shift in (
                (0.0, "", None), (0.0, "", 6.0), (3.0, "", None), (3.0, "blurry, an old photograph of a dog", 1.5),
            )
        ])  # fmt: skip
    assert np.abs(np.subtract(*pictures)).max() <= 1
