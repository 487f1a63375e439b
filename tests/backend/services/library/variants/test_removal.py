from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from backend.services.errors import ModelInUse, ModelNotFound, NotOurs, RemovalFailed
from backend.services.library.catalogue import Catalogue
from backend.services.library.downloads import Downloads
from backend.services.library.hub.client import HuggingFaceHub
from backend.services.library.places import is_own
from backend.services.library.variants.receipts import Receipts
from backend.services.library.variants.removal import Removals
from tests.backend.fakes import make_model_folder
from tests.backend.services.library.weight_files import save_transformer, save_vae


class Scene:
    """A catalogue with what deletes from it, and what is busy."""

    def __init__(self, settings) -> None:
        self.settings = settings
        self.ckpts = settings.base_dir / "Z-Image" / "ckpts"
        self.receipts = Receipts(settings.data_dir / "downloaded.json")
        self.loaded: set[str] = set()
        self.wanted: set[str] = set()

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.settings)

    @property
    def removals(self) -> Removals:
        models_dir = self.settings.models_dir
        own = [self.ckpts, *([models_dir] if models_dir and is_own(models_dir) else [])]
        root = models_dir or self.ckpts
        downloads = Downloads(self.catalogue, root, HuggingFaceHub(), lambda _: 0, self.receipts)
        return Removals(
            self.catalogue, downloads, self.receipts, download_root=root, own_roots=lambda: own,
            loaded=lambda: self.loaded, wanted=lambda: self.wanted,
        )  # fmt: skip

    def models_in(self, folder: Path) -> Path:
        self.settings = self.settings.model_copy(update={"models_dir": folder})
        return folder

    def ids(self) -> list[str]:
        return [model.id for model in self.catalogue.models() if model.installed]


@pytest.fixture
def scene(settings) -> Scene:
    return Scene(settings)


@pytest.fixture
def with_files(scene, tiny_model) -> Scene:
    """A model whose transformer and autoencoder are files in our folder; its text encoder is the demo model's."""
    shutil.rmtree(scene.ckpts / "zimage-nano")
    shutil.copytree(tiny_model, scene.ckpts / "zimage-nano")
    save_transformer(tiny_model, scene.ckpts / "diffusion_models" / "tune.safetensors")
    save_vae(scene.ckpts / "vae" / "ae.safetensors")
    scene.catalogue.choose("tune", None, {"vae": "vae/ae.safetensors"})
    return scene


def test_a_folder_of_ours_goes_with_all_in_it(scene):
    folder = make_model_folder(scene.ckpts / "mine")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    assert [(doomed.name, doomed.size_bytes) for doomed in scene.removals.plan("mine").files] == [("mine/", size)]
    assert folder.exists(), "a plan deletes nothing"
    scene.removals.remove("mine")

    assert (scene.ids(), sorted(path.name for path in scene.ckpts.iterdir())) == (["zimage-nano"], ["zimage-nano"])


def test_of_a_link_the_link_alone_goes(scene, tmp_path):
    foreign = make_model_folder(tmp_path / "elsewhere")
    (scene.ckpts / "mine").symlink_to(foreign)
    scene.removals.remove("mine")
    assert (scene.ids(), foreign.exists()) == (["zimage-nano"], True)


def test_what_lies_behind_a_linked_folder_is_another_s(scene, tmp_path, tiny_model):
    foreign = save_transformer(tiny_model, tmp_path / "comfy" / "unet" / "tune.safetensors")
    (scene.ckpts / "unet").symlink_to(foreign.parent)
    with pytest.raises(NotOurs, match=r"unet/tune\.safetensors lies in a folder of another program"):
        scene.removals.plan("tune")


def test_the_demo_model_stays(scene):
    with pytest.raises(NotOurs, match="part of this program"):
        scene.removals.remove("zimage-nano")
    assert scene.ids() == ["zimage-nano"]


