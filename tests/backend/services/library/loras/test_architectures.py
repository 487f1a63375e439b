from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from backend.services.library.files import ModelFiles
from backend.services.library.loras.architectures import PUBLISHED, Architectures
from tests.backend.fakes import make_model_folder

NANO = Path(__file__).resolve().parents[5] / "Z-Image" / "ckpts" / "zimage-nano"


def test_a_model_as_published_and_one_that_is_not_here(tmp_path):
    architectures = Architectures()
    assert architectures.of(None) is PUBLISHED
    assert architectures.of(ModelFiles.of_folder(make_model_folder(tmp_path / "a"))) is PUBLISHED
    assert architectures.of(ModelFiles.of_folder(tmp_path / "nowhere")) is PUBLISHED


def test_the_embedded_model_has_shapes_of_its_own():
    files = ModelFiles.of_folder(NANO)
    architectures = Architectures()
    found = architectures.of(files)
    assert found.config.dim == json.loads((NANO / "transformer" / "config.json").read_text())["dim"]
    assert found.key != PUBLISHED.key
    assert architectures.of(files) is found
    as_a_file = dataclasses.replace(
        files, folder=None, transformer=NANO / "transformer" / "diffusion_pytorch_model.safetensors"
    )
    assert architectures.of(as_a_file).config.dim == found.config.dim


def test_a_changed_file_is_read_anew_and_a_damaged_one_is_as_published(tmp_path):
    folder = make_model_folder(tmp_path / "a")
    config, architectures = folder / "transformer" / "config.json", Architectures()
    assert architectures.of(ModelFiles.of_folder(folder)) is PUBLISHED
    config.write_text(json.dumps({"dim": 1920, "n_heads": 15, "n_kv_heads": 15}))
    assert architectures.of(ModelFiles.of_folder(folder)).config.dim == 1920
    config.write_text("{")
    assert architectures.of(ModelFiles.of_folder(folder)) is PUBLISHED
