import pytest
import torch
from PIL import Image
from training.lora.flow import Question
from training.lora.settings import Settings, Words
from training.lora.source import ModelPaths, open_source
from training.nano.random_weights import make_random_nano

COLOURS = ("red", "green", "blue", "white", "orange")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A model of a few channels in the published layout."""
    folder = tmp_path_factory.mktemp("lora") / "tiny-nano"
    make_random_nano(folder)
    return folder


@pytest.fixture(scope="session")
def source(tiny):
    return open_source(ModelPaths(tiny), "cpu")


@pytest.fixture
def transformer(source):
    return source.load_transformer()


@pytest.fixture
def data(tmp_path):
    """Five pictures with captions; one is wider than high."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, colour in enumerate(COLOURS):
        Image.new("RGB", (128 if index == 0 else 64, 64), colour).save(folder / f"{colour}.png")
        (folder / f"{colour}.txt").write_text(f"a {colour} square", "utf-8")
    return folder


@pytest.fixture
def settings(tiny, data, tmp_path):
    return Settings(
        ModelPaths(tiny),
        data,
        tmp_path / "out",
        Words("mine"),
        rank=2,
        steps=6,
        batch=2,
        lr=0.05,
        resolution=64,
        device="cpu",
        caption_dropout=0.3,
    )


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def question(transformer, generator):
    config = transformer.config
    latents, noise = torch.randn(2, 2, config.in_channels, 4, 4, generator=generator)
    captions = [torch.randn(length, config.cap_feat_dim, generator=generator) for length in (5, 40)]
    return Question(latents, captions, noise, torch.tensor([0.3, 0.8]))