def test_the_cache_of_the_hub_is_others_too(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = make_model_folder(tmp_path / "hub" / "models--Tongyi-MAI--Z-Image-Turbo" / "snapshots" / "a")
    with pytest.raises(NotOurs, match="which other programs share"):
        scene.removals.remove("z-image-turbo")
    assert folder.exists()


@pytest.mark.parametrize("name", ["nothing", "z-image-turbo", "z_image_turbo_bf16"])
def test_of_nothing_there_is_nothing_to_delete(scene, name):
    with pytest.raises(ModelNotFound):
        scene.removals.remove(name)


@pytest.mark.parametrize(("who", "why"), [("loaded", "in memory"), ("wanted", "A task waits for it")])
def test_what_is_busy_stays(scene, who, why):
    folder = make_model_folder(scene.ckpts / "mine")
    getattr(scene, who).add("mine")
    with pytest.raises(ModelInUse, match=why):
        scene.removals.remove("mine")
    assert folder.exists()


def test_of_files_the_transformer_goes_and_what_was_put_here_by_hand_stays(with_files):
    removal = with_files.removals.remove("tune")
    assert [doomed.name for doomed in removal.files] == ["diffusion_models/tune.safetensors"]
    assert removal.kept == {"zimage-nano/text_encoder": "not_ours", "vae/ae.safetensors": "not_ours"}
    assert (with_files.ckpts / "vae" / "ae.safetensors").exists()
    assert with_files.ids() == ["zimage-nano"]


def test_a_part_that_was_downloaded_here_goes_along(with_files):
    vae = with_files.ckpts / "vae" / "ae.safetensors"
    with_files.receipts.add(vae, "abc")
    removal = with_files.removals.remove("tune")
    assert [doomed.name for doomed in removal.files] == ["diffusion_models/tune.safetensors", "vae/ae.safetensors"]
    assert (vae.exists(), with_files.receipts.digest_of(vae)) == (False, None)


def test_a_part_that_another_model_uses_stays(with_files, tiny_model):
    vae = with_files.ckpts / "vae" / "ae.safetensors"
    with_files.receipts.add(vae, "abc")
    save_transformer(tiny_model, with_files.ckpts / "diffusion_models" / "other.safetensors")
    with_files.catalogue.choose("other", None, {"vae": "vae/ae.safetensors"})

    removal = with_files.removals.remove("tune")

    assert (removal.kept["vae/ae.safetensors"], vae.exists()) == ("shared", True)
    assert with_files.ids() == ["zimage-nano", "other"]
    with_files.removals.remove("other")
    assert not vae.exists()


def test_a_folder_whose_parts_another_model_uses_stays(with_files, tiny_model):
    shutil.copytree(tiny_model, with_files.ckpts / "mine")
    own_vae = {"vae": "vae/ae.safetensors"}
    with_files.catalogue.choose("tune", None, {"text_encoder": "mine/text_encoder", **own_vae})
    with pytest.raises(ModelInUse, match="used by tune: choose other parts there"):
        with_files.removals.remove("mine")
    with_files.catalogue.choose("tune", None, {"text_encoder": "zimage-nano/text_encoder", **own_vae})
    with_files.removals.remove("mine")


def test_in_comfyui_s_folder_only_what_was_downloaded_here_goes(with_files, tmp_path, tiny_model):
    root = with_files.models_in(tmp_path / "ComfyUI" / "models")
    foreign = save_transformer(tiny_model, root / "diffusion_models" / "theirs.safetensors")
    fetched = save_transformer(tiny_model, root / "diffusion_models" / "fetched.safetensors")
    whole = [make_model_folder(root / name) for name in ("theirs-too", "fetched-too")]
    with_files.receipts.add(fetched, "abc")
    with_files.receipts.add(whole[1] / "model_index.json", "abc")

    for name in ("theirs", "theirs-too"):
        with pytest.raises(NotOurs, match="folder of another program, and was not downloaded here"):
            with_files.removals.remove(name)
    for name in ("fetched", "fetched-too"):
        with_files.removals.remove(name)

    assert [path.exists() for path in (foreign, fetched, *whole)] == [True, False, True, False]


def test_what_a_download_has_left_goes(scene):
    folder = scene.ckpts / "Z-Image-Turbo"
    (folder / "vae").mkdir(parents=True)
    (folder / "vae" / "model.safetensors.part").write_bytes(b"half")
    part, whole = (scene.ckpts / "vae" / name for name in ("ae.safetensors.part", "ae.safetensors"))
    part.parent.mkdir()
    part.write_bytes(b"half")
    whole.write_bytes(b"all")
    scene.receipts.add(whole, "abc")

    assert [doomed.name for doomed in scene.removals.remove("z-image-turbo").files] == ["Z-Image-Turbo/"]
    assert sorted(doomed.name for doomed in scene.removals.remove("z_image_turbo_bf16").files) == [
        "vae/ae.safetensors", "vae/ae.safetensors.part",
    ]  # fmt: skip
    assert not any(path.exists() for path in (folder, part, whole))


def test_a_disk_that_refuses_is_told(scene, monkeypatch):
    folder = make_model_folder(scene.ckpts / "mine")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RemovalFailed, match=r"refuses to delete mine/ \(Permission denied\)"):
        scene.removals.remove("mine")
    assert folder.exists()
