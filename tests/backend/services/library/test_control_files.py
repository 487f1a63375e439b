"""ControlNets among the files of weights."""

from __future__ import annotations

import shutil

import pytest

from backend.services.errors import UnknownControl
from backend.services.library.catalogue import Catalogue
from backend.services.library.control_files import read_control
from backend.services.library.part_files import PartFiles
from tests.backend.services.library.weight_files import save_control, save_control_header, save_foreign, save_vae


def find(root):
    return {file.name: file for file in PartFiles().find(root, [root], lambda folder: False)}


@pytest.mark.parametrize(("layers", "kind"), [(15, "2.0 or 2.1"), (3, "2.1-lite")])
def test_a_published_file_is_told_by_its_header(tmp_path, layers, kind):
    save_control_header(tmp_path / "any name.safetensors", layers=layers)
    [file] = find(tmp_path).values()
    assert (file.fault, file.parts) == (None, ())
    control = file.control
    assert (control.name, control.kind, control.dim, control.takes_mask) == ("any name.safetensors", kind, 3840, True)
    assert (control.format, control.size_bytes > 10**6, control.n_values > 500_000) == ("BF16", True, True)


def test_one_for_another_model_says_how_wide_it_is(tiny_model, tmp_path):
    control = read_control(save_control(tiny_model, tmp_path / "a.safetensors", "v1"), "a")
    assert (control.kind, control.takes_mask) == ("64 wide, for a small model", False)


def test_one_of_an_unknown_kind_is_refused_with_what_is_read(tmp_path):
    save_control_header(tmp_path / "odd.safetensors", layers=4)
    file = find(tmp_path)["odd.safetensors"]
    assert file.control is None
    assert "no known kind, with 4 control layers" in file.fault
    assert "2.1-lite with 3 control layers" in file.fault
    assert str(tmp_path) not in file.fault


def test_what_is_none_stays_what_it_is(tmp_path):
    save_vae(tmp_path / "ae.safetensors")
    save_foreign(tmp_path / "flux.safetensors")
    found = find(tmp_path)
    assert [file.control for file in found.values()] == [None, None]
    assert "FLUX.1" in found["flux.safetensors"].fault


@pytest.mark.parametrize("folder", ["model_patches", "controlnet"])
def test_the_catalogue_lists_those_in_the_folders_of_comfyui(settings, tmp_path, folder):
    save_control_header(tmp_path / "models" / folder / "union.safetensors", layers=3)
    catalogue = Catalogue(settings.model_copy(update={"models_dir": tmp_path}))
    name = f"{folder}/union.safetensors"
    assert [control.name for control in catalogue.look().controls] == [name]
    assert catalogue.resolve_control(name).path == tmp_path / "models" / folder / "union.safetensors"
    assert not [model for model in catalogue.models() if model.source == "files"]
    with pytest.raises(UnknownControl, match=f"'other'; installed: {name}"):
        catalogue.resolve_control("other")


def test_without_any_it_says_where_to_put_one(settings):
    with pytest.raises(UnknownControl, match="model_patches/ or controlnet/"):
        Catalogue(settings).resolve_control("union")


def test_of_two_of_one_name_the_first_counts(settings, tmp_path):
    own = save_control_header(tmp_path / "own" / "a.safetensors", layers=3)
    ckpts = settings.base_dir / "Z-Image" / "ckpts"
    ckpts.mkdir(parents=True, exist_ok=True)
    shutil.copy(own, ckpts / "a.safetensors")
    catalogue = Catalogue(settings.model_copy(update={"models_dir": own.parent}))
    assert [control.path for control in catalogue.look().controls] == [own]
