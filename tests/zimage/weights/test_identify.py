"""Names and shapes tell what a checkpoint is."""

from pathlib import Path

import pytest
import torch
from zimage.config import TransformerConfig, VaeConfig
from zimage.errors import WeightsError
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.files.safetensors_file import StoredTensor
from zimage.weights.identify import Part, identify_part, infer_transformer_config, infer_vae_config, name_member

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
SMALL = TransformerConfig(
    dim=256, n_layers=3, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=48, in_channels=8
)


def shapes_of(config):
    """The tensors of a transformer as if they lay in a file."""
    from diffusers import ZImageTransformer2DModel

    with torch.device("meta"):
        model = ZImageTransformer2DModel(**config.to_dict())
    return {
        name: StoredTensor(Path("x"), 0, value.dtype, tuple(value.shape)) for name, value in model.state_dict().items()
    }


@pytest.mark.parametrize(
    "config",
    [
        TransformerConfig(),
        SMALL,
        TransformerConfig(
            **SMALL.to_dict() | {"siglip_feat_dim": 24, "all_patch_size": (2, 4), "all_f_patch_size": (1, 2)}
        ),
        TransformerConfig(**SMALL.to_dict() | {"n_heads": 4, "n_kv_heads": 4, "axes_dims": (16, 24, 24)}),
    ],
)
def test_the_configuration_is_read_off_the_shapes(config):
    assert infer_transformer_config(shapes_of(config)) == config


@pytest.mark.parametrize(
    ("part", "folder"),
    [(Part.TRANSFORMER, "transformer"), (Part.VAE, "vae"), (Part.TEXT_ENCODER, "text_encoder")],
)
def test_the_parts_of_the_embedded_model_are_known(part, folder, request):
    path = request.config.rootpath / "Z-Image/ckpts/zimage-nano" / folder
    assert identify_part(open_checkpoint(path)) is part


def test_the_embedded_transformer_shows_its_configuration(request):
    path = request.config.rootpath / "Z-Image/ckpts/zimage-nano/transformer"
    inferred = infer_transformer_config(open_checkpoint(path)).to_dict()
    told = TransformerConfig.from_file(path / "config.json").to_dict()
    assert inferred | {"axes_lens": None} == told | {"axes_lens": None}


@pytest.mark.parametrize("config", [VaeConfig(), VaeConfig(layers_per_block=1, use_quant_conv=True, sample_size=1024)])
def test_the_configuration_of_an_autoencoder_is_read_off_the_shapes(config):
    from diffusers import AutoencoderKL

    with torch.device("meta"):
        model = AutoencoderKL(**config.to_dict())
    shapes = {
        name: StoredTensor(Path("x"), 0, value.dtype, tuple(value.shape)) for name, value in model.state_dict().items()
    }
    assert infer_vae_config(shapes) == config
    del shapes["encoder.conv_in.weight"]
    with pytest.raises(WeightsError, match=r"encoder\.conv_in\.weight is missing"):
        infer_vae_config(shapes)


def test_unknown_tensors_are_of_no_known_part():
    assert identify_part({"conv.weight": StoredTensor(Path("x"), 0, torch.float32, (1,))}) is Part.UNKNOWN


@pytest.mark.parametrize(
    "lost", ["all_x_embedder.2-1.weight", "layers.0.attention.norm_q.weight", "cap_embedder.0.weight"]
)
def test_a_missing_tensor_is_named(lost):
    shapes = shapes_of(SMALL)
    del shapes[lost]
    with pytest.raises(WeightsError, match=lost.replace("2-1", r"\*")):
        infer_transformer_config(shapes)


def test_a_missing_layer_is_told():
    shapes = {name: stored for name, stored in shapes_of(SMALL).items() if not name.startswith("layers.1.")}
    with pytest.raises(WeightsError, match=r"layers has only the numbers \[0, 2\]"):
        infer_transformer_config(shapes)


@pytest.mark.parametrize("shape", [(), (0,), (3, 3)])
def test_shape_that_shows_no_configuration_is_told(shape):
    name = "layers.0.attention.norm_q.weight"
    shapes = shapes_of(SMALL) | {name: StoredTensor(Path("x"), 0, torch.float32, shape)}
    with pytest.raises(WeightsError, match="norm_q"):
        infer_transformer_config(shapes)


@pytest.mark.parametrize(
    ("config", "shift", "name"),
    [
        (TransformerConfig(), 3.0, "Z-Image-Turbo"),
        (TransformerConfig(), 6.0, "Z-Image"),
        (TransformerConfig(), None, "Z-Image-Turbo or Z-Image, whose tensors have the same shapes"),
        (TransformerConfig(siglip_feat_dim=1152), None, "Z-Image-Omni-Base or Z-Image-Edit"),
        (SMALL, 3.0, "a small model of the Z-Image family (256 wide, 3 layers)"),
    ],
)
def test_the_member_of_the_family_is_named(config, shift, name):
    assert name_member(config, shift) == name
