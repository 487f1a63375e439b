"""Depth: near is bright, whichever way a model tells it, and as transformers computes it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from zimage.annotators.depth import DepthModel, enlarge, nearness, to_grey, without
from zimage.annotators.folders import describe
from zimage.errors import NotFiniteError

from tests.zimage.annotator_folders import noise, save_depth

KINDS = ("depth_anything", "dpt", "glpn", "zoedepth")


class Given(torch.nn.Module):
    """A model that sees what a test says: a ramp from left to right."""

    def __init__(self, values: torch.Tensor, model_type: str = "dpt") -> None:
        super().__init__()
        self.values = values
        self.config = SimpleNamespace(model_type=model_type)
        self.device = torch.device("cpu")

    def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(predicted_depth=self.values[None])


def prepare(images, return_tensors):
    """Stands for a processor that resizes."""
    return {"pixel_values": torch.zeros(1, 3, 8, 8)}


def columns(image: Image.Image) -> np.ndarray:
    values = np.asarray(image).astype(int)
    assert (values == values[..., :1]).all()
    return values[..., 0].mean(0)


RAMP = torch.linspace(1.0, 9.0, 16).expand(12, 16)


def test_what_grows_towards_the_camera_grows_bright():
    grey = columns(DepthModel(Given(RAMP), prepare, metric=False).annotate(Image.new("RGB", (160, 120))))
    assert (grey[0], grey[-1]) == (0, 255)
    assert (np.diff(grey) >= 0).all()
    assert abs(grey[80] - 127) < 5


def test_what_grows_away_from_the_camera_grows_dark():
    grey = columns(DepthModel(Given(RAMP), prepare, metric=True).annotate(Image.new("RGB", (160, 120))))
    assert (round(grey.max()), grey[0] > 250, grey[-1]) == (255, True, 0)
    assert (np.diff(grey[4:]) <= 0).all()
    assert grey[80] < 60  # inverse: of two things far away the distance counts less


def test_distances_become_inverse_depth_and_a_speck_does_not_darken_the_rest():
    near = nearness(torch.tensor([[2.0, 4.0, 8.0]]))
    assert near.tolist() == [[0.5, 0.25, 0.125]]
    assert nearness(torch.tensor([[0.0, 1e-6, 10.0]])).tolist() == [[10.0, 10.0, pytest.approx(0.1)]]
    assert nearness(torch.zeros(1, 2)).tolist() == [[0, 0]]


def test_an_even_map_is_black_and_nan_is_told():
    assert np.asarray(to_grey(torch.full((4, 6), 3.0) + torch.linspace(0, 1e-7, 6))).max() == 0
    for values in (torch.tensor([[float("nan"), 1.0]]), torch.tensor([[float("inf"), 1.0]])):
        with pytest.raises(NotFiniteError):
            to_grey(values)
        with pytest.raises(NotFiniteError):
            nearness(values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(97, 71), (40, 160), (9, 12)])
def test_every_size_comes_back_in_its_own_shape(tmp_path, kind, size):
    model = DepthModel.load(describe(save_depth(tmp_path / kind, kind)))
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    made = model.annotate(image)
    assert (made.mode, made.size) == ("RGB", size)
    assert np.asarray(made).max() == 255
    assert made.tobytes() == model.annotate(image).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_models_are_known_for_what_they_give(tmp_path, kind):
    assert DepthModel.load(describe(save_depth(tmp_path / kind, kind))).metric is (kind in ("glpn", "zoedepth"))


def test_the_metric_depth_anything_gives_distances(tmp_path):
    folder = save_depth(tmp_path / "a", "depth_anything", depth_estimation_type="metric", max_depth=20)
    model = DepthModel.load(describe(folder))
    assert model.metric
    distances, grey = model.estimate(noise(80, 60)), np.asarray(model.annotate(noise(80, 60)))[..., 0]
    assert grey[distances <= distances.min() + 1e-6].min() == 255
    assert grey[distances >= distances.max() - 1e-6].max() == 0


@pytest.mark.parametrize("kind", ["depth_anything", "dpt", "glpn"])
def test_it_is_what_transformers_computes(tmp_path, kind):
    folder = save_depth(tmp_path / kind, kind)
    image = noise(111, 83)
    peer = transformers.AutoModelForDepthEstimation.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    with torch.no_grad():
        outputs = peer(**processor(images=image, return_tensors="pt"))
    [expected] = processor.post_process_depth_estimation(outputs, target_sizes=[(83, 111)])
    found = DepthModel.load(describe(folder)).estimate(image)
    assert found.std() > 1e-4
    assert torch.equal(found, expected["predicted_depth"])


def test_the_padding_of_zoedepth_is_cut_off_as_transformers_does(tmp_path, monkeypatch):
    from transformers.models.zoedepth import image_processing_pil_zoedepth as theirs

    def resize(values, size, interpolation, antialias):  # torchvision's, which is not installed
        assert not antialias
        return torch.nn.functional.interpolate(values[None], size=size, mode="bicubic", align_corners=False)[0]

    modes = SimpleNamespace(BICUBIC="bicubic")
    monkeypatch.setattr(theirs, "tvF", SimpleNamespace(resize=resize, InterpolationMode=modes), raising=False)
    folder = save_depth(tmp_path / "zoe", "zoedepth")
    image = noise(111, 83)
    peer = transformers.ZoeDepthForDepthEstimation.from_pretrained(folder)
    processor = transformers.ZoeDepthImageProcessorPil.from_pretrained(folder)
    with torch.no_grad():
        outputs = peer(**processor(images=image, return_tensors="pt"))
    sizes = [(83, 111)]
    [expected] = processor.post_process_depth_estimation(outputs, source_sizes=sizes, target_sizes=sizes)
    found = DepthModel.load(describe(folder)).estimate(image)
    assert torch.allclose(found, expected["predicted_depth"], atol=1e-6)
    assert not torch.equal(found, enlarge(outputs.predicted_depth[0], sizes[0]))


def test_a_ramp_in_padding_comes_back_where_it_was():
    whole = torch.arange(60 + 16 + 17).expand(80 + 3 + 4, -1).float()
    cut = without(whole, ((3, 4), (16, 17)), (80, 60))
    assert torch.allclose(cut, torch.arange(60).expand(80, -1).float() + 16)
    assert without(whole, None, (80, 60)) is whole


def test_the_padding_of_a_processor_that_does_not_resize_is_cut_off(tmp_path):
    """As of DPT with DINOv2, which pads to multiples of 14."""
    folder = save_depth(tmp_path / "dpt", "dpt", dinov2=True)
    image = noise(75, 70)
    peer = transformers.DPTForDepthEstimation.from_pretrained(folder)
    processor = transformers.DPTImageProcessorPil.from_pretrained(folder)
    pixels = processor(images=image, return_tensors="pt")["pixel_values"]
    assert pixels.shape[-2:] == (70, 84)
    with torch.no_grad():
        whole = peer(pixel_values=pixels).predicted_depth[0]
    model = DepthModel.load(describe(folder))
    assert model.metric
    assert torch.allclose(model.estimate(image), enlarge(whole, (70, 84))[:, 4:79], atol=1e-5)


@pytest.mark.parametrize(("kind", "shown"), [("glpn", (1024, 512)), ("depth_anything", (2048, 1024))])
def test_a_large_image_is_shrunk_for_what_would_look_at_all_of_it(tmp_path, kind, shown, monkeypatch):
    model = DepthModel.load(describe(save_depth(tmp_path / kind, kind)))
    sizes = []
    processor = model.processor
    monkeypatch.setattr(model, "processor", Watched(processor, sizes))
    assert model.annotate(noise(2048, 1024)).size == (2048, 1024)
    assert sizes == [shown]


class Watched:
    """A processor whose images are noted."""

    def __init__(self, processor, sizes):
        self.processor, self.sizes = processor, sizes

    def __call__(self, images, return_tensors):
        self.sizes += [image.size for image in images]
        return self.processor(images=images, return_tensors=return_tensors)

    def __getattr__(self, name):
        return getattr(self.processor, name)
