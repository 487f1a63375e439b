from __future__ import annotations

import json
import sys

from backend.services.generation.planning.load_plan import Hardware
from backend.services.tasks.executors.ray import facts
from backend.services.tasks.executors.ray.facts import Facts, find_differences, pack_facts, read_versions, unpack_facts
from tests.backend.fakes import PLAIN_CPU, with_cards

ALL = Facts(
    {"torch": "2.9.0"},
    with_cards("cuda"),
    frozenset({"b", "a"}),
    frozenset({"c"}),
    annotators=frozenset({"depth"}),
    fetches=True,
)


def test_facts_come_back_as_they_were_by_way_of_text():
    assert unpack_facts(json.loads(json.dumps(pack_facts(ALL)))) == ALL


def test_a_worker_is_its_card_or_its_processor():
    assert (ALL.device, ALL.memory_bytes) == ("cuda", 24 * 2**30)
    plain = Facts({}, PLAIN_CPU)
    assert (plain.device, plain.card, plain.memory_bytes) == ("cpu", "", PLAIN_CPU.memory_bytes)
    assert isinstance(plain.hardware, Hardware)


def test_differences_are_said_in_words():
    own = {"zimage": "1.0.0", "torch": "2.9.0"}
    assert find_differences(own, own) == ""
    assert find_differences(own, {"zimage": "1.0.0", "torch": "2.8.0"}) == "torch 2.8.0 instead of 2.9.0"
    assert find_differences(own, {"torch": "2.9.0"}) == "zimage missing instead of 1.0.0"


def test_the_build_of_torch_makes_no_difference(monkeypatch):
    monkeypatch.setattr(facts, "version", lambda package: "2.9.0+cu128")
    assert read_versions()["torch"] == "2.9.0"


def test_versions_name_what_decides_the_pixels():
    assert read_versions().keys() == {"zimage", "python", "torch", "ray"}
    assert read_versions()["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
