"""A folder against its manifest: every missing, damaged or unknown file is named."""

import json

import pytest
from zimage.config.manifest import Manifest, ManifestFile
from zimage.errors import ConfigError, WeightsError
from zimage.tools.manifest import find_manifest, main, make_manifest, sha256_of, verify

CONTENT = {
    "model_index.json": b"{}",
    "scheduler/scheduler_config.json": b"{}",
    "tokenizer/merges.txt": b"a b",
    "transformer/config.json": b"{ }",
    "transformer/model.safetensors": b"weights",
    "vae/config.json": b"",
}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "Z-Image-Tiny"
    for name, content in CONTENT.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    for name in ("README.md", "transformer/notes.md", "assets/teaser.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"not read by a pipeline")
    return root


def test_every_file_that_a_pipeline_reads_is_in_it(folder):
    hashed = []
    manifest = make_manifest(folder, "tiny", "owner/tiny", "main", hashed.append)
    assert [file.path for file in manifest.files] == sorted(CONTENT)
    assert all(file.size_bytes == len(CONTENT[file.path]) for file in manifest.files)
    assert sum(hashed) == manifest.size_bytes
    assert (manifest.name, manifest.repository, manifest.revision) == ("tiny", "owner/tiny", "main")


def test_the_hash_is_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_whole_folder_has_no_fault(folder):
    assert verify(folder, make_manifest(folder, "tiny")) == []


def test_every_fault_is_named(folder):
    manifest = make_manifest(folder, "tiny")
    (folder / "vae/config.json").unlink()
    (folder / "tokenizer/merges.txt").write_bytes(b"a c")
    (folder / "transformer/model.safetensors").write_bytes(b"weight")
    (folder / "vae/other.safetensors").write_bytes(b"")
    faults = verify(folder, manifest)
    assert [fault.split(" has ")[0] for fault in faults] == [
        "tokenizer/merges.txt",
        "transformer/model.safetensors",
        "vae/config.json is missing",
        "vae/other.safetensors is not in the manifest",
    ]
    assert "6 bytes instead of 7" in faults[1]
    assert "sha256" in faults[0]
    assert not any("merges" in fault for fault in verify(folder, manifest, hashes=False))


def test_what_the_manifest_does_not_tell_is_not_a_fault(folder):
    assert verify(folder, Manifest("tiny", tuple(ManifestFile(name) for name in CONTENT))) == []


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(WeightsError, match="model_index"):
        make_manifest(tmp_path, "none")
    with pytest.raises(WeightsError, match="no folder"):
        verify(tmp_path / "absent", Manifest("tiny", ()))


def test_the_manifest_is_found_by_name_file_or_folder(folder, tmp_path):
    path = tmp_path / "m.json"
    path.write_text(Manifest("mine", (ManifestFile("a"),)).to_json(), "utf-8")
    assert find_manifest(folder, str(path)).name == "mine"
    assert find_manifest(folder, "z-image-turbo").name == "Z-Image-Turbo"
    assert find_manifest(tmp_path / "Z-Image-Turbo", None).name == "Z-Image-Turbo"
    cached = tmp_path / "hub/models--Tongyi-MAI--Z-Image/snapshots/04cc"
    assert find_manifest(cached, None).name == "Z-Image"
    with pytest.raises(ConfigError, match="'Z-Image-Tiny': say --manifest"):
        find_manifest(folder, None)


def test_manifest_command_makes_and_verifies(folder, tmp_path, capsys):
    path = tmp_path / "m.json"
    assert main(["make", str(folder), "--output", str(path), "--revision", "main"]) == 0
    assert Manifest.from_file(path).revision == "main"
    assert main(["verify", str(folder), "--manifest", str(path)]) == 0
    (folder / "model_index.json").unlink()
    assert main(["verify", str(folder), "--manifest", str(path), "--sizes-only"]) == 1
    assert "model_index.json is missing\n" in capsys.readouterr().out


def test_the_command_line_tells_errors_in_a_sentence(folder, tmp_path, capsys):
    assert main(["make", str(tmp_path)]) == 1
    assert main(["verify", str(folder)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert all(line.startswith("error: ") for line in errors)


def test_without_an_output_the_manifest_is_printed(folder, capsys):
    assert main(["make", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Z-Image-Tiny"
