"""S3-DiT against diffusers' with the same weights, and against itself: batch and singles, prepared and at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from zimage.errors import ConfigError
from zimage.inputs import plain_batch
from zimage.sequence import Patch
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.peers import MEDIUM, TINY, TOLERANCE, both_transformers, largest_difference

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
SIGLIP = 12

Pair = tuple[nn.Module, ZImageTransformer2DModel]


@pytest.fixture(scope="module", autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def tiny() -> Pair:
    return both_transformers(**TINY)


@pytest.fixture(scope="module")
def medium() -> Pair:
    return both_transformers(**MEDIUM)


@pytest.fixture(scope="module")
def patches() -> Pair:
    return both_transformers(**TINY, all_patch_size=(2, 4, 2), all_f_patch_size=(1, 1, 2))


@pytest.fixture(scope="module")
def omni() -> Pair:
    return both_transformers(**TINY, siglip_feat_dim=SIGLIP)


def noise(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(16, *size, generator=torch.Generator().manual_seed(seed))


def caption(length: int, width: int = 24) -> Tensor:
    return torch.randn(length, width, generator=torch.Generator().manual_seed(length))


def difference(pair: Pair, x: list[Any], captions: list[Any], **more: Any) -> float:
    peer, ours = pair
    t = torch.linspace(0.1, 0.9, len(x))
    expected = peer(x, t, captions, return_dict=False, **more)[0]
    assert max(float(y.abs().max()) for y in expected) > 0.5  # or the tolerance would mean nothing
    return largest_difference(ours(x, t, captions, **more)[0], expected)


@pytest.mark.parametrize("length", [1, 31, 32, 33, 200])
@pytest.mark.parametrize("size", [(1, 8, 16), (1, 6, 10), (1, 2, 2)], ids=["whole", "padded", "one-patch"])
def test_equals_diffusers_at_every_length_of_caption(tiny, length, size):
    assert difference(tiny, [noise(*size)], [caption(length)]) <= TOLERANCE


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (18, 26)])
def test_equals_diffusers_at_a_medium_size(medium, rows, columns):
    assert difference(medium, [noise(1, rows, columns)], [caption(33, 96)]) <= TOLERANCE


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([(1, 8, 8)] * 3, [5, 5, 5]),
        ([(1, 8, 8)] * 3, [1, 33, 200]),
        ([(1, 8, 12), (1, 6, 6), (1, 16, 16)], [200, 1, 32]),
    ],
    ids=["even", "ragged captions", "ragged captions and pictures"],
)
def test_batches_equal_diffusers_and_their_singles(tiny, sizes, lengths):
    x = [noise(*size, seed=seed) for seed, size in enumerate(sizes)]
    captions = [caption(length) for length in lengths]

    assert difference(tiny, x, captions) <= TOLERANCE

    t = torch.linspace(0.1, 0.9, len(x))
    singles = [tiny[1]([x[i]], t[i : i + 1], [captions[i]])[0][0] for i in range(len(x))]
    assert largest_difference(tiny[1](x, t, captions)[0], singles) <= TOLERANCE


@pytest.mark.parametrize(("side", "frames", "size"), [(4, 1, (1, 8, 12)), (2, 2, (4, 6, 8))])
def test_other_patches_equal_diffusers(patches, side, frames, size):
    assert difference(patches, [noise(*size)], [caption(9)], patch_size=side, f_patch_size=frames) <= TOLERANCE


def test_transformer_in_bfloat16_is_close_to_diffusers(tiny):
    peer, ours = both_transformers(**TINY)
    peer, ours = peer.bfloat16(), ours.bfloat16()
    x, captions = [noise(1, 8, 8).bfloat16()], [caption(20).bfloat16()]
    t = torch.tensor([0.3])
    expected = peer(x, t, captions, return_dict=False)[0][0].float().flatten()
    given = ours(x, t, captions)[0][0]
    assert given.dtype == torch.bfloat16
    assert torch.cosine_similarity(expected, given.float().flatten(), dim=0) >= 0.999


def test_a_ragged_batch_in_bfloat16_is_close_to_diffusers():
    peer, ours = both_transformers(**TINY)
    peer, ours = peer.bfloat16(), ours.bfloat16()
    x = [noise(1, 8, 8).bfloat16(), noise(1, 4, 6, seed=1).bfloat16()]
    captions, t = [caption(5).bfloat16(), caption(40).bfloat16()], torch.tensor([0.3, 0.7])
    for expected, given in zip(peer(x, t, captions, return_dict=False)[0], ours(x, t, captions)[0], strict=True):
        assert torch.cosine_similarity(expected.float().flatten(), given.float().flatten(), dim=0) >= 0.999


def test_captions_in_float32_suit_a_model_in_bfloat16():
    model = both_transformers(**TINY)[1].bfloat16()
    x, t = [noise(1, 4, 4).bfloat16()], torch.tensor([0.3])
    [given], [expected] = model(x, t, [caption(5)])[0], model(x, t, [caption(5).bfloat16()])[0]
    assert torch.equal(given, expected)


OMNI_MASKS = [[0, 1], [0, 1]]


def omni_inputs() -> tuple[list[list[Tensor | None]], list[list[Tensor]]]:
    x = [[noise(1, 8, 8), noise(1, 6, 8, seed=1)], [None, noise(1, 8, 8, seed=2)]]
    return x, [[caption(5), caption(33)], [caption(40), caption(7), caption(3)]]


def test_omni_equals_diffusers(omni):
    x, captions = omni_inputs()
    assert difference(omni, x, captions, siglip_feats=[None, None], image_noise_mask=OMNI_MASKS) <= TOLERANCE


def test_omni_with_siglip_features_equals_diffusers(omni):
    x, captions = omni_inputs()
    features = [[torch.randn(3, 4, SIGLIP), None], [torch.randn(2, 5, SIGLIP), torch.randn(1, 1, SIGLIP)]]
    assert difference(omni, x, captions, siglip_feats=features, image_noise_mask=OMNI_MASKS) <= TOLERANCE


def test_omni_without_features_of_any_picture_has_pads_in_their_place_as_diffusers(omni):
    x, captions = [[noise(1, 8, 8)]], [[caption(5)]]
    assert difference(omni, x, captions, siglip_feats=[[None]], image_noise_mask=[[1]]) <= TOLERANCE


def test_features_are_refused_by_a_model_that_takes_none(tiny):
    with pytest.raises(ValueError, match="siglip_feat_dim"):
        tiny[1](
            [[noise(1, 8, 8)]], torch.tensor([0.2]), [[caption(5)]],
            siglip_feats=[[torch.randn(2, 2, SIGLIP)]], image_noise_mask=[[1]],
        )  # fmt: skip


def test_omni_with_nothing_given_equals_diffusers(omni):
    x, captions = [[noise(1, 8, 8)]], [[caption(30)]]
    assert difference(omni, x, captions, siglip_feats=[None], image_noise_mask=[[1]]) <= TOLERANCE


def test_a_given_picture_matters_and_so_does_that_it_is_given(omni):
    model = omni[1]
    captions = [[caption(5), caption(6)]]

    def predict(given: Tensor, mask: list[int]) -> list[Tensor]:
        x = [[given, noise(1, 8, 8, seed=1)]]
        return model(x, torch.tensor([0.2]), captions, image_noise_mask=[mask])[0]

    clean = predict(noise(1, 8, 8), [0, 1])
    assert largest_difference(clean, predict(noise(1, 8, 8, seed=7), [0, 1])) > 1e-3
    assert largest_difference(clean, predict(noise(1, 8, 8), [1, 1])) > 1e-3


@pytest.mark.parametrize(
    ("captions", "mask", "siglip", "words"),
    [
        ([[caption(5)]], [[0, 1]], None, "captions"),
        ([[caption(5), caption(5)]], [[1]], None, "noise mask"),
        ([[caption(5), caption(5)]], None, None, "image_noise_mask"),
        ([[caption(5), caption(5)]], [[0, 1]], [[None]], "SigLIP"),
    ],
)
def test_omni_inputs_that_do_not_belong_together(omni, captions, mask, siglip, words):
    x = [[noise(1, 8, 8), noise(1, 8, 8)]]
    with pytest.raises(ValueError, match=words):
        omni[1](x, torch.tensor([0.2]), captions, siglip_feats=siglip, image_noise_mask=mask)


def test_prepared_once_and_modulated_for_a_schedule_gives_what_forward_gives(tiny):
    model = tiny[1]
    x, captions = [noise(1, 6, 10)], [caption(33)]
    times = torch.tensor([0.0, 0.4, 0.8])

    prepared = model.prepare(plain_batch([(1, 6, 10)], captions, Patch()))
    factors = model.modulate(times)

    for step, time in enumerate(times):
        at_once = model(x, time[None], captions)[0]
        assert largest_difference(model.predict(x, factors.at(step), prepared), at_once) <= TOLERANCE


def test_state_dict_has_the_names_of_the_published_checkpoint():
    names = ZImageTransformer2DModel(**TINY).state_dict().keys()
    block = {
        "attention.to_q.weight", "attention.to_k.weight", "attention.to_v.weight", "attention.to_out.0.weight",
        "attention.norm_q.weight", "attention.norm_k.weight", "feed_forward.w1.weight", "feed_forward.w2.weight",
        "feed_forward.w3.weight", "attention_norm1.weight", "attention_norm2.weight", "ffn_norm1.weight",
        "ffn_norm2.weight",
    }  # fmt: skip
    modulated = block | {"adaLN_modulation.0.weight", "adaLN_modulation.0.bias"}
    assert set(names) == {
        "all_x_embedder.2-1.weight", "all_x_embedder.2-1.bias",
        "all_final_layer.2-1.linear.weight", "all_final_layer.2-1.linear.bias",
        "all_final_layer.2-1.adaLN_modulation.1.weight", "all_final_layer.2-1.adaLN_modulation.1.bias",
        "t_embedder.mlp.0.weight", "t_embedder.mlp.0.bias", "t_embedder.mlp.2.weight", "t_embedder.mlp.2.bias",
        "cap_embedder.0.weight", "cap_embedder.1.weight", "cap_embedder.1.bias", "x_pad_token", "cap_pad_token",
        *(f"noise_refiner.0.{name}" for name in modulated), *(f"context_refiner.0.{name}" for name in block),
        *(f"layers.{i}.{name}" for i in range(2) for name in modulated),
    }  # fmt: skip


def test_default_transformer_has_the_published_size():
    with torch.device("meta"):
        model = ZImageTransformer2DModel()
    assert sum(parameter.numel() for parameter in model.parameters()) == 6_154_908_736
    assert len(model.state_dict()) == 521


def test_a_published_configuration_is_taken_as_it_is(tiny):
    bookkeeping = {"_class_name": "ZImageTransformer2DModel", "_diffusers_version": "0.42.1"}
    lists = {key: list(value) if isinstance(value, tuple) else value for key, value in TINY.items()}
    assert ZImageTransformer2DModel(**bookkeeping, **lists).config == tiny[1].config


def test_unknown_transformer_settings_are_errors():
    with pytest.raises(ConfigError, match="n_layer"):
        ZImageTransformer2DModel(n_layer=3)


@pytest.mark.parametrize(
    ("size", "length", "words"),
    [
        ((1, 130, 8), 5, "positions reach"),
        ((1, 8, 130), 5, "positions reach"),
        ((1, 8, 8), 512, "positions reach"),
        ((1, 7, 8), 5, "whole number of patches"),
        ((1, 0, 8), 5, "whole number of patches"),
        ((1, 8, 8), 0, "at least one token"),
    ],
)
def test_sizes_beyond_the_model_are_refused(tiny, size, length, words):
    with pytest.raises(ValueError, match=words):
        tiny[1]([noise(*size)], torch.tensor([0.5]), [caption(length)])


def test_largest_positions_give_finite_predictions(tiny):
    [prediction] = tiny[1]([noise(1, 128, 2)], torch.tensor([0.5]), [caption(478)])[
        0
    ]  # place 511 of 0…511 and 63 of 0…63
    assert prediction.isfinite().all()


def test_an_unknown_patch_is_refused(tiny):
    with pytest.raises(ValueError, match="2-1"):
        tiny[1]([noise(1, 8, 8)], torch.tensor([0.5]), [caption(5)], patch_size=4)


def test_captions_and_pictures_must_be_as_many(tiny):
    with pytest.raises(ValueError, match="one caption for each image"):
        tiny[1]([noise(1, 8, 8)], torch.tensor([0.5]), [caption(5), caption(5)])
