from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.models.config import Settings
from backend.services.errors import DiskFull, ModelNotFound, ModelNotInstalled, UnknownModel, UnknownPart
from backend.services.library.catalogue import Catalogue
from backend.services.library.files import ModelFiles
from backend.services.library.model_entry import BASE, FAMILY, NANO, TURBO
from backend.services.library.model_folder import find_fault
from tests.backend.fakes import make_model_folder, make_omni_folder
from tests.backend.services.library.weight_files import save_foreign, save_transformer


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
    assert find_fault(path) is None
    shutil.rmtree(path / gone) if (path / gone).is_dir() else (path / gone).unlink()
    assert find_fault(path) is not None


@pytest.mark.parametrize("index", ["", "[]", "null", "{}", '{"_class_name": "FluxPipeline"}', '"ZImagePipeline"'])
def test_another_pipeline_is_none_of_ours(tmp_path, index):
    path = make_model_folder(tmp_path / "m")
    (path / "model_index.json").write_text(index)
    assert find_fault(path) is not None


def test_every_shard_must_be_there(tmp_path):
    path = make_model_folder(tmp_path / "m")
    index = path / "transformer" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}))
    assert find_fault(path) is not None
    (path / "transformer" / "model-2.safetensors").touch()
    assert find_fault(path) is None
    (path / "transformer" / "model.safetensors").rename(path / "transformer" / "model-00001-of-00002.safetensors")
    (path / "transformer" / "model-2.safetensors").unlink()
    for damaged in ("", "{}", "[]", '{"weight_map": 1}', '{"weight_map": {"a": 1}}'):
        index.write_text(damaged)
        assert find_fault(path) is not None


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        ("model_index.json", "model_index.json is missing."),
        ("transformer/config.json", "transformer/config.json is missing."),
        ("scheduler/scheduler_config.json", "scheduler/scheduler_config.json is missing."),
        ("tokenizer/tokenizer.json", "tokenizer/tokenizer.json is missing."),
        ("vae/model.safetensors", "vae has no weights in safetensors."),
    ],
)
def test_an_incomplete_folder_is_listed_with_the_reason(catalogue, tmp_path, file, fault):
    path = make_model_folder(tmp_path / "models" / "my-own")
    (path / file).unlink()

    [mine] = [model for model in catalogue.models() if model.id == "my-own"]

    assert (mine.installed, mine.note) == (False, fault)
    with pytest.raises(ModelNotInstalled, match=r"my-own is not installed on this machine \("):
        catalogue.resolve("my-own")


@pytest.mark.parametrize("file", ["vae/model.safetensors", "model_index.json", "text_encoder/config.json"])
def test_a_link_to_nothing_is_not_installed(catalogue, tmp_path, file):
    path = make_model_folder(tmp_path / "models" / "my-own") / file
    path.unlink()
    path.symlink_to(tmp_path / "blobs" / "0815")

    assert [model.note for model in catalogue.models() if model.id == "my-own"] == [
        f"{file} is a link to a file that is not there."
    ]


def test_a_tokenizer_in_two_files_is_one(tmp_path):
    path = make_model_folder(tmp_path / "m")
    (path / "tokenizer" / "tokenizer.json").rename(path / "tokenizer" / "vocab.json")
    assert find_fault(path) is not None
    (path / "tokenizer" / "merges.txt").touch()
    assert find_fault(path) is None


def test_a_family_member_that_is_half_copied_says_why(catalogue, ckpts):
    path = make_model_folder(ckpts / "Z-Image-Turbo")
    shutil.rmtree(path / "tokenizer")

    turbo = catalogue.models()[0]

    assert (turbo.id, turbo.installed, turbo.note) == ("z-image-turbo", False, "tokenizer/tokenizer.json is missing.")


def test_what_is_no_model_is_not_listed(catalogue, tmp_path):
    for name in ("loras", ".cache", "__pycache__"):
        (tmp_path / "models" / name).mkdir(parents=True)
    (tmp_path / "models" / "notes.txt").touch()
    make_model_folder(tmp_path / "models" / ".ipynb_checkpoints")
    (tmp_path / "models" / "._my-own").touch()

    assert len(catalogue.models()) == len(FAMILY)


