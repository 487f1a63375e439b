"""The Omni variant: diffusers' latents for the same references, and what is refused."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from training.nano.random_weights import make_random_nano
from zimage import ZImagePipeline
from zimage.errors import ConditionError, ConfigError, PartError
from zimage.omni import ZImageOmniPipeline
from zimage.residency.levels import Residency
from zimage.scheduler import linear_sigmas

from tests.zimage.omni_folder import make_omni
from tests.zimage.peers import TOLERANCE

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

SIDE, STEPS = 128, 3
RELATIVE = 5 * TOLERANCE  # of three forwards and an autoencoder, all of random weights
PROMPT = "a red fox, 一只红色的狐狸"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("models")
    make_random_nano(root / "nano")
    return make_omni(root / "nano", root / "omni")


@pytest.fixture(scope="module")
def ours(folder) -> ZImageOmniPipeline:
    pipeline = ZImagePipeline.from_local_dir(folder, device="cpu", dtype=torch.float32)
    assert isinstance(pipeline, ZImageOmniPipeline)
    return pipeline


@pytest.fixture(scope="module")
def peer(folder) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import ZImageOmniPipeline as Peer

        peer = Peer.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    peer.set_progress_bar_config(disable=True)
    encode = peer.vae.encode
    peer.vae.encode = lambda pixels: encode(pixels.float())  # it encodes in bfloat16 whatever the autoencoder is in
    return peer


def picture(width: int, height: int, colour: str = "olive") -> Image.Image:
    image = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(image).ellipse((width // 5, height // 4, width * 3 // 4, height * 4 // 5), fill="orange")
    return image


def draw(pipeline: ZImageOmniPipeline, references: list[Image.Image], **more: Any) -> torch.Tensor:
    arguments = {"guidance_scale": 0.0, **more}
    generator = torch.Generator().manual_seed(1)
    latents = pipeline(
        PROMPT, references=references, width=SIDE, height=SIDE, num_inference_steps=STEPS + 1, generator=generator,
        output_type="latent", **arguments,
    ).images  # fmt: skip
    assert isinstance(latents, torch.Tensor)
    return latents


def draw_peer(peer: Any, references: list[Image.Image], **more: Any) -> torch.Tensor:
    arguments = {"guidance_scale": 0.0, **more}
    # It compares times rounded in another way with a truncation of 1, which is always.
    return peer(
        image=references or None, prompt=PROMPT, width=SIDE, height=SIDE, sigmas=linear_sigmas(STEPS + 1),
        generator=torch.Generator().manual_seed(1), output_type="latent", **arguments,
    ).images  # fmt: skip


REFERENCES = {
    "none": [],
    "one": [picture(128, 128)],
    "not of a multiple": [picture(150, 101)],
    "two": [picture(96, 160), picture(128, 64, "teal")],
    "more than a megapixel": [picture(1300, 900)],
}


@pytest.mark.parametrize("references", REFERENCES.values(), ids=REFERENCES)
@pytest.mark.parametrize(
    "guidance", [{}, {"guidance_scale": 3.0, "negative_prompt": "blurry"}], ids=["plain", "guided"]
)
def test_latents_are_diffusers(ours, peer, references, guidance):
    expected = draw_peer(peer, references, **guidance)
    assert (draw(ours, references, **guidance) - expected).abs().max() <= RELATIVE * expected.abs().max()


def test_a_reference_acts_and_its_order_counts(ours):
    fox, sky = picture(128, 128), picture(128, 128, "skyblue")
    drawn = draw(ours, [fox, sky])
    assert torch.equal(drawn, draw(ours, [fox, sky]))
    assert not torch.equal(drawn, draw(ours, [sky, fox]))
    assert not torch.equal(drawn, draw(ours, [fox]))


def test_it_is_the_same_with_weights_away(ours, folder):
    away = ZImagePipeline.from_local_dir(
        folder, device="cpu", dtype=torch.float32, residency=Residency(resident_blocks=1, text_encoder="streamed")
    )
    assert torch.equal(draw(away, [picture(128, 96)]), draw(ours, [picture(128, 96)]))


def test_any_mode_and_orientation_is_read(ours):
    upright = draw(ours, [picture(128, 96)])
    turned = picture(128, 96).transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6  # to be turned by 90° clockwise
    clear = picture(128, 96).convert("RGBA")
    assert torch.equal(draw(ours, [turned]), upright)
    assert torch.equal(draw(ours, [clear]), upright)


@pytest.mark.parametrize(("size", "words"), [((63, 200), "at least 64"), ((64, 600), "8 times as long")])
def test_a_reference_that_cannot_be_read_is_refused(ours, size, words):
    with pytest.raises(ConditionError, match=words):
        draw(ours, [picture(*size)])


def test_too_many_references_are_refused(ours):
    with pytest.raises(ConfigError, match="up to 8"):
        draw(ours, [picture(64, 64)] * 9)


def test_a_folder_without_siglip_is_told(folder, tmp_path):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    shutil.rmtree(other / "siglip")
    with pytest.raises(PartError, match=r"siglip: .*lacks it"):
        ZImagePipeline.from_local_dir(other, device="cpu")


def test_a_damaged_siglip_is_told(folder, tmp_path):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    (other / "siglip" / "model.safetensors").write_bytes(b"none")
    with pytest.raises(PartError, match=r"siglip: .*cannot be loaded"):
        ZImagePipeline.from_local_dir(other, device="cpu")


def test_features_of_another_width_are_told(folder, tmp_path):
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    file = other / "transformer" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "siglip_feat_dim": 16}))
    with pytest.raises(PartError):
        ZImagePipeline.from_local_dir(other, device="cpu")
