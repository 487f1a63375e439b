"""What only the native engine does, and when it is chosen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from zimage.utils.attention import attend, build_attend

from backend.services.errors import ModelBroken
from backend.services.generation.engines.auto import AutoEngine
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.inputs import Inputs
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.library.files import ModelFiles
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, draw, pixels
from tests.backend.services.library.weight_files import save_transformer, touch_again

AWAY = (
    LoadPlan("cpu", "float32", "sequential"),
    LoadPlan("cpu", "float32", "sequential", "fp8", resident_blocks=1, vae_tile=64),
    LoadPlan("cpu", "float32", "model"),
    LoadPlan("cpu", "float32", "model", "fp8", streams_encoder=True),
)


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> NativeEngine:
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return engine


def test_an_attention_kernel_that_does_not_work_falls_back_with_a_reason(tiny_model, loaded, caplog):
    engine = NativeEngine(attention_backend="flash3")
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert "attention backend 'flash3' is not used" in caplog.text
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_an_attention_kernel_that_works_is_used_silently(tiny_model, loaded, caplog):
    engine = NativeEngine(attention_backend="math")
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    blocks = engine._pipeline.transformer.blocks()
    assert "is not used" not in caplog.text
    assert {block.attention.attend.__qualname__ for block in blocks} == {build_attend("math").__qualname__}
    assert not any(block.attention.attend is attend for block in blocks)
    assert np.abs(pixels(engine) - pixels(loaded)).max() <= 1


def test_a_compiler_that_does_not_work_falls_back_with_a_reason(tiny_model, loaded, caplog, monkeypatch):
    from zimage import ZImagePipeline

    def fail(*_: object) -> None:
        raise RuntimeError("no compiler\nand a long story")

    monkeypatch.setattr(ZImagePipeline, "compile", fail)
    engine = NativeEngine(compile_blocks=True)
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)

    assert "the transformer is not compiled: no compiler" in caplog.text
    assert np.array_equal(pixels(engine), pixels(loaded))


@pytest.mark.parametrize(("shift", "guidance_scales"), [(3.0, [0.0]), (6.0, [0.0, 1.0])], ids=["turbo", "base"])
def test_a_compiled_model_is_warmed_up_as_it_is_used_and_forgotten_with_it(
    tiny_model, tmp_path, monkeypatch, shift, guidance_scales
):
    import torch
    from zimage import ZImagePipeline

    told: list[object] = []
    monkeypatch.setattr(ZImagePipeline, "compile", lambda *_: None)
    monkeypatch.setattr(ZImagePipeline, "warm_up", lambda *arguments: told.append(arguments[-1]) or 0.0)
    monkeypatch.setattr(torch.compiler, "reset", lambda: told.append("reset"))
    folder = changed(tiny_model, tmp_path / "model", "scheduler/scheduler_config.json", {"shift": shift})
    engine = NativeEngine(compile_blocks=True)

    engine.load(ModelFiles.of_folder(folder), PLAN)
    assert told == guidance_scales
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert told == [*guidance_scales, "reset", 0.0]


def test_a_second_picture_of_a_prompt_does_not_encode_it_again(loaded):
    calls: list[None] = []
    hook = loaded._pipeline.text_encoder.model.register_forward_hook(lambda *_: calls.append(None))
    pixels(loaded, prompt="a prompt that is new", seed=1)
    pixels(loaded, prompt="a prompt that is new", seed=2)
    hook.remove()
    assert len(calls) == 1


def test_weights_in_bfloat16_are_multiplied_in_float32_where_a_processor_has_nothing_better(
    tiny_model, loaded, monkeypatch
):
    monkeypatch.setenv("ZIMAGE_PRODUCTS", "float32")
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", "bfloat16"))
    transformer = engine._pipeline.transformer
    assert (str(transformer.dtype), str(transformer.compute_dtype)) == ("torch.bfloat16", "torch.float32")
    assert np.abs(pixels(engine) - pixels(loaded)).mean() < 4


@pytest.mark.parametrize("plan", AWAY, ids=lambda plan: f"{plan.offload} {plan.quantization}")
def test_a_model_that_is_partly_away_draws_the_same(tiny_model, plan):
    resident, away = NativeEngine(), NativeEngine()
    resident.load(ModelFiles.of_folder(tiny_model), replace(PLAN, quantization=plan.quantization))
    away.load(ModelFiles.of_folder(tiny_model), plan)
    pipeline = away._pipeline
    assert (pipeline.transformer.stream is not None) == (plan.offload == "sequential")
    assert pipeline.text_encoder.model.stream is not None
    assert np.array_equal(pixels(away), pixels(resident))
    assert pipeline.text_encoder.model.stream.device_bytes == 0
    assert (pipeline.vae_tiles is None) == (plan.vae_tile == 0)


def test_a_cancel_in_the_middle_leaves_a_streamed_model_usable(tiny_model, loaded):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), AWAY[0])
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 3

    recipe = a_recipe(seed=1, num_inference_steps=3)
    assert engine.generate(recipe, lambda event: None, cancelled) is None
    assert engine._pipeline.transformer.stream.device_bytes == 0
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_both_prompts_of_a_guided_picture_are_read_while_the_encoder_is_there(tiny_model, loaded):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", "float32", "model"))
    released: list[None] = []
    stream = engine._pipeline.text_encoder.model.stream
    release = stream.release
    stream.release = lambda: (released.append(None) if stream.device_bytes else None, release())
    guided = {"guidance_scale": 2.0, "negative_prompt": "blurry"}
    assert np.array_equal(pixels(engine, **guided), pixels(loaded, **guided))
    assert len(released) == 1


class Other:
    """Stands for diffusers."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def prepare(self) -> None:
        self.done.append("prepare")

    def load(self, files: ModelFiles, plan: LoadPlan, preview_map: object = None) -> None:
        self.done.append("load")

    def generate(self, recipe: object, emit: object, cancelled: object, inputs: object, partial_images: object) -> None:
        self.done.append("generate")
        self.inputs = inputs

    def unload(self) -> None:
        self.done.append("unload")


