"""Models of files without configurations: split as ComfyUI keeps them, or all parts in one, in several formats."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from training.nano.random_weights import make_random_nano
from zimage.autoencoder import AutoencoderKL
from zimage.config import VaeConfig
from zimage.errors import PartError
from zimage.pipeline import ZImagePipeline
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.identify import Part
from zimage.weights.names.single_file import from_published
from zimage.weights.parts import open_model, open_part

from tests.zimage.quantized_files import int8

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
PREFIXES = {
    "transformer": "model.diffusion_model.", "text_encoder": "text_encoders.qwen3_4b.transformer.model.", "vae": "vae.",
}  # fmt: skip
ASK = {"height": 64, "width": 64, "num_inference_steps": 3, "output_type": "pt"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A published folder whose settings are those that files without any are taken to have."""
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    config = path / "text_encoder" / "config.json"
    values = json.loads(config.read_text())
    values["rope_parameters"]["rope_theta"] = 1_000_000.0
    config.write_text(json.dumps(values))
    torch.manual_seed(0)
    config = VaeConfig(block_out_channels=(32,) * 4, layers_per_block=1)
    [file] = (path / "vae").glob("*.safetensors")
    save_file(AutoencoderKL(**config.to_dict()).state_dict(), file)
    (path / "vae" / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL", **config.to_dict()}))
    return path


def tensors_of(folder, part):
    [file] = (folder / part).glob("*.safetensors")
    if part != "transformer":
        return load_file(file)
    packed = from_published(open_checkpoint(file))
    return {name: torch.cat([piece.read() for piece in pieces]) for name, pieces in packed.items()}


def prefixed(tensors, prefix):
    return {prefix + name: tensor for name, tensor in tensors.items()}


@pytest.fixture(scope="module")
def split(folder, tmp_path_factory):
    """Three files, as in ComfyUI's folders."""
    path = tmp_path_factory.mktemp("split")
    save_file(tensors_of(folder, "transformer"), path / "z.safetensors")
    save_file(prefixed(tensors_of(folder, "text_encoder"), "model."), path / "qwen.safetensors")
    save_file(tensors_of(folder, "vae"), path / "ae.safetensors")
    return path / "z.safetensors", path / "qwen.safetensors", path / "ae.safetensors"


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """One checkpoint with all parts."""
    path = tmp_path_factory.mktemp("whole") / "aio.safetensors"
    save_file(
        {k: v for part, prefix in PREFIXES.items() for k, v in prefixed(tensors_of(folder, part), prefix).items()}, path
    )
    return path


@pytest.fixture(scope="module")
def expected(folder):
    pipeline = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.float32)
    return pipeline("a red fox", generator=torch.Generator().manual_seed(1), **ASK).images


def draw(folder, *files, **options):
    pipeline = ZImagePipeline.from_files(
        *files, tokenizer=folder / "tokenizer", device="cpu", dtype=torch.float32, **options
    )
    return pipeline("a red fox", generator=torch.Generator().manual_seed(1), **ASK).images


def test_split_files_draw_what_the_folder_draws(folder, split, expected):
    assert torch.equal(draw(folder, *split), expected)


def test_one_file_with_all_parts_draws_the_same(folder, whole, expected):
    assert torch.equal(draw(folder, whole), expected)


def test_parts_of_a_checkpoint_are_taken_apart(folder, whole, split, expected):
    assert torch.equal(draw(folder, split[0], whole, whole), expected)


def test_a_published_folder_of_a_part_is_taken_too(folder, split, expected):
    assert torch.equal(draw(folder, split[0], folder / "text_encoder", folder / "vae"), expected)


def test_the_shift_is_what_was_asked_for(folder, split, expected):
    assert not torch.equal(draw(folder, *split, shift=6.0), expected)


def test_a_quantised_encoder_beside_a_plain_transformer(folder, split, expected, tmp_path):
    tensors = {}
    for name, tensor in load_file(split[1]).items():
        if name.endswith("_proj.weight"):
            written = int8(tensor.double().numpy())
            tensors |= prefixed(written.marked(), name.removesuffix("weight"))
        else:
            tensors[name] = tensor
    save_file(tensors, tmp_path / "qwen-int8.safetensors")
    files = split[0], tmp_path / "qwen-int8.safetensors", split[2]
    assert 0 < float((draw(folder, *files) - expected).abs().max()) < 0.2
    assert 0 < float((draw(folder, *files, quantization="int8") - expected).abs().max()) < 0.3
    pipeline = ZImagePipeline.from_files(*files, tokenizer=folder / "tokenizer", device="cpu", quantization="int8")
    layer = pipeline.text_encoder.model.layers[0].mlp.gate_proj
    stored = load_file(files[1])["model.layers.0.mlp.gate_proj.weight"]
    assert torch.equal(layer.packed.weight, stored)


@pytest.mark.parametrize(
    ("part", "index", "message"),
    [
        (Part.TRANSFORMER, 1, "holds no transformer: it is a text encoder"),
        (Part.TEXT_ENCODER, 2, "holds no text encoder: it is a vae"),
        (Part.VAE, 0, "holds no vae: it is a transformer"),
    ],
)
def test_a_file_of_another_part_is_named(split, part, index, message):
    with pytest.raises(PartError, match=message):
        open_part(split[index], part)


def test_a_file_of_another_family_is_named(tmp_path):
    save_file({"double_blocks.0.img_attn.qkv.weight": torch.zeros(6, 2)}, tmp_path / "flux.safetensors")
    with pytest.raises(PartError, match=r"holds no transformer: it is FLUX\.1"):
        open_part(tmp_path / "flux.safetensors", Part.TRANSFORMER)


def test_parts_that_do_not_fit_each_other_are_named(folder, split, tmp_path):
    other = Path(shutil.copy(split[1], tmp_path / "other.safetensors"))
    tensors = load_file(other)
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"][:, :-8].contiguous()
    save_file(tensors, other)
    with pytest.raises(PartError, match=r"other\.safetensors is \d+ wide, and the transformer reads \d+"):
        open_model(split[0], other, split[2])
