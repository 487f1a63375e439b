from __future__ import annotations

from pathlib import Path

import pytest

from backend.models.recipe import LoraUse
from backend.services.errors import NotOurs, RemovalFailed
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.loras.folders import LoraFolder
from backend.services.library.loras.removal import LoraRemovals
from backend.services.library.variants.receipts import Receipts
from backend.services.lora_errors import LoraInUse, LoraNotFound, NameTaken
from tests.backend.services.library.loras.lora_files import FakeReader, write_lora


@pytest.fixture
def home(settings):
    return settings.data_dir / "loras"


@pytest.fixture
def theirs(tmp_path):
    return tmp_path / "theirs"


@pytest.fixture
def catalogue(settings, home, theirs):
    folders = [LoraFolder(home, is_own=True), LoraFolder(theirs)]
    return LoraCatalogue(settings, FakeReader(), lambda: True, lambda _settings: folders)


@pytest.fixture
def wanted():
    return []


@pytest.fixture
def receipts(tmp_path):
    return Receipts(tmp_path / "receipts.json")


@pytest.fixture
def removals(catalogue, receipts, wanted):
    return LoraRemovals(catalogue, receipts, lambda: wanted)


def test_it_goes_with_what_lies_beside_it(removals, home):
    write_lora(home / "ink.safetensors", dim=8)
    write_lora(home / "inky.safetensors", dim=8)
    for name in ("ink.png", "ink.json", "ink.txt", "ink.civitai.info", "ink.notes", "inky.png"):
        (home / name).write_text("x")
    removals.remove("ink")
    assert sorted(path.name for path in home.iterdir()) == ["ink.notes", "inky.png", "inky.safetensors"]


def test_what_another_file_of_the_stem_has_too_stays(removals, home):
    write_lora(home / "ink.safetensors", dim=8)
    write_lora(home / "ink.sft", dim=8)
    (home / "ink.png").write_text("x")
    removals.remove("ink.sft")
    assert sorted(path.name for path in home.iterdir()) == ["ink.png", "ink.safetensors"]


def test_those_of_others_stay_but_for_what_was_sent_here(removals, catalogue, receipts, theirs):
    file = write_lora(theirs / "a.safetensors", dim=8)
    write_lora(theirs / "b.safetensors", dim=8)
    with pytest.raises(NotOurs):
        removals.remove("a")
    receipts.add(file, "0" * 64)
    assert removals.find_own(catalogue.look().loras) == {str(file)}
    removals.remove("a")
    assert [path.name for path in theirs.iterdir()] == ["b.safetensors"]
    write_lora(file, dim=16)  # another one of the name is not the one that came
    with pytest.raises(NotOurs):
        removals.remove("a")


def test_one_that_a_task_needs_stays(removals, catalogue, home, wanted):
    write_lora(home / "ink.safetensors", dim=8)
    wanted.append(LoraUse(name="ink"))
    with pytest.raises(LoraInUse):
        removals.remove("ink")
    digest = catalogue.digest_of(catalogue.get("ink"))
    wanted[:] = [LoraUse(name="as it was called", sha256=digest.sha256)]
    with pytest.raises(LoraInUse):
        removals.remove("ink")
    wanted[:] = [LoraUse(name="another", sha256="0" * 64)]
    removals.remove("ink")


@pytest.mark.parametrize("name", ["nope", "../secret", "/etc/passwd", "ink.safetensors", ""])
def test_only_a_name_of_the_list_is_one(removals, home, name):
    write_lora(home / "ink.safetensors", dim=8)
    (home.parent / "secret.safetensors").write_text("x")
    with pytest.raises(LoraNotFound):
        removals.remove(name)
    assert (home.parent / "secret.safetensors").exists()


def test_of_a_link_the_link_alone_goes(removals, home, tmp_path):
    far = write_lora(tmp_path / "far.safetensors", dim=8)
    home.mkdir(parents=True)
    (home / "ink.safetensors").symlink_to(far)
    removals.remove("ink")
    assert far.exists()
    assert list(home.iterdir()) == []


def test_what_a_linked_folder_holds_is_not_ours(removals, home, tmp_path):
    far = write_lora(tmp_path / "comfy" / "ink.safetensors", dim=8)
    home.mkdir(parents=True)
    (home / "comfy").symlink_to(tmp_path / "comfy")
    with pytest.raises(NotOurs):
        removals.remove("comfy/ink")
    assert far.exists()


def test_the_same_request_again_deletes_nothing_else(removals, catalogue, home):
    for name in ("c0.safetensors", "sub/c0.safetensors", "C0.safetensors"):
        write_lora(home / name, dim=8)
    removals.remove("c0")
    for _ in range(2):
        with pytest.raises(LoraNotFound, match="'sub/c0'"):
            removals.remove("c0")
    assert catalogue.names() == ["C0", "sub/c0"]
    removals.remove("C0")
    with pytest.raises(LoraNotFound, match="'sub/c0'"):
        removals.remove("c0")


def test_a_name_does_not_pass_to_another_own_file(settings, receipts, wanted, home, tmp_path):
    folders = [LoraFolder(home, is_own=True), LoraFolder(tmp_path / "second", is_own=True)]
    catalogue = LoraCatalogue(settings, FakeReader(), lambda: True, lambda _settings: folders)
    removals = LoraRemovals(catalogue, receipts, lambda: wanted)
    for folder in folders:
        write_lora(folder.root / "ink.safetensors", dim=8)
    with pytest.raises(NameTaken, match="another folder"):
        removals.remove("ink")
    removals.remove("ink (2)")
    removals.remove("ink")
    assert catalogue.names() == []


def test_a_name_may_pass_to_what_cannot_be_deleted(removals, home, theirs):
    for folder in (home, theirs):
        write_lora(folder / "ink.safetensors", dim=8)
    removals.remove("ink")
    with pytest.raises(NotOurs):
        removals.remove("ink")


def test_a_disk_that_refuses(removals, home, monkeypatch):
    write_lora(home / "ink.safetensors", dim=8)

    def refuse(_path: Path) -> None:
        raise PermissionError(13, "not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RemovalFailed, match="not permitted"):
        removals.remove("ink")