def test_hidden_files_are_no_weights(catalogue, tmp_path):
    """macOS puts them beside each file on a disk that is not its own."""
    path = make_model_folder(tmp_path / "models" / "my-own")
    for part in ("transformer", "vae"):
        (path / part / "._model.safetensors").write_bytes(b"\0" * 16)
        (path / part / "._model.safetensors.index.json").write_bytes(b"\0" * 16)
    assert catalogue.resolve("my-own").installed
    (path / "vae" / "model.safetensors").unlink()
    assert find_fault(path) is not None


def test_an_index_of_a_variant_that_is_not_there_hides_nothing(catalogue, tmp_path):
    path = make_model_folder(tmp_path / "models" / "my-own")
    shards = {"weight_map": {"a": "model.fp16-00001-of-00002.safetensors"}}
    (path / "transformer" / "model.fp16.safetensors.index.json").write_text(json.dumps(shards))
    assert catalogue.resolve("my-own").installed


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb", b"auto", b"x" * 101])
def test_a_name_that_nobody_can_send_is_listed_with_the_reason(catalogue, tmp_path, name):
    make_model_folder(tmp_path / "models" / os.fsdecode(name))
    assert len(catalogue.models()) == len(FAMILY) + 1

    mine = catalogue.models()[-1]

    assert not mine.installed
    assert "rename it" in mine.note
    assert mine.id.encode("utf-8")


def test_a_folder_of_models_that_cannot_be_read_hides_nothing_else(catalogue, ckpts, tmp_path, monkeypatch, caplog):
    make_model_folder(ckpts / "zimage-nano")
    make_model_folder(tmp_path / "models" / "my-own")
    listing = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path == tmp_path / "models":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert catalogue.resolve("auto").id == "zimage-nano"
    assert "cannot be read" in caplog.text


def test_a_newer_revision_that_is_only_begun_does_not_hide_a_whole_one(catalogue, monkeypatch, tmp_path):
    older = install_in_hub_cache(monkeypatch, tmp_path, "Tongyi-MAI/Z-Image-Turbo")
    newer = older.with_name("bbb222")
    (newer / "transformer").mkdir(parents=True)
    shutil.copy(older / "model_index.json", newer)
    (older.parents[1] / "refs" / "main").write_text("bbb222\n")

    model = catalogue.resolve("z-image-turbo")

    assert (model.path, model.source) == (older, "hub cache")
    assert "bbb222" in model.note
    assert "older abc is used" in model.note
    shutil.rmtree(older)
    assert "In the cache of the hub: scheduler" in catalogue.models()[0].note


def test_a_revision_that_was_fetched_by_its_hash_is_found(catalogue, monkeypatch, tmp_path):
    path = install_in_hub_cache(monkeypatch, tmp_path, "Tongyi-MAI/Z-Image-Turbo")
    shutil.rmtree(path.parents[1] / "refs")
    model = catalogue.resolve("z-image-turbo")
    assert (model.path, model.note) == (path, None)


def test_of_two_whole_revisions_the_main_one_is_used(catalogue, monkeypatch, tmp_path):
    main = install_in_hub_cache(monkeypatch, tmp_path, "Tongyi-MAI/Z-Image-Turbo")
    make_model_folder(main.with_name("later"))
    model = catalogue.resolve("z-image-turbo")
    assert (model.path, model.note) == (main, None)


# -- models of single files -------------------------------------------------------------------------------------------


@pytest.fixture
def comfy(tiny_model, tmp_path, ckpts):
    """ComfyUI's folder of models with one transformer, beside an installed model that lends the rest."""
    shutil.copytree(tiny_model, ckpts / "zimage-nano")
    return save_transformer(tiny_model, tmp_path / "models" / "diffusion_models" / "my_tune.safetensors")


