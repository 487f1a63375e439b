"""Folders that are incomplete, damaged or of another model are told by their part, before they cost anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.errors import PartError
from zimage.weights.folder import check_weight_files, read_config

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "tokenizer", "vae", "scheduler"])
def test_a_part_that_is_missing_is_named(folder, tmp_path, part):
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    shutil.rmtree(broken / part)
    with pytest.raises(PartError, match=part) as caught:
        ZImagePipeline.from_local_dir(broken, device="cpu")
    assert caught.value.part == part


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_a_file_that_is_cut_is_named(folder, tmp_path, part):
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    [file] = (broken / part).glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(PartError, match=file.name) as caught:
        ZImagePipeline.from_local_dir(broken, device="cpu")
    assert caught.value.part == part


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        ("text_encoder/config.json", {"model_type": "gpt2"}, "gpt2"),
        ("transformer/config.json", {"n_layer": 3}, "n_layer"),
        ("transformer/config.json", {"cap_feat_dim": 7}, "text encoder's width"),
        ("vae/config.json", {"act_fn": "relu"}, "relu"),
        ("scheduler/scheduler_config.json", {"use_karras_sigmas": True}, "use_karras_sigmas"),
        ("scheduler/scheduler_config.json", {"_class_name": "FlowMatchHeunDiscreteScheduler"}, "Heun"),
        ("vae/config.json", {"_class_name": "AsymmetricAutoencoderKL"}, "Asymmetric"),
        ("transformer/config.json", {"_class_name": "FluxTransformer2DModel"}, "FluxTransformer"),
        ("text_encoder/config.json", {"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
        ("model_index.json", {"_class_name": "FluxPipeline"}, "FluxPipeline"),
        ("transformer/config.json", {"siglip_feat_dim": 16}, "Omni variant"),
    ],
)
def test_a_configuration_of_another_model_is_told_before_any_weight_is_read(folder, tmp_path, file, changes, words):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    for weights in other.rglob("*.safetensors"):
        weights.unlink()
    (other / file).write_text(json.dumps({**json.loads((other / file).read_text()), **changes}))
    with pytest.raises(PartError, match=words) as caught:
        read_config(other)
    assert caught.value.part == file.split("/")[0]


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("scheduler", ["diffusers", "FlowMatchHeunDiscreteScheduler"]),
        ("text_encoder", ["transformers", "T5EncoderModel"]),
        ("vae", ["diffusers"]),
        ("transformer", None),
    ],
)
def test_an_index_of_other_parts_is_told_by_part(folder, tmp_path, part, entry):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    index = other / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), part: entry}))
    with pytest.raises(PartError, match="model_index") as caught:
        read_config(other)
    assert caught.value.part == part


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_a_second_checkpoint_is_told_by_part(folder, tmp_path, part):
    check_weight_files(folder)
    both = Path(shutil.copytree(folder, tmp_path / "both"))
    [weights] = (both / part).glob("*.safetensors")
    shutil.copy(weights, weights.with_name("other.safetensors"))
    with pytest.raises(PartError, match="several checkpoints") as caught:
        check_weight_files(both)
    assert caught.value.part == part
