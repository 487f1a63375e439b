"""The autoencoder against diffusers' with the same weights, whole and in tiles."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from zimage.autoencoder import AutoencoderKL, upsampled_conv
from zimage.errors import ConfigError
from zimage.tiling import Tiles, map_tiles

from tests.zimage.peers import TOLERANCE


def config_of(widths: tuple[int, ...], **more: Any) -> dict[str, Any]:
    return {
        "block_out_channels": widths,
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
        "norm_num_groups": 4,
        "latent_channels": 16,
        "layers_per_block": 2,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
        "shift_factor": 0.1159,
        "scaling_factor": 0.3611,
        **more,
    }


CONFIGURATIONS = {
    "even": config_of((8, 16, 16), layers_per_block=2),
    "narrow": config_of((4, 8, 8, 12, 20), layers_per_block=1),
    "quantised": config_of((8, 16, 16), use_quant_conv=True, use_post_quant_conv=True),
    "without attention": config_of((8, 16, 16), mid_block_add_attention=False),
}


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def both(config: dict[str, Any]) -> tuple[nn.Module, AutoencoderKL]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import AutoencoderKL as Peer
    torch.manual_seed(0)
    peer, ours = Peer(**config).eval(), AutoencoderKL(**config).eval()
    with torch.no_grad():
        for name, parameter in peer.named_parameters():
            if "norm" in name:
                parameter.uniform_(0.5, 1.5)
    ours.load_state_dict(peer.state_dict())
    if config["layers_per_block"] == 1:  # groups of one random channel magnify float32's rounding beyond the tolerance
        peer, ours = peer.double(), ours.double()
    return peer, ours


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def pair(request) -> tuple[nn.Module, AutoencoderKL]:
    return both(CONFIGURATIONS[request.param])


@pytest.fixture(scope="module")
def model() -> AutoencoderKL:
    return both(CONFIGURATIONS["even"])[1]


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (6, 10)])
def test_decode_equals_diffusers(pair, rows, columns, memory_format):
    peer, ours = pair
    latents = noise(2, 16, rows, columns).to(ours.dtype)
    expected = peer.decode(latents, return_dict=False)[0]

    given = ours.to(memory_format=memory_format).decode(latents)

    assert given.shape == (2, 3, rows * ours.config.size_multiple, columns * ours.config.size_multiple)
    assert float((given - expected).abs().max()) <= TOLERANCE


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (3, 5)])
def test_encode_equals_diffusers(pair, rows, columns):
    peer, ours = pair
    multiple = ours.config.size_multiple
    pictures = noise(2, 3, rows * multiple, columns * multiple).clamp(-1, 1).to(ours.dtype)
    expected = peer.encode(pictures).latent_dist

    given = ours.encode(pictures)

    assert float((given.mode() - expected.mode()).abs().max()) <= TOLERANCE
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    difference = given.sample(generators[0]) - expected.sample(generators[1])
    assert float(difference.abs().max()) <= TOLERANCE


def test_autoencoder_in_bfloat16_is_close_to_diffusers():
    peer, ours = both(CONFIGURATIONS["even"])
    latents = noise(1, 16, 8, 8).bfloat16()
    expected = peer.bfloat16().decode(latents, return_dict=False)[0].float().flatten()
    given = ours.bfloat16().decode(latents)
    assert given.dtype == torch.bfloat16
    assert torch.cosine_similarity(expected, given.float().flatten(), dim=0) >= 0.999


def test_default_autoencoder_has_the_published_layout():
    with torch.device("meta"):
        model = AutoencoderKL()
    names = model.state_dict()
    assert sum(parameter.numel() for parameter in model.parameters()) == 83_819_683
    assert len(names) == 244
    assert {"decoder.mid_block.attentions.0.to_out.0.bias", "encoder.down_blocks.0.downsamplers.0.conv.weight"} < set(
        names
    )
    assert not [name for name in names if "quant_conv" in name]


def test_denormalise_inverts_normalise(model):
    latents = noise(1, 16, 2, 2)
    assert torch.allclose(model.denormalise(model.normalise(latents)), latents, atol=1e-6)
    assert model.normalise(torch.tensor(0.1159)).item() == pytest.approx(0)


def test_unknown_autoencoder_settings_are_errors():
    with pytest.raises(ConfigError, match="block_channels"):
        AutoencoderKL(block_channels=(1,))


@pytest.mark.parametrize("side", [0, 6])
def test_encoding_refuses_sides_that_are_no_multiple(model, side):
    with pytest.raises(ValueError, match="multiples of 4"):
        model.encode(torch.zeros(1, 3, 8, side))


def test_a_picture_within_a_tile_is_not_cut(model):
    latents = noise(1, 16, 8, 6)
    assert torch.equal(model.decode(latents, Tiles(8, 4)), model.decode(latents))


def test_tiles_bound_what_is_decoded_at_once(model, monkeypatch):
    seen = []
    decode = model._decode
    monkeypatch.setattr(model, "_decode", lambda tile: (seen.append(tuple(tile.shape[-2:])), decode(tile))[1])

    picture = model.decode(noise(1, 16, 20, 13), Tiles(8, 4))

    assert picture.shape == (1, 3, 80, 52)
    assert set(seen) == {(8, 8)}
    assert len(seen) == 4 * 3


def test_a_picture_in_tiles_looks_like_the_whole(model):
    latents = noise(1, 16, 4, 4).repeat_interleave(6, 2).repeat_interleave(6, 3)  # smooth, as pictures are
    whole, tiled = model.decode(latents), model.decode(latents, Tiles(16, 8))
    assert float((whole - tiled).abs().mean()) < 0.25 * float((whole - whole.mean()).abs().mean())


def test_encoding_in_tiles_has_the_shape_of_the_whole(model):
    pictures = noise(1, 3, 64, 48)
    assert model.encode(pictures, Tiles(8, 2)).mean.shape == model.encode(pictures).mean.shape


@pytest.mark.parametrize(("side", "overlap"), [(4, 0), (4, 1), (4, 2), (5, 2)])
@pytest.mark.parametrize(("rows", "columns"), [(4, 9), (13, 7), (5, 5)])
def test_tiles_of_a_local_function_give_the_whole(side, overlap, rows, columns):
    x = noise(2, 3, rows, columns)

    def double(tile: Tensor) -> Tensor:
        return 2 * tile.repeat_interleave(2, -1).repeat_interleave(2, -2)

    tiled = map_tiles(double, x, Tiles(side, overlap), in_step=1, out_step=2)
    assert torch.allclose(tiled, double(x), atol=1e-6)


@pytest.mark.parametrize(("side", "overlap"), [(0, 0), (8, 5), (8, -1)])
def test_tiles_that_would_not_advance(side, overlap):
    with pytest.raises(ValueError, match="overlap"):
        Tiles(side, overlap)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (3, 5), (8, 2)])
def test_folded_kernels_give_what_repeating_and_convolving_gives(rows, columns, memory_format):
    x = noise(2, 6, rows, columns).double().contiguous(memory_format=memory_format)
    weight, bias = noise(4, 6, 3, 3).double(), noise(4).double()
    repeated = torch.nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
    expected = torch.nn.functional.conv2d(repeated, weight, bias, padding=1)

    given = upsampled_conv(x, weight, bias)

    assert torch.allclose(given, expected, atol=1e-12)
    assert given.is_contiguous(memory_format=memory_format)


def test_folded_kernels_in_bfloat16_are_rounded_once():
    x, weight = torch.zeros(1, 1, 3, 3, dtype=torch.bfloat16), noise(32, 1, 3, 3).bfloat16()
    x[..., 1, 1] = 1  # so that what comes out are the kernels
    repeated = torch.nn.functional.interpolate(x.float(), scale_factor=2.0, mode="nearest")
    exact = torch.nn.functional.conv2d(repeated, weight.float(), padding=1)
    assert torch.equal(upsampled_conv(x, weight, None), exact.bfloat16())
