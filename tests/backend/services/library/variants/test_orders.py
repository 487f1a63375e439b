from __future__ import annotations

import pytest

from backend.services.library.hub.client import HubFile
from backend.services.library.variants.orders import Order, Piece
from backend.services.library.variants.table import VARIANTS

BY_ID = {variant.id: variant for variant in VARIANTS}


def test_a_published_model_goes_into_a_folder_of_its_name(tmp_path):
    order = Order(BY_ID["z-image-turbo"], tmp_path)
    assert order.pieces == (Piece("Tongyi-MAI/Z-Image-Turbo"),)
    file = HubFile("vae/config.json", 1, None, "")
    assert order.target_of(order.pieces[0], file) == tmp_path / "Z-Image-Turbo" / "vae" / "config.json"


def test_single_files_go_where_comfyui_has_them(tmp_path):
    order = Order(BY_ID["z_image-Q4_K_M"], tmp_path)
    assert {piece.repository: piece.paths for piece in order.pieces} == {
        "jayn7/Z-Image-GGUF": ("z_image-Q4_K_M.gguf",),
        "unsloth/Qwen3-4B-GGUF": ("Qwen3-4B-Q4_K_M.gguf",),
        "Comfy-Org/z_image_turbo": ("split_files/vae/ae.safetensors",),
    }
    assert (order.folder, list(order.targets())) == (
        None,
        [
            tmp_path / "diffusion_models" / "z_image-Q4_K_M.gguf",
            tmp_path / "text_encoders" / "Qwen3-4B-Q4_K_M.gguf",
            tmp_path / "vae" / "ae.safetensors",
        ],
    )
    for piece in order.pieces:
        assert order.target_of(piece, HubFile(piece.paths[0], 1, None, "")) in list(order.targets())


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)
def test_every_variant_can_be_ordered(tmp_path, variant):
    pieces = Order(variant, tmp_path).pieces
    assert sum(len(piece.paths) for piece in pieces) == len(variant.files)