def test_a_file_is_a_model_with_what_an_installed_one_lends(catalogue, comfy, ckpts):
    model = catalogue.resolve("my_tune")
    nano = ckpts / "zimage-nano"
    assert model.files == ModelFiles(
        "my_tune", comfy, nano / "text_encoder", nano / "vae", tokenizer=nano / "tokenizer", shift=3.0
    )
    assert [part.name for part in model.parts] == [
        "diffusion_models/my_tune.safetensors", "zimage-nano/text_encoder", "zimage-nano/vae",
    ]  # fmt: skip
    assert (model.source, model.size_multiple, catalogue.resolve("auto").id) == ("files", 32, "my_tune")


def test_files_that_are_no_model_are_listed_with_the_reason(catalogue, comfy, tmp_path):
    save_foreign(tmp_path / "models" / "vae" / "flux.safetensors")
    assert [(file.name, bool(file.parts)) for file in catalogue.weight_files()] == [
        ("diffusion_models/my_tune.safetensors", True), ("vae/flux.safetensors", False),
    ]  # fmt: skip
    assert [model.id for model in catalogue.models()][-1] == "my_tune"


def test_a_choice_is_kept_and_what_does_not_fit_is_refused(catalogue, comfy, tmp_path):
    assert catalogue.choose("my_tune", "base", {"vae": "zimage-nano/vae"}).member == "base"
    again = Catalogue(Settings(base_dir=tmp_path, models_dir=tmp_path / "models"))
    assert again.resolve("my_tune").guided
    with pytest.raises(UnknownPart, match=r"'ae' is no vae for my_tune; those that fit: zimage-nano/vae\."):
        catalogue.choose("my_tune", None, {"vae": "ae"})
    with pytest.raises(UnknownPart, match="nothing to choose"):
        catalogue.choose("zimage-nano", None, {})
    with pytest.raises(ModelNotFound):
        catalogue.choose("none", None, {})
    assert again.resolve("my_tune").member == "base"


def test_a_choice_that_cannot_be_written_is_said(catalogue, comfy, monkeypatch):
    def fail(path, write):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backend.services.library.choices.write_atomically", fail)
    with pytest.raises(DiskFull, match="nothing was changed"):
        catalogue.choose("my_tune", "base", {})
    assert catalogue.resolve("my_tune").member == "turbo"


def test_a_folder_of_further_paths_may_be_broken(tmp_path):
    (tmp_path / "extra.yaml").write_text("a: [")
    catalogue = Catalogue(Settings(base_dir=tmp_path, models_dir=tmp_path / "extra.yaml"))
    assert [file.fault for file in catalogue.weight_files()] == ["extra.yaml is no YAML."]
    assert [model.id for model in catalogue.models()] == [model.id for model in FAMILY]


def test_looking_into_the_cache_of_the_hub_brings_no_http_client(repository_root):
    script = """
import sys
from backend.services.library.hub.cache import find_cached
find_cached("Tongyi-MAI/Z-Image-Turbo")
assert not {"httpx", "httpx2", "requests"} & sys.modules.keys()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repository_root, capture_output=True, timeout=120, check=False
    )
    assert not done.returncode, done.stderr.decode()


def test_a_model_of_the_omni_variant_draws_from_references(catalogue, ckpts):
    make_omni_folder(ckpts / "omni")
    make_model_folder(ckpts / "plain")
    omni, plain = catalogue.resolve("omni"), catalogue.resolve("plain")
    assert (omni.is_omni, omni.guided, omni.negative_prompt) == (True, True, True)
    assert omni.abilities("native") == ("text", "references", "loras")
    assert "references" not in plain.abilities("native")
    assert "control" in plain.abilities("auto")
    assert "control" not in plain.abilities("diffusers")


@pytest.mark.parametrize("name", ["siglip/config.json", "siglip_processor/preprocessor_config.json"])
def test_one_that_cannot_see_is_not_installed(catalogue, ckpts, name):
    (make_omni_folder(ckpts / "omni") / name).unlink()
    with pytest.raises(ModelNotInstalled, match=f"{name} is missing"):
        catalogue.resolve("omni")
