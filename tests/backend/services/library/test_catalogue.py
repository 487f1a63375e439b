from __future__ import annotations

import json
import shutil

import pytest

from backend.models.config import Settings
from backend.services.errors import ModelNotInstalled, UnknownModel
from backend.services.library.catalogue import BASE, NANO, TURBO, Catalogue, is_complete
from tests.backend.fakes import make_model_folder


@pytest.fixture
def ckpts(tmp_path):
    return tmp_path / "Z-Image" / "ckpts"


@pytest.fixture
def catalogue(tmp_path) -> Catalogue:
    return Catalogue(Settings(base_dir=tmp_path, models_dir=tmp_path / "models"))


def install_in_hub_cache(monkeypatch, tmp_path, repository):
    from huggingface_hub import constants

    cache = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
    make_model_folder(cache / "snapshots" / "abc")
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return cache / "snapshots" / "abc"


def test_the_family_is_always_listed_with_what_it_needs(catalogue):
    models = catalogue.models()

    assert [(model.id, model.installed) for model in models] == [
        ("z-image-turbo", False), ("z-image", False), ("zimage-nano", False),
    ]  # fmt: skip
    assert (TURBO.repository, TURBO.default_steps, TURBO.guidance_scale) == ("Tongyi-MAI/Z-Image-Turbo", 9, 0.0)
    assert BASE.guidance_scale > 0
    assert NANO.demo


def test_nothing_installed_is_said(catalogue):
    with pytest.raises(ModelNotInstalled, match="zimage-nano"):
        catalogue.resolve("auto")


def test_auto_is_the_embedded_model_when_there_is_no_other(catalogue, ckpts):
    path = make_model_folder(ckpts / "zimage-nano")

    model = catalogue.resolve("auto")

    assert (model.id, model.path, model.source, model.demo) == ("zimage-nano", path, "ckpts", True)


def test_auto_prefers_turbo_then_anything_then_the_demo(catalogue, ckpts, tmp_path):
    make_model_folder(ckpts / "zimage-nano")
    make_model_folder(tmp_path / "models" / "my-own")
    assert catalogue.resolve("auto").id == "my-own"
    make_model_folder(ckpts / "Z-Image")
    assert catalogue.resolve("auto").id == "z-image"
    make_model_folder(ckpts / "Z-Image-Turbo")
    assert catalogue.resolve("auto").id == "z-image-turbo"


def test_the_settings_choose_what_auto_prefers(ckpts, tmp_path):
    make_model_folder(ckpts / "Z-Image")
    make_model_folder(ckpts / "Z-Image-Turbo")

    catalogue = Catalogue(Settings(base_dir=tmp_path, model_name="Tongyi-MAI/Z-Image"))

    assert catalogue.resolve("auto").id == "z-image"


def test_a_download_shows_up_without_a_restart(catalogue, monkeypatch, tmp_path):
    assert not catalogue.models()[0].installed
    path = install_in_hub_cache(monkeypatch, tmp_path, "Tongyi-MAI/Z-Image-Turbo")

    model = catalogue.resolve("z-image-turbo")

    assert (model.path, model.source) == (path, "hub cache")


def test_half_a_download_is_no_model(catalogue, monkeypatch, tmp_path):
    path = install_in_hub_cache(monkeypatch, tmp_path, "Tongyi-MAI/Z-Image-Turbo")
    shutil.rmtree(path / "vae")

    assert not catalogue.models()[0].installed


def test_the_folder_of_the_settings_comes_first(catalogue, ckpts, tmp_path, monkeypatch):
    install_in_hub_cache(monkeypatch, tmp_path, "Tongyi-MAI/Z-Image-Turbo")
    make_model_folder(ckpts / "z-image-turbo")
    own = make_model_folder(tmp_path / "models" / "Z-Image-Turbo")

    model = catalogue.resolve("z-image-turbo")

    assert (model.path, model.source) == (own, "folder")


def test_what_is_asked_for_by_name(catalogue, ckpts):
    make_model_folder(ckpts / "zimage-nano")
    with pytest.raises(UnknownModel, match=r"'sdxl'; installed: zimage-nano"):
        catalogue.resolve("sdxl")
    with pytest.raises(ModelNotInstalled, match="Z-Image-Turbo is not installed"):
        catalogue.resolve("z-image-turbo")


@pytest.mark.parametrize("name", ["../models/my-own", "/etc", "models/my-own", "..", "."])
def test_a_path_is_no_name(catalogue, tmp_path, name):
    make_model_folder(tmp_path / "models" / "my-own")
    with pytest.raises(UnknownModel):
        catalogue.resolve(name)


def test_a_model_corrects_what_is_said_of_it(catalogue, ckpts):
    make_model_folder(ckpts / "zimage-nano", {"size_multiple": 64, "default_steps": 5, "guidance_scale": 1.5})

    model = catalogue.resolve("zimage-nano")

    assert (model.size_multiple, model.default_steps, model.guidance_scale, model.demo) == (64, 5, 1.5, True)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"size_multiple": "many"}', '{"default_steps": null}', '{"sizes": [5]}', "\ud800"]
)
def test_facts_that_cannot_be_read_are_left_out(catalogue, ckpts, caplog, text):
    path = make_model_folder(ckpts / "zimage-nano")
    (path / "zimage.json").write_bytes(text.encode("utf-8", "surrogatepass"))

    assert catalogue.resolve("zimage-nano").size_multiple == NANO.size_multiple
    assert "zimage.json is not usable" in caplog.text


@pytest.mark.parametrize("gone", ["model_index.json", "transformer", "text_encoder", "vae"])
def test_a_folder_without_a_part_is_incomplete(tmp_path, gone):
    path = make_model_folder(tmp_path / "m")
    assert is_complete(path)
    shutil.rmtree(path / gone) if (path / gone).is_dir() else (path / gone).unlink()
    assert not is_complete(path)


@pytest.mark.parametrize("index", ["", "[]", "null", "{}", '{"_class_name": "FluxPipeline"}', '"ZImagePipeline"'])
def test_another_pipeline_is_none_of_ours(tmp_path, index):
    path = make_model_folder(tmp_path / "m")
    (path / "model_index.json").write_text(index)
    assert not is_complete(path)


def test_every_shard_must_be_there(tmp_path):
    path = make_model_folder(tmp_path / "m")
    index = path / "transformer" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}))
    assert not is_complete(path)
    (path / "transformer" / "model-2.safetensors").touch()
    assert is_complete(path)
    for damaged in ("", "{}", "[]", '{"weight_map": 1}', '{"weight_map": {"a": 1}}'):
        index.write_text(damaged)
        assert not is_complete(path)
