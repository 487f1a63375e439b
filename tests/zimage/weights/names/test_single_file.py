"""Both key layouts hold the same values; diffusers' own conversion is the judge."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from zimage.errors import WeightsError
from zimage.utils.loader import load_weights
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.files.safetensors_file import read_tensor
from zimage.weights.names.single_file import from_published, is_single_file, to_published

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def published():
    """The tensors of a tiny transformer, by their published names."""
    from diffusers import ZImageTransformer2DModel

    torch.manual_seed(2)
    model = ZImageTransformer2DModel(
        dim=64, n_layers=1, n_refiner_layers=1, n_heads=1, n_kv_heads=1, cap_feat_dim=32, axes_dims=[16, 24, 24]
    )
    with torch.no_grad():
        return {name: torch.randn_like(value) for name, value in model.state_dict().items()}


@pytest.fixture
def folder(published, tmp_path):
    save_file(published, tmp_path / "published.safetensors")
    return tmp_path / "published.safetensors"


def pack(folder, path, prefix="", **others):
    packed = from_published(open_checkpoint(folder), prefix)
    tensors = {name: torch.cat([read_tensor(part) for part in parts]) for name, parts in packed.items()}
    save_file(tensors | others, path)
    return path


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model."])
def test_single_file_round_trip_keeps_every_tensor(published, folder, tmp_path, prefix):
    single = pack(folder, tmp_path / "single.safetensors", prefix)
    back = to_published(open_checkpoint(single))
    assert back.keys() == published.keys()
    assert all(torch.equal(read_tensor(back[name]), value) for name, value in published.items())


def test_single_file_names_are_those_of_comfyui(folder):
    names = from_published(open_checkpoint(folder), "model.diffusion_model.").keys()
    ours = {name.removeprefix("model.diffusion_model.") for name in names}
    block = "layers.0."
    assert {name.removeprefix(block) for name in ours if name.startswith(block)} == {
        "attention.qkv.weight", "attention.out.weight", "attention.q_norm.weight", "attention.k_norm.weight",
        "feed_forward.w1.weight", "feed_forward.w2.weight", "feed_forward.w3.weight",
        "attention_norm1.weight", "attention_norm2.weight", "ffn_norm1.weight", "ffn_norm2.weight",
        "adaLN_modulation.0.weight", "adaLN_modulation.0.bias",
    }  # fmt: skip
    assert {name for name in ours if not name.startswith((block, "noise_refiner.", "context_refiner."))} == {
        "x_embedder.weight", "x_embedder.bias", "final_layer.linear.weight", "final_layer.linear.bias",
        "final_layer.adaLN_modulation.1.weight", "final_layer.adaLN_modulation.1.bias",
        "t_embedder.mlp.0.weight", "t_embedder.mlp.0.bias", "t_embedder.mlp.2.weight", "t_embedder.mlp.2.bias",
        "cap_embedder.0.weight", "cap_embedder.1.weight", "cap_embedder.1.bias", "x_pad_token", "cap_pad_token",
    }  # fmt: skip


def test_diffusers_reads_our_single_file_as_the_same_model(published, folder, tmp_path):
    from diffusers.loaders.single_file_utils import convert_z_image_transformer_checkpoint_to_diffusers

    single = pack(folder, tmp_path / "single.safetensors", "model.diffusion_model.")
    converted = convert_z_image_transformer_checkpoint_to_diffusers(load_file(single))
    assert converted.keys() == published.keys()
    assert all(torch.equal(converted[name], value) for name, value in published.items())


def test_the_loader_takes_a_single_file(published, folder, tmp_path):
    from diffusers import ZImageTransformer2DModel

    single = pack(folder, tmp_path / "single.safetensors", **{"norm_final.weight": torch.ones(64)})
    with torch.device("meta"):
        model = ZImageTransformer2DModel(
            dim=64, n_layers=1, n_refiner_layers=1, n_heads=1, n_kv_heads=1, cap_feat_dim=32, axes_dims=[16, 24, 24]
        )
    load_weights(model, single)
    assert all(torch.equal(value, published[name]) for name, value in model.state_dict().items())


def test_pad_tokens_without_their_first_axis(published, folder, tmp_path):
    flat = {name: value.view(-1) if name.endswith("pad_token") else value for name, value in published.items()}
    del flat["all_x_embedder.2-1.bias"], flat["all_final_layer.2-1.linear.bias"]
    flat["x_embedder.bias"] = published["all_x_embedder.2-1.bias"]
    flat["final_layer.linear.bias"] = published["all_final_layer.2-1.linear.bias"]
    save_file(flat, tmp_path / "flat.safetensors")
    back = to_published(open_checkpoint(tmp_path / "flat.safetensors"))
    assert {name: stored.shape for name, stored in back.items()} == {
        name: tuple(value.shape) for name, value in published.items()
    }


def test_a_checkpoint_of_all_parts_gives_its_transformer(published, folder, tmp_path):
    others = {"vae.decoder.conv_in.weight": torch.ones(1), "text_encoders.qwen3_4b.x": torch.ones(1)}
    single = pack(folder, tmp_path / "all.safetensors", "model.diffusion_model.", **others)
    assert to_published(open_checkpoint(single)).keys() == published.keys()


def test_tensors_of_no_part_are_named(folder, tmp_path):
    others = {"lora.up": torch.ones(1), "lora.down": torch.ones(1)}
    single = pack(folder, tmp_path / "odd.safetensors", "model.diffusion_model.", **others)
    with pytest.raises(WeightsError, match=r"lora\.down, lora\.up"):
        to_published(open_checkpoint(single))


def test_the_published_layout_passes_unchanged(folder):
    stored = open_checkpoint(folder)
    assert not is_single_file(stored)
    assert to_published(stored) == stored


def test_a_packed_matrix_of_odd_height_is_told(tmp_path):
    save_file({"layers.0.attention.qkv.weight": torch.ones(4, 2)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"layers\.0\.attention\.qkv\.weight \(4, 2\)"):
        to_published(open_checkpoint(tmp_path / "a.safetensors"))


def test_transformer_tensor_in_both_layouts_is_told(tmp_path):
    tensors = {"x_embedder.bias": torch.ones(2), "all_x_embedder.2-1.bias": torch.ones(2)}
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="twice"):
        to_published(open_checkpoint(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("lost", ["to_q", "to_k", "to_v"])
def test_incomplete_attention_cannot_be_packed(published, tmp_path, lost):
    rest = {name: value for name, value in published.items() if name != f"layers.0.attention.{lost}.weight"}
    save_file(rest, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=rf"layers\.0\.attention\.{lost}\.weight"):
        from_published(open_checkpoint(tmp_path / "a.safetensors"))


def test_other_patch_sizes_cannot_be_said(tmp_path):
    save_file({"all_x_embedder.4-1.weight": torch.ones(2)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="patch size 2-1"):
        from_published(open_checkpoint(tmp_path / "a.safetensors"))
