from __future__ import annotations

import os
import shutil

import pytest

from backend.services.library.part_files import MAX_DEPTH, PartFiles
from tests.backend.services.library.weight_files import (
    save_foreign,
    save_text_encoder,
    save_transformer,
    save_vae,
    touch_again,
)


@pytest.fixture
def files():
    return PartFiles()


def find(files, root):
    return files.find(root, [root], lambda folder: False)


def test_each_part_is_known_by_its_header_whatever_it_is_called(tiny_model, tmp_path, files):
    save_transformer(tiny_model, tmp_path / "vae" / "a.safetensors")
    save_text_encoder(tiny_model, tmp_path / "b.sft")
    save_vae(tmp_path / "transformer.safetensors")

    found = {file.name: file.parts for file in find(files, tmp_path)}

    assert {name: part.part for name, [part] in found.items()} == {
        "vae/a.safetensors": "transformer", "b.sft": "text_encoder", "transformer.safetensors": "vae",
    }  # fmt: skip
    [transformer], [encoder], [vae] = (
        found[name] for name in ("vae/a.safetensors", "b.sft", "transformer.safetensors")
    )
    assert transformer.text_width == encoder.text_width > 0
    assert transformer.channels == vae.channels == 16
    assert (vae.grid_px, encoder.n_tokens > 0, transformer.format, transformer.bits) == (16, True, "F16", 16.0)


def test_what_is_no_model_says_what_it_is(tmp_path, files):
    save_foreign(tmp_path / "flux.safetensors")
    save_foreign(tmp_path / "style.safetensors", "layers.0.attention.to_q.lora_A.weight")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF\x09\0\0\0")

    faults = {file.name: file.fault for file in find(files, tmp_path)}

    assert "FLUX.1" in faults["flux.safetensors"]
    assert "a LoRA" in faults["style.safetensors"]
    assert all(faults[name] for name in ("cut.safetensors", "bad.gguf"))
    assert not any(str(tmp_path) in fault for fault in faults.values())
    assert all(fault.endswith(".") and fault[0].isupper() for fault in faults.values())


def test_a_header_is_read_once_until_the_file_changes(tmp_path, files, monkeypatch):
    file = save_vae(tmp_path / "ae.safetensors")
    reads = []
    from zimage.weights import parts

    find_parts = parts.find_parts
    monkeypatch.setattr(parts, "find_parts", lambda path: (reads.append(path), find_parts(path))[1])
    assert find(files, tmp_path) == find(files, tmp_path)
    assert len(reads) == 1
    touch_again(file)
    find(files, tmp_path)
    assert len(reads) == 2


def test_hidden_deep_and_other_files_are_left_alone(tmp_path, files):
    for place in (".hidden/a.safetensors", "a.ckpt", "b.txt", "/".join("x" * (MAX_DEPTH + 1)) + "/c.safetensors"):
        save_foreign(tmp_path / place)
    assert find(files, tmp_path) == []
    assert find(files, tmp_path / "not-there") == []


def test_a_circle_of_links_ends(tmp_path, files):
    save_foreign(tmp_path / "a.safetensors")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert 1 <= len(find(files, tmp_path)) <= MAX_DEPTH + 1


def test_a_link_to_nothing_is_said_and_hides_nobody(tmp_path, files):
    for name in "acz":
        save_vae(tmp_path / f"{name}.safetensors")
    (tmp_path / "b.safetensors").symlink_to(tmp_path / "gone")
    (tmp_path / "d.safetensors").symlink_to(tmp_path / "d.safetensors")
    found = {file.name: file.fault for file in find(files, tmp_path)}
    assert [name for name, fault in found.items() if fault is None] == [
        "a.safetensors",
        "c.safetensors",
        "z.safetensors",
    ]
    assert "link to a file that is not there" in str(found["b.safetensors"])
    assert found["d.safetensors"]


@pytest.mark.parametrize("name", ["all_x_embedder.0-1.weight", f"layers.{'9' * 5000}.x"])
def test_a_hostile_header_costs_its_own_file_only(tmp_path, files, name):
    save_foreign(tmp_path / "bad.safetensors", name)
    save_vae(tmp_path / "good.safetensors")
    bad, good = find(files, tmp_path)
    assert bad.fault
    assert good.fault is None


def test_a_fault_that_was_mended_beside_the_file_is_forgotten(tmp_path, files, monkeypatch):
    save_vae(tmp_path / "ae.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr("zimage.weights.parts.find_parts", lambda path: 1 / 0)
        assert find(files, tmp_path)[0].fault
    assert find(files, tmp_path)[0].fault is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_logged(tmp_path, files, caplog):
    (tmp_path / "closed").mkdir(mode=0)
    assert find(files, tmp_path) == []
    assert "cannot be read" in caplog.text


def test_a_published_folder_lends_its_text_encoder_and_autoencoder(tiny_model, files):
    encoder, vae = files.describe_folder(tiny_model, "zimage-nano")
    assert (encoder.name, vae.name) == ("zimage-nano/text_encoder", "zimage-nano/vae")
    assert (encoder.part, vae.part, encoder.tokenizer) == ("text_encoder", "vae", tiny_model / "tokenizer")


def test_a_folder_without_parts_lends_nothing(tmp_path, tiny_model, files):
    shutil.copytree(tiny_model / "vae", tmp_path / "half" / "vae")
    (tmp_path / "half" / "text_encoder").mkdir()
    [vae] = files.describe_folder(tmp_path / "half", "half")
    assert vae.part == "vae"