def test_auto_takes_the_native_engine_for_what_it_supports(tiny_model):
    other = Other()
    engine = AutoEngine(NativeEngine(), other)
    engine.prepare()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    image, events = draw(engine)
    engine.unload()
    assert image.size == (256, 256)
    assert len(events) == 3
    assert other.done == []


def test_auto_takes_the_native_engine_for_what_is_partly_away(tiny_model, of_files):
    other = Other()
    engine = AutoEngine(NativeEngine(), other)
    inputs = Inputs()
    for files in (ModelFiles.of_folder(tiny_model), of_files):
        engine.load(files, AWAY[1])
        assert engine.generate(a_recipe(), print, lambda: False, inputs) is not None
        assert pixels(engine).std() > 0
    assert other.done == []


def changed(model: Path, folder: Path, file: str, changes: dict[str, object]) -> Path:
    """Copies a model and changes some entries of one of its configurations."""
    shutil.copytree(model, folder)
    (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **changes}))
    return folder


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("scheduler/scheduler_config.json", {"use_karras_sigmas": True}),
        ("transformer/config.json", {"a_new_setting": 1}),
        ("text_encoder/config.json", {"model_type": "t5"}),
        ("text_encoder/config.json", {"quantization_config": {"quant_method": "bitsandbytes"}}),
        ("model_index.json", {"scheduler": ["diffusers", "FlowMatchHeunDiscreteScheduler"]}),
        ("model_index.json", {"_class_name": "ZImageOmniPipeline"}),
    ],
)
def test_auto_leaves_models_of_another_kind_to_diffusers_and_comes_back(tiny_model, tmp_path, file, changes):
    foreign = changed(tiny_model, tmp_path / "foreign", file, changes)
    other = Other()
    engine = AutoEngine(NativeEngine(), other)

    engine.load(ModelFiles.of_folder(foreign), PLAN)
    assert other.done == ["load"]
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    assert other.done == ["load", "unload"]
    assert pixels(engine).std() > 0


def test_a_picture_in_float16_is_that_of_float32(tiny_model, loaded, monkeypatch):
    monkeypatch.setenv("ZIMAGE_PRODUCTS", "native")
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", "float16"))
    difference = np.abs(pixels(engine) - pixels(loaded))
    assert difference.mean() < 1


def test_diffusers_refuses_float16_before_it_reads_anything(tmp_path):
    absent = ModelFiles.of_folder(tmp_path / "absent")
    with pytest.raises(ModelBroken, match="overflows in float16 with the diffusers engine: choose ZIMAGE_ENGINE=auto"):
        DiffusersEngine().load(absent, LoadPlan("cuda", "float16"))


def test_of_two_variants_of_the_weights_the_one_without_a_word_is_loaded(tiny_model, loaded, tmp_path):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "both"))
    for weights in folder.glob("*/*.safetensors"):
        weights.with_suffix(".fp16.safetensors").write_bytes(b"not to be opened")
    engine = NativeEngine()
    assert engine.supports(ModelFiles.of_folder(folder))
    engine.load(ModelFiles.of_folder(folder), PLAN)
    assert np.array_equal(pixels(engine), pixels(loaded))


