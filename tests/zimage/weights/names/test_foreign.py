"""Files of other families are named before anyone wonders why they do not load."""

import pytest
import torch
from safetensors.torch import save_file
from zimage.errors import WeightsError
from zimage.tools.inspect import as_text, inspect
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.identify import infer_transformer_config
from zimage.weights.names.foreign import name_foreign

NAMES = {
    "double_blocks.0.img_attn.qkv.weight": "FLUX.1",
    "model.diffusion_model.double_blocks.0.img_attn.qkv.weight": "FLUX.1",
    "double_stream_modulation_img.lin.weight": "FLUX.2",
    "distilled_guidance_layer.layers.0.in_layer.weight": "Chroma",
    "txt_in.individual_token_refiner.blocks.0.norm1.weight": "HunyuanVideo",
    "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight": "Stable Diffusion 3",
    "transformer_blocks.0.img_mlp.net.0.proj.weight": "Qwen-Image",
    "model.diffusion_model.label_emb.0.0.weight": "Stable Diffusion XL",
    "model.diffusion_model.input_blocks.0.0.weight": "Stable Diffusion 1 or 2",
    "blocks.0.cross_attn.k.weight": "Wan",
    "double_stream_blocks.0.block.ff_i.shared_experts.w1.weight": "HiDream-I1",
    "encoder.block.0.layer.0.SelfAttention.q.weight": "a T5 text encoder",
    "text_model.encoder.layers.0.self_attn.q_proj.weight": "a CLIP text encoder",
    "diffusion_model.layers.0.attention.to_q.lora_A.weight": "a LoRA, no model by itself",
    "control_layers.0.after_proj.weight": "a ControlNet for Z-Image, no model by itself",
    "context_refiner.0.attention.qkv.weight": "Lumina-Image 2",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_named_by_its_tensors(name, tmp_path):
    save_file({name: torch.zeros(6, 2)}, tmp_path / "model.safetensors")
    assert f"no Z-Image model, but {NAMES[name]}" in as_text(inspect(tmp_path / "model.safetensors"))


@pytest.mark.parametrize(
    "names",
    [
        ["context_refiner.0.attention.qkv.weight", "cap_pad_token"],
        ["model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight"],
        ["blk.0.attn_q.weight"],
        ["decoder.mid.block_1.conv1.weight"],
    ],
)
def test_parts_of_the_family_are_not_foreign(names):
    assert name_foreign(names) is None


def test_lumina_is_not_taken_for_a_transformer_of_the_family(tmp_path):
    save_file(
        {"x_embedder.weight": torch.zeros(2, 2), "context_refiner.0.attention.qkv.weight": torch.zeros(6, 2)},
        tmp_path / "model.safetensors",
    )
    with pytest.raises(WeightsError, match=r"no transformer of the family: this is Lumina-Image 2"):
        infer_transformer_config(open_checkpoint(tmp_path / "model.safetensors"))
