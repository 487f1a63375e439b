from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from PIL import Image
from training.lora.adapter import Adapter
from training.lora.export import Card, write_lora
from training.lora.samples import Artist, side_by_side
from zimage.adapters.lora import ActiveLora
from zimage.pipeline import ZImagePipeline


@pytest.fixture
def adapter(transformer, generator):
    """Trained side paths, their values rounded as a file has them."""
    adapter = Adapter(transformer, "attention+mlp", 4, 4.0, generator)
    for _, path in adapter.by_name():
        path.down.data = path.down.data.bfloat16().float()
        path.up.data = path.up.data.normal_(std=0.3, generator=generator).bfloat16().float()
    return adapter


@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_the_file_draws_in_the_pipeline_what_training_drew(tiny, source, transformer, adapter, tmp_path, guidance):
    pipeline = ZImagePipeline.from_local_dir(tiny, "cpu")
    features, negative = (pipeline.text_encoder.encode([text])[0].clone() for text in ("a fox", ""))
    artist = Artist(transformer, source.load_vae(), source.build_scheduler(), 4, guidance)
    with adapter.attached(transformer):
        drawn = artist.draw(features, negative, (128, 64), seed=5)

    path = tmp_path / "mine.safetensors"
    write_lora(adapter, Card("mine", "Mine", "tiny"), (64, 64), datetime.now(UTC), path)
    lora = pipeline.load_lora(path)
    assert lora.report.warning is None
    assert lora.report.n_matched == len(adapter.names)
    how = {"height": 64, "width": 128, "num_inference_steps": 4, "guidance_scale": guidance}

    def draw():
        return pipeline("a fox", generator=torch.Generator().manual_seed(5), **how).images[0]

    without = draw()
    pipeline.set_loras([ActiveLora(lora, 1.0)])
    assert distance(draw(), drawn) <= 1
    assert distance(without, drawn) > 3


def distance(one, other):
    """The largest difference of a value in 0…255."""
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max())


def test_a_row_has_all_images():
    row = side_by_side([Image.new("RGB", (4, 8), "red"), Image.new("RGB", (6, 8), "blue")])
    assert row.size == (10, 8)
    assert (row.getpixel((0, 0)), row.getpixel((9, 7))) == ((255, 0, 0), (0, 0, 255))
