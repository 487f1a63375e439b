import json
import shutil

import pytest
import torch
from training.lora.errors import TrainingError
from training.lora.source import ModelPaths, open_source
from zimage.errors import PartError
from zimage.quant.linear import QuantLinear


def test_a_folder_says_its_size_schedule_and_name(source, tiny):
    assert (source.name, source.size_multiple) == ("tiny-nano", 32)
    assert source.sizes(None) == [(256, 256), (384, 256), (256, 384)]
    assert (64, 64) in source.sizes(64)
    assert source.scheduler.shift == json.loads((tiny / "scheduler" / "scheduler_config.json").read_text())["shift"]


def test_without_the_catalogue_s_facts_the_sizes_are_the_family_s(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "copy")
    (folder / "zimage.json").unlink()
    assert (1024, 1024) in open_source(ModelPaths(folder), "cpu").sizes(None)


def test_files_make_the_same_model_as_the_folder(source, tiny):
    paths = ModelPaths(
        tiny / "transformer" / "diffusion_pytorch_model.safetensors",
        tiny / "text_encoder" / "model.safetensors",
        tiny / "vae" / "diffusion_pytorch_model.safetensors",
        tiny / "tokenizer",
        shift=6.0,
    )
    with pytest.raises(PartError):  # a part without its configuration is taken to be as published
        open_source(paths, "cpu").load_transformer()
    parts = ModelPaths(tiny / "transformer", tiny / "text_encoder", tiny / "vae", tiny / "tokenizer", shift=6.0)
    opened = open_source(parts, "cpu")
    assert opened.scheduler.shift == 6.0
    mine, theirs = opened.load_transformer().state_dict(), source.load_transformer().state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_the_dtype_is_what_was_asked_for(tiny):
    assert open_source(ModelPaths(tiny), "cpu").load_transformer().dtype == torch.float32
    assert open_source(ModelPaths(tiny), "cpu", "bfloat16").load_transformer().dtype == torch.bfloat16


def test_quantised_matrices_are_multiplied_as_gradients_need_it(tiny):
    held = open_source(ModelPaths(tiny), "cpu", quantization="int8").load_transformer()
    products = {layer.product.name for layer in held.modules() if isinstance(layer, QuantLinear)}
    assert products == {"decode"}


def test_what_contradicts_itself_is_refused(tiny, tmp_path):
    with pytest.raises(TrainingError, match="does not exist"):
        open_source(ModelPaths(tmp_path / "none"), "cpu")
    with pytest.raises(TrainingError, match="are for single files"):
        open_source(ModelPaths(tiny, vae=tiny / "vae"), "cpu")