def test_auto_leaves_a_folder_with_two_checkpoints_to_diffusers(tiny_model, tmp_path):
    folder = Path(shutil.copytree(tiny_model, tmp_path / "both"))
    [weights] = (folder / "transformer").glob("*.safetensors")
    shutil.copy(weights, weights.with_name("other.safetensors"))
    assert not NativeEngine().supports(ModelFiles.of_folder(folder))
    assert NativeEngine().supports(ModelFiles.of_folder(tiny_model))


def test_quantised_matrices_draw_nearly_the_same(tiny_model, loaded):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", "float32", quantization="int8"))
    assert np.abs(pixels(engine) - pixels(loaded)).mean() < 6


def test_diffusers_refuses_quantised_matrices_with_what_to_choose(tiny_model):
    with pytest.raises(ModelBroken, match="int8: choose ZIMAGE_ENGINE=auto or native, or ZIMAGE_QUANTIZATION=none"):
        DiffusersEngine().load(ModelFiles.of_folder(tiny_model), LoadPlan("cpu", "float32", quantization="int8"))


# -- models of single files -------------------------------------------------------------------------------------------


@pytest.fixture
def of_files(tiny_model, tmp_path) -> ModelFiles:
    transformer = save_transformer(tiny_model, tmp_path / "own.safetensors")
    return ModelFiles(
        "own", transformer, tiny_model / "text_encoder", tiny_model / "vae", tokenizer=tiny_model / "tokenizer"
    )


def test_a_model_of_files_draws_what_its_folder_draws(tiny_model, of_files):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    expected = pixels(engine)
    assert engine.supports(of_files)
    engine.load(of_files, PLAN)
    assert (pixels(engine) == expected).all()


def test_a_file_that_is_damaged_is_named_without_its_folder(of_files):
    data = of_files.transformer.read_bytes()
    of_files.transformer.write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelBroken, match=r"own\.safetensors") as caught:
        NativeEngine().load(of_files, PLAN)
    assert str(of_files.transformer.parent) not in str(caught.value)


def test_the_diffusers_engine_refuses_files_with_what_to_choose(of_files):
    with pytest.raises(ModelBroken, match="ZIMAGE_ENGINE=auto or native"):
        DiffusersEngine().load(of_files, PLAN)


@pytest.mark.parametrize("plan", [PLAN, AWAY[0]], ids=lambda plan: plan.offload)
def test_two_models_hold_the_text_encoder_that_they_share_once(tiny_model, of_files, tmp_path, plan):
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(tiny_model), plan)
    expected, held = pixels(engine), engine._pipeline
    encoder, transformer = held.text_encoder, held.transformer
    engine.load(of_files, plan)
    assert engine._pipeline.text_encoder is encoder
    assert engine._pipeline.transformer is not transformer
    assert (pixels(engine) == expected).all()
    other = replace(
        of_files, name="other", transformer=save_transformer(tiny_model, tmp_path / "y.safetensors"), shift=6.0
    )
    engine.load(other, plan)
    assert engine._pipeline.text_encoder is encoder
    assert (pixels(engine) != expected).any()


@pytest.mark.parametrize("change", ["plan", "encoder", "file"])
def test_what_is_not_the_same_is_loaded_anew(tiny_model, of_files, tmp_path, change):
    lent = Path(shutil.copytree(tiny_model, tmp_path / "lent"))
    mine = replace(of_files, text_encoder=lent / "text_encoder", vae=lent / "vae")
    engine = NativeEngine()
    engine.load(mine, PLAN)
    encoder = engine._pipeline.text_encoder
    if change == "file":
        [weights] = (lent / "text_encoder").glob("*.safetensors")
        touch_again(weights)
    engine.load(
        replace(mine, text_encoder=tiny_model / "text_encoder") if change == "encoder" else mine,
        LoadPlan("cpu", "bfloat16") if change == "plan" else PLAN,
    )
    assert engine._pipeline.text_encoder is not encoder


def test_a_transformer_that_cannot_be_loaded_leaves_nothing_behind(tiny_model, of_files):
    engine = NativeEngine()
    engine.load(of_files, PLAN)
    bad = replace(of_files, transformer=tiny_model / "vae")
    with pytest.raises(ModelBroken, match="holds no transformer"):
        engine.load(bad, PLAN)
    engine.load(of_files, PLAN)
    assert pixels(engine).std() > 0
