"""The autoencoder of single files; diffusers' own conversion is the judge."""

import re

import pytest
import torch
from safetensors.torch import save_file
from zimage.autoencoder import AutoencoderKL
from zimage.config import VaeConfig
from zimage.errors import WeightsError
from zimage.utils.loader import load_weights
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.conversion import execute, plan_part
from zimage.weights.files.safetensors_file import read_tensor
from zimage.weights.names.single_file import is_single_file, to_published

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
CONFIG = VaeConfig(block_out_channels=(32, 32, 64, 64), layers_per_block=1)
COARSEST = 3
PATTERNS = (
    (r"^(encoder)\.down_blocks\.(\d)", lambda m: f"{m[1]}.down.{m[2]}"),
    (r"^(decoder)\.up_blocks\.(\d)", lambda m: f"{m[1]}.up.{COARSEST - int(m[2])}"),
    (r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}"),
    (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_(q|k|v)\.", r"mid.attn_1.\1."),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
    (r"(down|up)samplers\.0", r"\1sample"),
    ("resnets", "block"),
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
)


def single_name(name):
    for pattern, replacement in PATTERNS:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture(scope="module")
def published():
    torch.manual_seed(5)
    return {name: torch.randn_like(value) for name, value in AutoencoderKL(**CONFIG.to_dict()).state_dict().items()}


@pytest.fixture(scope="module")
def single(published):
    """The same weights as latent diffusion names them, projections as convolutions."""
    named = {single_name(name): value for name, value in published.items()}
    return {
        name: value[:, :, None, None] if ".attn_1." in name and value.dim() == 2 else value
        for name, value in named.items()
    }


@pytest.fixture
def path(single, tmp_path):
    save_file({name: value.contiguous() for name, value in single.items()}, tmp_path / "ae.safetensors")
    return tmp_path / "ae.safetensors"


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_diffusers_takes_the_file_for_the_same_model(published, single):
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    assert_same(convert_ldm_vae_checkpoint(dict(single), CONFIG.to_dict()), published)


@pytest.mark.parametrize("prefix", ["", "vae.", "first_stage_model."])
def test_names_and_shapes_become_the_published_ones(published, single, tmp_path, prefix):
    path = tmp_path / "ae.safetensors"
    save_file({prefix + name: value.contiguous() for name, value in single.items()}, path)
    assert is_single_file(open_checkpoint(path))
    assert_same({name: read_tensor(at) for name, at in to_published(open_checkpoint(path)).items()}, published)


def test_the_loader_takes_the_file(published, path):
    with torch.device("meta"):
        model = AutoencoderKL(**CONFIG.to_dict())
    load_weights(model, path)
    assert_same(model.state_dict(), published)


def test_a_folder_is_made_of_the_file(published, path, tmp_path):
    execute(plan_part(path, None, 10**9), tmp_path / "vae")
    assert VaeConfig.from_file(tmp_path / "vae/config.json") == CONFIG
    assert_same({name: read_tensor(at) for name, at in open_checkpoint(tmp_path / "vae").items()}, published)


def test_autoencoder_tensor_in_both_layouts_is_told(tmp_path):
    names = ("encoder.mid.block_1.conv1.bias", "encoder.mid_block.resnets.0.conv1.bias")
    save_file({name: torch.ones(1) for name in names}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="twice"):
        to_published(open_checkpoint(tmp_path / "a.safetensors"))
