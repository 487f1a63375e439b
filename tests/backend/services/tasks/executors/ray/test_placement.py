from __future__ import annotations

import pytest

from backend.services.tasks.executors.ray.placement import find_places
from tests.backend.services.tasks.executors.ray.pretending import a_node


def test_each_card_is_a_place():
    places = find_places([a_node("a", GPU=2, CPU=16), a_node("b", GPU=1, CPU=8)], cpu_nodes=False)
    assert [place.slot for place in places] == ["host-a-a00000-gpu0", "host-a-a00000-gpu1", "host-b-b00000-gpu0"]
    assert {(place.n_gpus, place.n_cpus) for place in places} == {(1, 1.0)}


def test_cards_share_few_processors():
    places = find_places([a_node("a", GPU=8, CPU=4)], cpu_nodes=False)
    assert sum(place.n_cpus for place in places) == pytest.approx(4)


def test_a_machine_without_a_card_is_a_place_when_that_is_wanted():
    nodes = [a_node("a", CPU=4), a_node("b", GPU=1, CPU=4), a_node("head")]
    assert [place.node for place in find_places(nodes, cpu_nodes=False)] == ["host-b"]
    plain, card = find_places(nodes, cpu_nodes=True)
    assert (plain.slot, plain.n_gpus, plain.n_cpus) == ("host-a-a00000-cpu", 0, 4)
    assert card.n_gpus == 1


def test_a_machine_that_is_gone_has_no_places():
    assert find_places([{**a_node("a", GPU=1), "Alive": False}], cpu_nodes=True) == ()


def test_two_machines_of_a_name_have_slots_of_their_own():
    nodes = [{**a_node(name, GPU=1), "NodeManagerHostname": "same"} for name in ("a", "b")]
    assert len({place.slot for place in find_places(nodes, cpu_nodes=False)}) == 2
