from __future__ import annotations

import pytest

from backend.services.library.places import KINDS, MAX_YAML_BYTES, claim, find_places, is_own, published_root


def comfy(root, *kinds):
    for kind in kinds:
        (root / kind).mkdir(parents=True)
    return root


def searched(path):
    return [folder for place in find_places(path) for folder in place.folders]


def test_without_a_folder_there_is_none():
    assert find_places(None) == []


def test_a_folder_of_ones_own_is_searched_as_it_is(tmp_path):
    assert searched(tmp_path) == [tmp_path]
    assert published_root(tmp_path) == tmp_path


@pytest.mark.parametrize("inside", ["", "models"])
def test_of_comfyui_only_folders_of_parts_are_searched(tmp_path, inside):
    root = comfy(tmp_path / inside, *KINDS, "loras", "upscale_models")
    assert searched(tmp_path) == [root / kind for kind in KINDS]
    assert published_root(tmp_path) == root


def test_further_paths_of_comfyui(tmp_path):
    file = tmp_path / "extra_model_paths.yaml"
    file.write_text(
        "comfyui:\n  base_path: far/away\n  is_default: true\n  checkpoints: models/checkpoints/\n"
        "  diffusion_models: |\n    models/unet\n\n    models/diffusion_models\n  loras: models/loras\n"
        f"other:\n  vae: {tmp_path / 'vae'}\n"
    )
    base = tmp_path / "far" / "away" / "models"
    assert searched(file) == [
        base / "unet", base / "diffusion_models", base / "checkpoints", tmp_path / "vae",
    ]  # fmt: skip
    assert published_root(file) is None


def test_home_and_variables_in_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WEIGHTS", "own")
    (tmp_path / "extra.yml").write_text("a:\n  base_path: ~/$WEIGHTS\n  vae: vae")
    assert searched(tmp_path / "extra.yml") == [tmp_path / "own" / "vae"]


def test_further_paths_beside_an_installation_come_second(tmp_path):
    comfy(tmp_path / "models", "vae")
    (tmp_path / "extra_model_paths.yaml").write_text("a:\n  vae: elsewhere")
    assert searched(tmp_path) == [tmp_path / "models" / "vae", tmp_path / "elsewhere"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a: [", "no YAML"),
        (b"a: *nothing", "no YAML"),
        (b"\xff\xfe\xff", "no YAML"),
        (b"- vae", "no sections"),
        (b"", "no sections"),
        (b"#" * (MAX_YAML_BYTES + 1), "larger than"),
        (b"[" * 100_000, "no YAML"),
        (None, "cannot be read"),
    ],
)
def test_a_file_of_paths_that_makes_no_sense_is_said(tmp_path, text, fault):
    file = tmp_path / "extra.yaml"
    if text is not None:
        file.write_bytes(text)
    [place] = find_places(file)
    assert fault in str(place.fault)
    assert (place.folders, str(tmp_path) in str(place.fault)) == ((), False)


@pytest.mark.parametrize("path", ["~nobody-of-this-name/x", '"a\\0b"'])
def test_a_path_that_makes_no_sense_is_said(tmp_path, path):
    (tmp_path / "extra.yaml").write_text(f"a:\n  base_path: {path}\n  vae: v\nb:\n  vae: here")
    bad, good = find_places(tmp_path / "extra.yaml")
    assert "makes no sense" in str(bad.fault)
    assert good.folders == (tmp_path / "here",)


@pytest.mark.parametrize("value", ["5", "null", "[a, b]", "{a: b}"])
def test_what_is_no_path_is_left_out(tmp_path, value):
    (tmp_path / "extra.yaml").write_text(f"a:\n  base_path: {value}\n  vae: {value}\nb: 3\nc:\n  vae: here")
    assert searched(tmp_path / "extra.yaml") == [tmp_path / "here"]


def test_a_folder_of_ones_own_stays_so_when_it_gets_folders_of_parts(tmp_path):
    (tmp_path / "mine").mkdir()
    claim(tmp_path)
    comfy(tmp_path, "diffusion_models", "vae")

    assert is_own(tmp_path)
    assert searched(tmp_path) == [tmp_path]
    assert published_root(tmp_path) == tmp_path


def test_comfyui_s_folders_are_not_claimed(tmp_path):
    root = comfy(tmp_path / "models", "vae")
    for folder in (tmp_path, root):
        claim(folder)
        assert not is_own(folder)
    assert [path.name for path in root.iterdir()] == ["vae"]
    assert not is_own(tmp_path / "extra.yaml")


def test_a_folder_that_is_not_there_yet_is_made(tmp_path):
    claim(tmp_path / "new")
    assert is_own(comfy(tmp_path / "new", "unet"))
