from __future__ import annotations

import os

import pytest

from backend.models.config import Settings
from backend.services.library.loras.folders import MAX_DEPTH, LoraFolder, find_files, find_folders, home_of


@pytest.fixture
def make(tmp_path):
    def make(**changes: object) -> Settings:
        return Settings(base_dir=tmp_path / "root", data_dir=tmp_path / "data", **changes)

    return make


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def roots(settings):
    return [folder.root for folder in find_folders(settings)]


def test_ours_comes_first_then_those_that_come_with_models(make, tmp_path):
    ckpts = tmp_path / "root" / "Z-Image" / "ckpts"
    (ckpts / "zimage-nano").mkdir(parents=True)
    (ckpts / ".hidden").mkdir()
    settings = make()
    assert home_of(settings) == tmp_path / "data" / "loras"
    assert find_folders(settings) == [
        LoraFolder(tmp_path / "data" / "loras", is_own=True),
        LoraFolder(ckpts / "loras"),
        LoraFolder(ckpts / "zimage-nano" / "loras"),
    ]


def test_a_folder_of_the_settings_is_ours_and_home(make, tmp_path):
    settings = make(loras_dir=tmp_path / "mine")
    assert home_of(settings) == tmp_path / "mine"
    assert find_folders(settings)[:2] == [
        LoraFolder(tmp_path / "mine", is_own=True), LoraFolder(tmp_path / "data" / "loras", is_own=True),
    ]  # fmt: skip


@pytest.mark.parametrize("inside", ["", "models"])
def test_comfyui_s_is_searched_and_not_ours(make, tmp_path, inside):
    comfy = tmp_path / "ComfyUI"
    (comfy / inside / "vae").mkdir(parents=True)
    for settings in (make(loras_dir=comfy), make(models_dir=comfy)):
        assert home_of(settings) == tmp_path / "data" / "loras"
        assert LoraFolder(comfy / inside / "loras") in find_folders(settings)


def test_comfyui_s_own_folder_of_loras_takes_what_is_sent_but_is_not_ours(make, tmp_path):
    (tmp_path / "ComfyUI" / "models" / "vae").mkdir(parents=True)
    settings = make(loras_dir=tmp_path / "ComfyUI" / "models" / "loras")
    assert home_of(settings) == tmp_path / "ComfyUI" / "models" / "loras"
    assert find_folders(settings)[0] == LoraFolder(home_of(settings), is_own=False)


@pytest.mark.parametrize("name", ["models_dir", "loras_dir"])
def test_further_paths_of_comfyui(make, tmp_path, name):
    file = tmp_path / "extra_model_paths.yaml"
    file.write_text("a:\n  base_path: far\n  loras: |\n    models/loras\n    more\n  vae: vae\nb:\n  vae: x\n")
    found = roots(make(**{name: file}))
    assert tmp_path / "far" / "models" / "loras" in found
    assert tmp_path / "far" / "more" in found
    assert not any(path.name in ("vae", "x") for path in found)


def test_a_file_of_paths_that_makes_no_sense_is_told(make, tmp_path):
    file = tmp_path / "paths.yaml"
    file.write_text("{[")
    faults = [folder.fault for folder in find_folders(make(loras_dir=file)) if folder.fault]
    assert len(faults) == 1
    assert "YAML" in faults[0]


def test_a_folder_that_is_named_twice_is_searched_once(make, tmp_path):
    (tmp_path / "data" / "loras").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data" / "loras")
    assert len(roots(make(loras_dir=tmp_path / "link"))) == len(set(roots(make())))


def names(*folders):
    return [file.name for file in find_files([LoraFolder(folder) for folder in folders])]


def test_files_are_found_in_all_folders_by_name(tmp_path):
    sound = ("b.safetensors", "a/c.SAFETENSORS", "a/d.sft")
    others = (".e.safetensors", ".f/g.safetensors", "h.pt", "i.ckpt", ".upload-1.part", "safetensors")
    touch(*(tmp_path / name for name in sound + others))
    (tmp_path / "folder.safetensors").mkdir()
    assert names(tmp_path) == ["a/c.SAFETENSORS", "a/d.sft", "b.safetensors"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_a_pipe_is_no_file(tmp_path):
    touch(tmp_path / "b.safetensors")
    os.mkfifo(tmp_path / "a.safetensors")
    (tmp_path / "c.safetensors").symlink_to(tmp_path / "a.safetensors")
    assert names(tmp_path) == ["b.safetensors"]


def test_links_are_followed_once_and_never_in_circles(tmp_path):
    touch(tmp_path / "far" / "a.safetensors", tmp_path / "here" / "b.safetensors")
    (tmp_path / "here" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "here")
    (tmp_path / "here" / "one.safetensors").symlink_to(tmp_path / "far" / "a.safetensors")
    (tmp_path / "here" / "lost.safetensors").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path / "here") == ["b.safetensors", "far/a.safetensors", "lost.safetensors", "one.safetensors"]
    assert names(tmp_path / "here", tmp_path / "far") == names(tmp_path / "here")


def test_depth_is_bounded(tmp_path):
    deep = tmp_path
    for level in range(MAX_DEPTH + 2):
        touch(deep / f"{level}.safetensors")
        deep = deep / "d"
    assert len(names(tmp_path)) == MAX_DEPTH + 1


def test_what_cannot_be_read_is_passed_over(tmp_path, caplog):
    touch(tmp_path / "file")
    assert names(tmp_path / "nowhere", tmp_path / "file") == []
    assert find_files([LoraFolder(tmp_path, fault="It is none.")]) == []
    assert names(tmp_path / ("x" * 300)) == []
    assert "cannot be read" in caplog.text


def test_files_beside_it_are_part_of_what_tells_a_changed_one(tmp_path):
    touch(tmp_path / "a.safetensors", tmp_path / "a.jpg", tmp_path / "a.preview.png", tmp_path / "a.civitai.info",
          tmp_path / "ab.png")  # fmt: skip
    (tmp_path / "a.json").symlink_to(tmp_path / "a.jpg")
    (file,) = find_files([LoraFolder(tmp_path)])
    assert [one.name for one in file.sidecars] == ["a.preview.png", "a.jpg", "a.civitai.info"]
    before = file.signature
    os.utime(tmp_path / "a.jpg", ns=(1, 1))
    assert find_files([LoraFolder(tmp_path)])[0].signature != before
    assert find_files([LoraFolder(tmp_path)]) == find_files([LoraFolder(tmp_path)])


def test_a_name_that_is_no_utf_8_is_found(tmp_path):
    touch(tmp_path / os.fsdecode(b"caf\xe9.safetensors"))
    assert len(names(tmp_path)) == 1
