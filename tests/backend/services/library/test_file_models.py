from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.services.library.choices import Choice
from backend.services.library.file_models import QWEN_TOKENS, compose_models, guess_member
from backend.services.library.part_files import FoundPart, WeightFile
from backend.services.library.preview_map import FLUX_VAE_MAP

DIT = FoundPart(
    "transformer", Path("/w/z.safetensors"), "z.safetensors", "BF16", 200, 100, text_width=2560, channels=16
)
QWEN = FoundPart(
    "text_encoder", Path("/w/q.safetensors"), "q.safetensors", "BF16", 200, 100, text_width=2560, n_tokens=QWEN_TOKENS
)
FP8 = replace(QWEN, path=Path("/w/a8.safetensors"), name="a8.safetensors", size_bytes=100)
F32 = replace(QWEN, path=Path("/w/f.safetensors"), name="f.safetensors", size_bytes=400)
AE = FoundPart("vae", Path("/w/ae.safetensors"), "ae.safetensors", "F32", 400, 100, channels=16, grid_px=16)


def compose(*parts, shared=(), taken=(), **choices):
    files: dict[Path, WeightFile] = {}
    for part in parts:
        known = files.get(part.path, WeightFile(part.path, part.name))
        files[part.path] = replace(known, parts=(*known.parts, part))
    return compose_models(list(files.values()), shared, choices, taken)


def test_a_transformer_takes_what_fits():
    [model] = compose(DIT, QWEN, AE)
    assert (model.id, model.member, model.source, model.default_steps) == ("z", "turbo", "files", 9)
    assert model.files is not None
    assert model.files.parts == (DIT.path, QWEN.path, AE.path)
    assert (model.files.tokenizer, model.files.folder, model.path, model.installed) == (None, None, None, True)
    assert (model.size_multiple, model.preview_map, model.repository) == (16, FLUX_VAE_MAP, None)


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        ((DIT, AE), "It has no text encoder: put qwen_3_4b.safetensors into text_encoders/."),
        ((DIT, QWEN), "It has no autoencoder: put ae.safetensors into vae/."),
        ((DIT, AE, replace(QWEN, text_width=1024)), "no text encoder"),
        ((DIT, AE, replace(QWEN, n_tokens=QWEN_TOKENS - 1)), "no text encoder"),
        ((DIT, QWEN, replace(AE, channels=4)), "no autoencoder"),
        ((DIT,), "no text encoder"),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(parts, note):
    [model] = compose(*parts)
    assert note in str(model.note)
    assert not model.installed


def test_the_most_exact_text_encoder_comes_first_but_float32_is_no_better_than_bfloat16():
    [model] = compose(DIT, AE, FP8, QWEN, F32)
    assert [part.name for part in model.choices["text_encoder"]] == ["f.safetensors", "q.safetensors", "a8.safetensors"]


def test_a_checkpoint_with_all_parts_prefers_its_own():
    own = [replace(part, path=DIT.path, name=DIT.name) for part in (FP8, AE)]
    [model] = compose(DIT, *own, QWEN, AE)
    assert model.files is not None
    assert model.files.parts == (DIT.path,) * 3


def test_two_models_share_an_encoder():
    other = replace(DIT, path=Path("/w/y.safetensors"), name="y.safetensors")
    one, two = compose(DIT, other, QWEN, AE)
    assert one.files is not None
    assert two.files is not None
    assert one.files.text_encoder == two.files.text_encoder


def test_parts_of_an_installed_model_are_lent_with_their_tokenizer():
    lent = replace(
        QWEN, path=Path("/m/text_encoder"), name="m/text_encoder", n_tokens=7, tokenizer=Path("/m/tokenizer")
    )
    [model] = compose(DIT, AE, shared=[lent])
    assert model.files is not None
    assert (model.files.text_encoder, model.files.tokenizer) == (lent.path, lent.tokenizer)


def test_what_was_chosen_counts_as_long_as_it_is_there():
    choice = Choice("base", {"text_encoder": "a8.safetensors", "vae": "gone.safetensors"})
    [model] = compose(DIT, AE, QWEN, FP8, z=choice)
    assert model.files is not None
    assert (model.files.text_encoder, model.files.vae) == (FP8.path, AE.path)
    assert (model.member, model.files.shift, model.guided, model.default_steps) == ("base", 6.0, True, 50)


def test_names_are_short_where_they_are_unique():
    parts = [
        replace(DIT, path=Path(f"/w/{name}"), name=name)
        for name in ("unet/a.safetensors", "unet/a.gguf", "checkpoints/b.safetensors", "unet/b.safetensors",
                     "auto.gguf", "C.gguf", "z-image.gguf")
    ]  # fmt: skip
    assert [model.id for model in compose(*parts, QWEN, AE, taken=["z-image"])] == [
        "a.safetensors", "a.gguf", "b.safetensors (checkpoints)", "b.safetensors (unet)", "auto.gguf", "C",
        "z-image.gguf",
    ]  # fmt: skip


def test_files_of_one_name_in_several_places_have_names_of_their_own():
    parts = [replace(DIT, path=Path(f"/{place}/z.safetensors"), name="z.safetensors") for place in "abc"]
    models = compose(*parts, QWEN, AE)
    assert len({model.id for model in models}) == 3
    assert [model.files.transformer for model in models if model.files] == [part.path for part in parts]


def test_a_name_that_cannot_be_asked_for_is_said():
    [model] = compose(replace(DIT, name=f"{'x' * 200}.gguf"), QWEN, AE)
    assert "Rename it." in str(model.note)


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("z_image_turbo_bf16.safetensors", "turbo"), ("z_image_bf16.safetensors", "base"),
        ("z-image-Q4_0.gguf", "base"),
        ("Z-Image-Base-fp8.safetensors", "base"), ("my_tune.safetensors", "turbo"), ("database.gguf", "turbo"),
        ("zimageTurboAio_bf16.safetensors", "turbo"), ("zimage_base.safetensors", "base"),
        ("z_image_turbo_from_base.gguf", "turbo"), ("diffusion_models/z_image_bf16.safetensors", "base"),
        ("unet/z-image.safetensors", "base"), ("sdxl_base/z_turbo.safetensors", "turbo"),
        ("sdxl_base/my_tune.safetensors", "turbo"), ("turbo/z_image_bf16.safetensors", "base"),
    ],
)  # fmt: skip
def test_the_member_is_guessed_by_the_name_alone_since_no_tensor_tells_it(name, member):
    assert guess_member(name) == member
