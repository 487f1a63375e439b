"""Manifests: what is published is described, and nothing outside the model's folder can be named."""

import json

import pytest
from zimage.config.manifest import Manifest, ManifestFile, published, published_names
from zimage.errors import ConfigError


def test_published_models_have_a_manifest():
    assert published_names() == ["z-image", "z-image-turbo"]
    with pytest.raises(ConfigError, match=r"'sdxl'; known are z-image, z-image-turbo"):
        published("sdxl")


def test_turbo_is_described_file_by_file():
    turbo = published("z-image-turbo")
    assert turbo.repository == "Tongyi-MAI/Z-Image-Turbo"
    assert turbo.size_bytes == 32_848_305_533  # the 32.9 GB that its page tells
    assert all(file.size_bytes and file.sha256 for file in turbo.files)
    parts = {file.path.partition("/")[0] for file in turbo.files}
    assert parts == {"model_index.json", "scheduler", "text_encoder", "tokenizer", "transformer", "vae"}
    shards = [file.size_bytes for file in turbo.files if file.path.startswith("transformer/diffusion_pytorch_model-")]
    parameters = 6_154_908_736
    assert 0 < sum(shards) - 4 * parameters < 100_000  # float32, and three headers


def test_the_base_model_says_what_is_known():
    base = published("z-image")
    assert base.size_bytes is None
    assert len([file for file in base.files if file.path.endswith(".safetensors")]) == 6
    vaes = {
        file.sha256 for name in published_names() for file in published(name).files if file.path.startswith("vae/d")
    }
    assert len(vaes) == 1  # both members share it


def test_manifest_round_trip(tmp_path):
    manifest = Manifest("模型", (ManifestFile("a/b.json", 3, "0" * 64), ManifestFile("c.txt")), "owner/name", "main")
    (tmp_path / "m.json").write_text(manifest.to_json(), "utf-8")
    assert Manifest.from_file(tmp_path / "m.json") == manifest


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../a", "a/../../b", "./a", "a\\b", "C:/a", "a\0b"])
def test_paths_stay_inside_the_folder(path):
    with pytest.raises(ConfigError, match="inside"):
        ManifestFile(path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size_bytes": -1}, "-1"),
        ({"size_bytes": True}, "True"),
        ({"sha256": "ab"}, "'ab'"),
        ({"sha256": "G" * 64}, "G"),
    ],
)
def test_a_wrong_value_is_told(changes, told):
    with pytest.raises(ConfigError, match=told):
        ManifestFile("a", **changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"name": "x", "files": []}),
        json.dumps({"files": [{"path": "a"}]}),
        json.dumps({"name": "x", "files": [{"path": "a", "md5": "0"}]}),
        json.dumps({"name": "x", "files": ["a"]}),
        json.dumps({"name": "x", "licence": "?", "files": [{"path": "a"}]}),
        json.dumps({"name": "x", "files": [{"path": "a"}, {"path": "a"}]}),
    ],
)
def test_a_damaged_manifest_is_named(text, tmp_path):
    (tmp_path / "m.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"m\.json"):
        Manifest.from_file(tmp_path / "m.json")
    with pytest.raises(ConfigError, match=r"absent\.json"):
        Manifest.from_file(tmp_path / "absent.json")
