"""Images for a ControlNet, encoded and drawn with: the pictures of diffusers' pipelines."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.adapters.controlnet import ControlNet
from zimage.adapters.controls import Control
from zimage.conditions.control import encode, keep_mask, make_control, repainted_pixels, to_signed
from zimage.errors import ConfigError
from zimage.scheduler import linear_sigmas

from tests.zimage.control_files import make_peer, published, save

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
SIDE, PROMPT = 128, "a red fox"
KINDS = ("v1", "2.0", "2.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random-nano"
    make_random_nano(path)
    return path


@pytest.fixture(scope="module")
def ours(folder) -> ZImagePipeline:
    return ZImagePipeline.from_local_dir(folder, device="cpu")


@pytest.fixture(scope="module")
def peers(ours) -> dict[str, Any]:
    config = ours.transformer.config
    names = ("dim", "n_heads", "n_kv_heads", "n_refiner_layers")
    return {name: make_peer(name, {key: getattr(config, key) for key in names}, [0]) for name in KINDS}


@pytest.fixture(scope="module")
def nets(ours, peers, tmp_path_factory) -> dict[str, ControlNet]:
    folder = tmp_path_factory.mktemp("nets")
    return {
        name: ours.load_controlnet(
            save(folder, name, {key: value for key, value in published(name, peer).items() if key in peer.state_dict()})
        )
        for name, peer in peers.items()
    }


def open_peer(kind: str, folder: Path, controlnet: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import diffusers

        peer = getattr(diffusers, kind).from_pretrained(
            folder, controlnet=controlnet, local_files_only=True, dtype=torch.float32
        )
    peer.set_progress_bar_config(disable=True)
    return peer


def shape_on(paper: str, ink: str, mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    image = Image.new(mode, size, paper)
    ImageDraw.Draw(image).ellipse((20, 30, 90, 100), fill=ink)
    return image


IMAGE = shape_on("black", "white")
PICTURE = shape_on("olive", "orange")
MASK = shape_on("black", "white", "L")


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def draw(pipeline: ZImagePipeline, *controls: Control, **more: Any) -> np.ndarray:
    arguments: dict[str, Any] = {"height": SIDE, "width": SIDE, "num_inference_steps": 4, **more}
    [image] = pipeline(PROMPT, generator=seeded(), controls=controls, **arguments).images
    return np.asarray(image).astype(int)


def draw_peer(peer: Any, **more: Any) -> np.ndarray:
    arguments: dict[str, Any] = {
        "height": SIDE,
        "width": SIDE,
        "guidance_scale": 0.0,
        "sigmas": linear_sigmas(4),
        **more,
    }
    [image] = peer(PROMPT, generator=seeded(), controlnet_conditioning_scale=0.7, **arguments).images
    return np.asarray(image).astype(int)


def as_diffusers(control: Control) -> Control:
    return Control(control.net, control.image, control.keep, control.masked, control.scale, as_diffusers=True)


@pytest.mark.parametrize("guidance", [0.0, 2.0], ids=["alone", "guided"])
@pytest.mark.parametrize("name", KINDS)
def test_a_control_image_gives_the_picture_of_diffusers(folder, ours, peers, nets, name, guidance):
    expected = draw_peer(
        open_peer("ZImageControlNetPipeline", folder, peers[name]), control_image=IMAGE, guidance_scale=guidance
    )
    control = make_control(nets[name], ours.vae, (SIDE, SIDE), IMAGE, scale=0.7)
    given = draw(ours, as_diffusers(control), guidance_scale=guidance)
    assert np.abs(given - expected).max() <= 1
    assert np.abs(given - draw(ours, guidance_scale=guidance)).max() > 8


@pytest.mark.parametrize("name", ["2.0", "2.1"])
def test_a_masked_image_gives_the_picture_of_diffusers(folder, ours, peers, nets, name):
    peer = open_peer("ZImageControlNetInpaintPipeline", folder, peers[name])
    expected = draw_peer(peer, control_image=IMAGE, image=PICTURE, mask_image=MASK)
    control = make_control(nets[name], ours.vae, (SIDE, SIDE), IMAGE, masked=PICTURE, mask=MASK, scale=0.7)
    assert np.abs(draw(ours, as_diffusers(control)) - expected).max() <= 1
    alone = make_control(nets[name], ours.vae, (SIDE, SIDE), IMAGE, scale=0.7)
    assert np.abs(draw(ours, as_diffusers(alone)) - expected).max() > 1


def test_scale_0_is_text_to_image_to_the_pixel(ours, nets):
    control = make_control(nets["2.1"], ours.vae, (SIDE, SIDE), IMAGE, scale=0)
    assert np.array_equal(draw(ours, control), draw(ours))


def test_a_model_in_int8_takes_a_control_in_int8(folder, nets, tmp_path, peers):
    held = ZImagePipeline.from_local_dir(folder, device="cpu", quantization="int8")
    net = held.load_controlnet(save(tmp_path, "2.1", published("2.1", peers["2.1"])))
    assert any(type(module).__name__ == "QuantLinear" for module in net.modules())
    control = make_control(net, held.vae, (SIDE, SIDE), IMAGE)
    assert np.abs(draw(held, control) - draw(held)).max() > 8


def test_a_mask_alone_or_an_image_without_is_refused(ours, nets):
    for given in ({"mask": MASK}, {"masked": PICTURE}):
        with pytest.raises(ConfigError, match="needs its mask"):
            make_control(nets["2.1"], ours.vae, (SIDE, SIDE), IMAGE, **given)


def test_images_of_other_sizes_and_modes_are_fitted_not_stretched():
    wide = Image.new("RGBA", (3 * SIDE, SIDE), "black")
    ImageDraw.Draw(wide).rectangle((SIDE, 0, 2 * SIDE - 1, SIDE), fill="white")
    assert torch.equal(to_signed(wide, (SIDE, SIDE)), torch.ones(1, 3, SIDE, SIDE))
    assert to_signed(wide, (48, 32)).shape == (1, 3, 32, 48)
    assert float(to_signed(IMAGE, (SIDE, SIDE)).min()) == -1


def test_a_mask_is_cut_at_half_and_taken_at_the_nearest_pixel():
    mask = Image.fromarray(np.array([[127, 128], [0, 255]], dtype=np.uint8).repeat(16, 0).repeat(16, 1))
    repainted = repainted_pixels(mask, (32, 32))
    assert repainted.shape == (1, 1, 32, 32)
    assert keep_mask(repainted, 16).tolist() == [[[[1.0, 0.0], [1.0, 0.0]]]]


def test_latents_are_the_mode_and_normalised(ours):
    pixels = to_signed(PICTURE, (SIDE, SIDE))
    expected = (ours.vae.encode(pixels).mean - ours.vae.config.shift_factor) * ours.vae.config.scaling_factor
    assert torch.equal(encode(ours.vae, pixels), expected.detach())
