from __future__ import annotations

import threading

import orjson
import pytest

from backend.services.library.loras import cache as cache_module
from backend.services.library.loras.cache import LoraCache
from backend.services.library.loras.digests import Digest
from backend.services.library.loras.facts import LoraFacts
from backend.services.library.loras.folders import LoraFile, Sidecar
from backend.services.library.loras.words import Words

FILE = LoraFile("/x/a.safetensors", "a.safetensors", 0, 10, 20, (Sidecar(".png", "a.png", 1, 2),))
FACTS = LoraFacts(kind="lora", rank=4, words=Words(title="Ink", triggers=("a", "b")))
DIGEST = Digest("ab" * 32, "cd" * 32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "loras.json"


def filled(path):
    cache = LoraCache(path)
    cache.put_facts(FILE, "published", FACTS)
    cache.put_facts(FILE, "other", LoraFacts(problem="x"))
    cache.put_digest(FILE.path, 10, 20, DIGEST)
    return cache


def test_it_holds_over_a_restart(path):
    filled(path).save()
    again = LoraCache(path)
    assert again.facts_of(FILE, "published") == FACTS
    assert again.facts_of(FILE, "other") == LoraFacts(problem="x")
    assert again.facts_of(FILE, "third") is None
    assert again.digest_of(FILE) == DIGEST
    assert [known[:2] for known in again.seen_as("cdcd")] == [(10, 20)]
    assert again.seen_as("ef") == []


@pytest.mark.parametrize("change", [{"size_bytes": 11}, {"mtime_ns": 21}, {"path": "/x/b.safetensors"}])
def test_a_changed_file_is_read_anew(path, change):
    other = FILE._replace(**change)
    cache = filled(path)
    assert cache.facts_of(other, "published") is None
    assert cache.digest_of(other) is None


def test_a_changed_file_beside_it_costs_the_facts_and_not_the_digest(path):
    cache = filled(path)
    other = FILE._replace(sidecars=())
    assert cache.facts_of(other, "published") is None
    assert cache.digest_of(other) == DIGEST
    cache.put_facts(other, "published", FACTS)
    assert cache.facts_of(FILE, "other") is None


def test_nothing_is_written_without_a_change(path):
    cache = filled(path)
    cache.save()
    path.unlink()
    cache.save()
    assert not path.exists()
    before = cache.revision
    cache.put_digest(FILE.path, 1, 2, DIGEST)
    assert cache.revision > before


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"version": "1"}', b'{"version": null, "facts": 3}', b"\xff"])
def test_a_file_that_is_damaged_is_read_as_none(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert LoraCache(path).digest_of(FILE) is None


def test_digests_outlive_another_version(path, monkeypatch):
    filled(path).save()
    monkeypatch.setattr(cache_module, "VERSION", "other")
    again = LoraCache(path)
    assert again.facts_of(FILE, "published") is None
    assert again.digest_of(FILE) == DIGEST


def test_a_disk_that_refuses_costs_nothing_else(path, caplog):
    path.parent.write_text("no folder")
    cache = filled(path)
    cache.save()
    assert "not kept" in caplog.text
    assert cache.digest_of(FILE) == DIGEST


def test_a_name_that_is_no_utf_8_does_not_cost_the_others(path):
    cache = filled(path)
    cache.put_facts(FILE._replace(path="/x/\udce9.safetensors"), "published", FACTS)
    cache.put_digest("/x/\udce9.safetensors", 1, 2, DIGEST)
    cache.save()
    assert LoraCache(path).facts_of(FILE, "published") == FACTS


def test_the_file_is_json(path):
    filled(path).save()
    assert orjson.loads(path.read_bytes())["digests"] == [[FILE.path, 10, 20, list(DIGEST)]]


def test_it_is_written_while_others_add_to_it(path):
    cache, failed = filled(path), []

    def add(which):
        try:
            for number in range(200):
                cache.put_facts(FILE._replace(path=f"/{which}/{number}"), "published", FACTS)
                cache.put_digest(f"/{which}/{number}", 1, 2, DIGEST)
                if number % 20 == 0:
                    cache.save()
        except RuntimeError as error:  # a dictionary that changes while it is walked
            failed.append(error)

    threads = [threading.Thread(target=add, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache.save()
    assert failed == []
    assert len(orjson.loads(path.read_bytes())["facts"]) == 801
