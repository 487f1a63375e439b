"""The LoRA that ships: small, complete, of this library's names, and seen at a glance."""

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch.nn.functional import avg_pool2d
from training.lora.export import digest_of
from training.lora.sheet import Colours
from training.lora.styles import brightness
from zimage.adapters.lora import ActiveLora
from zimage.conditions.images import to_tensor
from zimage.pipeline import ZImagePipeline

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PROMPTS = ("fox", "a red apple", "一只狐狸", "castle", "robot")


@pytest.fixture(scope="module")
def model(request):
    return request.config.rootpath / "Z-Image" / "ckpts" / "zimage-nano"


@pytest.fixture(scope="module")
def path(model):
    return model / "loras" / "cyanotype.safetensors"


@pytest.fixture(scope="module")
def drawn(model, path):
    """Images of the prompts by strength."""
    pipeline = ZImagePipeline.from_local_dir(model, "cpu")
    lora = pipeline.load_lora(path)
    assert lora.report.warning is None
    assert lora.report.n_matched == 7 * 7
    found = {}
    for strength in (0.0, 0.5, 1.0):
        pipeline.set_loras([ActiveLora(lora, strength)])
        generators = [torch.Generator().manual_seed(seed) for seed in range(len(PROMPTS))]
        found[strength] = pipeline(list(PROMPTS), height=256, width=256, generator=generators).images
    return found


def test_it_is_small_and_says_what_it_is(path):
    with safe_open(path, "pt") as file:
        said = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert path.stat().st_size <= 400_000
    assert said["modelspec.hash_sha256"] == digest_of(tensors)
    assert (said["modelspec.title"], said["ss_base_model_version"]) == ("Cyanotype", "zimage-nano")
    assert said["modelspec.thumbnail"].startswith("data:image/webp;base64,")
    assert "modelspec.trigger_phrase" not in said


def test_it_has_a_preview(path):
    preview = path.with_suffix(".webp")
    assert preview.stat().st_size <= 15_000
    with Image.open(preview) as image:
        assert image.width == image.height


def test_every_image_turns_blue(drawn):
    for plain, half, whole in zip(*drawn.values(), strict=True):
        before, between, after = (Colours.of([image]).blueness for image in (plain, half, whole))
        assert before < 30 < 60 < after
        assert between > before + 20


def test_what_is_drawn_is_still_there(drawn):
    """Where the base has a thing the style has light, for each more so than for the others."""
    things = torch.stack([places_of(image) for image in drawn[0.0]])
    lights = torch.stack([light_of(image) for image in drawn[1.0]])
    alike = torch.nn.functional.cosine_similarity(lights[:, None], things[None], dim=-1)
    assert bool((alike.diagonal() > 0.6).all()), alike
    for index, row in enumerate(alike):
        assert float(row[index]) >= float(row.max()) - 0.1, alike


def places_of(image):
    """How far the colours are from those of the corner, centred, small and flat."""
    pixels = to_tensor(image)
    far = (pixels - pixels[:, :, 4:12, 4:12].mean((2, 3), keepdim=True)).abs().sum(1, keepdim=True)
    return centred(far.clamp(max=0.6))


def light_of(image):
    return centred(brightness(to_tensor(image) / 2 + 0.5).clamp(max=0.6))


def centred(values):
    small = avg_pool2d(values, 16).flatten()
    return small - small.mean()
