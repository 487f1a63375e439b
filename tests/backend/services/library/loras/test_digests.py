from __future__ import annotations

import hashlib

import pytest

from backend.services.library.loras.digests import Digest, Digester, read_digest
from tests.backend.services.library.loras.lora_files import write_lora


def test_of_a_file_and_of_its_values(tmp_path):
    content = write_lora(tmp_path / "a.safetensors", {"a": "b"}, fill=7).read_bytes()
    length = 8 + int.from_bytes(content[:8], "little")
    found = read_digest(tmp_path / "a.safetensors")
    assert found == Digest(hashlib.sha256(content).hexdigest(), hashlib.sha256(content[length:]).hexdigest())
    assert found.short == found.values_sha256[:12]


def test_remarks_change_the_one_and_not_the_other(tmp_path):
    plain, said = (
        read_digest(write_lora(tmp_path / name, metadata)) for name, metadata in (("a", None), ("b", {"x": "y"}))
    )
    assert plain.sha256 != said.sha256
    assert plain.values_sha256 == said.values_sha256


@pytest.mark.parametrize("step", [1, 3, 8, 9, 50, 10**6])
def test_pieces_of_any_size(tmp_path, step):
    content = write_lora(tmp_path / "a.safetensors", dim=8).read_bytes()
    digester = Digester()
    for at in range(0, len(content), step):
        digester.add(content[at : at + step])
    assert digester.digest() == read_digest(tmp_path / "a.safetensors")


def test_beginnings():
    digest = Digest("ab" * 32, "cd" * 32)
    assert digest.begins_with("abababab")
    assert digest.begins_with("cd" * 6)
    assert not digest.begins_with("cdab")
