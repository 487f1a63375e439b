"""Names of modules: the table against the real modules, and every prefix before every spelling."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from zimage.adapters.lora_keys import (
    Role,
    find_module,
    flat,
    guess_family,
    is_encoder,
    is_native,
    module_table,
    name_other_kind,
    split_key,
)
from zimage.config import TransformerConfig
from zimage.layers import RMSNorm
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.peers import TINY

OMNI = {**TINY, "siglip_feat_dim": 40, "all_patch_size": (2, 4), "all_f_patch_size": (1, 1)}
TABLE = module_table(TransformerConfig())
PREFIXES = (
    "", "transformer.", "diffusion_model.", "model.diffusion_model.", "base_model.model.", "pipe.dit.",
    "base_model.model.transformer.", "transformer.diffusion_model.", "transformer.transformer.", "unet.",
)  # fmt: skip
FLAT_PREFIXES = ("lora_unet_", "lora_transformer_", "lycoris_", "lycoris_transformer_")


@pytest.mark.parametrize("sizes", [TINY, OMNI, {**TINY, "qk_norm": False}], ids=["plain", "omni", "no norms"])
def test_the_table_has_the_real_modules_and_their_shapes(sizes):
    with torch.device("meta"):
        model = ZImageTransformer2DModel(**sizes)
    real = {
        (name, tuple(module.weight.shape))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | RMSNorm)
    }
    real |= {(name, (model.config.dim,)) for name, _ in model.named_parameters() if "pad_token" in name}
    table = module_table(model.config)
    assert {(target.name, target.shape) for targets in table.values() for target in targets} == real
    assert sum(is_native(name, table) for name in table) == len(real)


def test_every_matrix_and_norm_of_turbo_is_there():
    names = {target.name for targets in TABLE.values() for target in targets}
    assert sum("attention.to_" in name for name in names) == 4 * 34
    assert sum("adaLN" in name for name in names) == 32 + 1


SPELLINGS = {
    "layers.7.attention.to_q": ("layers.7.attention.to_q", "layers.7.attention.to.q"),
    "layers.7.attention.to_out.0": (
        "layers.7.attention.to_out.0", "layers.7.attention.out", "layers.7.attention.to_out",
    ),
    "noise_refiner.1.attention.norm_q": ("noise_refiner.1.attention.norm_q", "noise_refiner.1.attention.q_norm"),
    "context_refiner.0.feed_forward.w2": ("context_refiner.0.feed_forward.w2",),
    "layers.29.adaLN_modulation.0": ("layers.29.adaLN_modulation.0",),
    "all_x_embedder.2-1": ("all_x_embedder.2-1", "x_embedder"),
    "all_final_layer.2-1.linear": ("all_final_layer.2-1.linear", "final_layer.linear"),
    "all_final_layer.2-1.adaLN_modulation.1": ("final_layer.adaLN_modulation.1",),
    "cap_embedder.1": ("cap_embedder.1",),
    "t_embedder.mlp.2": ("t_embedder.mlp.2",),
    "x_pad_token": ("x_pad_token",),
}  # fmt: skip


@pytest.mark.parametrize("module", SPELLINGS)
def test_every_prefix_goes_before_every_spelling(module):
    for spelling in SPELLINGS[module]:
        dotted = [prefix + spelling for prefix in PREFIXES]
        underscored = [prefix + flat(spelling) for prefix in FLAT_PREFIXES]
        kept_dash = [prefix + spelling.replace(".", "_") for prefix in FLAT_PREFIXES]
        for path in (*dotted, *underscored, *kept_dash):
            name = find_module(path, TABLE)
            assert name is not None, path
            assert [target.name for target in TABLE[name]] == [module], path


def test_a_packed_module_is_three_in_the_order_of_its_rows():
    for prefix, spelling in itertools.product(("diffusion_model.", ""), ("layers.3.attention.qkv",)):
        name = find_module(prefix + spelling, TABLE)
        assert [target.module for target in TABLE[name]] == [f"layers.3.attention.to_{part}" for part in "qkv"]
        assert not is_native(name, TABLE)


@pytest.mark.parametrize(
    "path",
    [
        "transformer_blocks.0.attn.to_q", "double_blocks.0.img_attn.qkv", "layers.30.attention.to_q",
        "layers.0.attention", "lora_te_layers_3_self_attn_q_proj", "", "transformer.", "layers.0.attention.to_q.extra",
    ],
)  # fmt: skip
def test_what_the_transformer_does_not_have_is_not_found(path):
    assert find_module(path, TABLE) is None


@pytest.mark.parametrize(
    ("part", "role"),
    [
        ("lora_A.weight", Role.DOWN), ("lora_B.weight", Role.UP), ("lora_A.default.weight", Role.DOWN),
        ("lora_B.my-adapter.weight", Role.UP), ("lora_down.weight", Role.DOWN), ("lora_up.weight", Role.UP),
        ("lora.down.weight", Role.DOWN), ("lora.up.weight", Role.UP), ("lora_linear_layer.up.weight", Role.UP),
        ("lora_A", Role.DOWN), ("lora_B.bias", Role.UP_BIAS), ("lora_B.default.bias", Role.UP_BIAS),
        ("alpha", Role.ALPHA), ("dora_scale", Role.MAGNITUDE), ("lora_magnitude_vector", Role.MAGNITUDE),
        ("lora_magnitude_vector.default.weight", Role.MAGNITUDE), ("lora_magnitude_vector.weight", Role.MAGNITUDE),
        ("diff", Role.DIFF), ("w_norm", Role.DIFF), ("diff_b", Role.DIFF_BIAS), ("hada_w1_a", Role.HADA_1A),
        ("hada_w2_b", Role.HADA_2B), ("lokr_w1", Role.W1), ("lokr_w2", Role.W2), ("lokr_w2_a", Role.W2_A),
    ],
)  # fmt: skip
def test_the_end_of_a_key_is_the_part(part, role):
    assert split_key(f"layers.0.attention.to_q.{part}") == ("layers.0.attention.to_q", role)


@pytest.mark.parametrize(
    "key", ["layers.0.attention.to_q.weight", "lora_A.weight", "x.lora_A.weight.scale", "x.lokr_w3"]
)
def test_another_end_is_no_part(key):
    assert split_key(key) is None


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("oft_blocks", "OFT"), ("oft_R.default.weight", "OFT"), ("boft_R", "BOFT"), ("a1.weight", "GLoRA"),
        ("b2.weight", "GLoRA"), ("ia3_l.weight", "IA3"), ("on_input", "IA3"), ("vera_lambda_b", "VeRA"),
        ("hada_t1", "Tucker"), ("lokr_t2", "Tucker"), ("lora_mid.weight", "Tucker"), ("set_weight", "whole weights"),
        ("fourierft_spectrum", "FourierFT"), ("hra_u", "HRA"),
    ],
)  # fmt: skip
def test_other_kinds_are_named(part, kind):
    assert kind in str(name_other_kind(f"lycoris_layers_0_attention_to_q.{part}"))


def test_what_is_read_is_no_other_kind():
    for part in ("lora_A.weight", "lokr_w2_a", "hada_w1_b", "dora_scale", "diff", "diff_b", "w_norm", "alpha"):
        assert name_other_kind(f"transformer.layers.0.attention.to_q.{part}") is None


@pytest.mark.parametrize(
    "key",
    [
        "text_encoder.model.layers.0.self_attn.q_proj.lora_A.weight", "lora_te_layers_0_self_attn_q_proj.alpha",
        "text_encoders.qwen3.x.lora_A.weight", "lora_te1_text_model_x.lora_up.weight",
        "base_model.model.text_encoder.x.lora_A.weight", "model.layers.0.mlp.gate_proj.lora_A.weight",
    ],
)  # fmt: skip
def test_encoder_keys_are_told(key):
    assert is_encoder(key)
    assert not is_encoder("transformer.layers.0.attention.to_q.lora_A.weight")


@pytest.mark.parametrize(
    ("key", "family"),
    [
        ("lora_unet_double_blocks_0_img_attn_qkv.alpha", "Flux"), ("lora_unet_down_blocks_0_x.alpha", "XL"),
        ("lora_te1_text_model_x.alpha", "XL"), ("transformer.transformer_blocks.0.attn.to_q.lora_A.weight", "Qwen"),
        ("diffusion_model.blocks.0.cross_attn.k.lora_A.weight", "Wan"),
        ("joint_blocks.0.x.lora_A.weight", "Diffusion 3"),
    ],
)  # fmt: skip
def test_families_are_guessed(key, family):
    assert family in str(guess_family([key]))
    assert guess_family(["something.else"]) is None
