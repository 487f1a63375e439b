from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.library.loras.names import close_names, find_called, find_named, find_of_stem, name_all


@dataclass(frozen=True)
class One:
    name: str
    path_name: str
    other_names: tuple[str, ...] = ()


def test_a_file_is_called_by_its_path_whatever_else_is_there():
    assert name_all(["ink.safetensors", "a/wet.sft", "a/ink.safetensors"]) == ["ink", "a/wet", "a/ink"]
    assert name_all(["a/wet.sft", "a/ink.safetensors"]) == ["a/wet", "a/ink"]
    assert name_all(["INK.safetensors", "ink.safetensors"]) == ["INK", "ink"]
    assert name_all(["a/ink.safetensors", "b/Ink.safetensors"]) == ["a/ink", "b/Ink"]
    assert name_all(["ink.safetensors", "ink.sft"]) == ["ink.safetensors", "ink.sft"]


def test_of_the_same_path_in_two_folders_the_first_has_the_name():
    assert name_all(["ink.safetensors", "ink.safetensors", "ink.safetensors"]) == ["ink", "ink (2)", "ink (3)"]


parts = st.lists(st.sampled_from(["a", "b", "A", "ink", "ink (2)"]), min_size=1, max_size=3)
paths = st.lists(
    st.tuples(parts, st.sampled_from(["safetensors", "sft"])).map(lambda p: f"{'/'.join(p[0])}.{p[1]}"), max_size=12
)


@given(paths)
def test_no_two_have_one_name(found):
    names = name_all(found)
    assert len(names) == len(found) == len(set(names))


INK, BOTH = One("ink", "styles/ink.safetensors"), [One("a/ink", "a/ink.safetensors"), One("b/ink", "b/ink.safetensors")]


@pytest.mark.parametrize("name", ["ink", "INK", "styles/ink.safetensors", "styles\\ink.safetensors", "ink.safetensors"])
def test_it_is_found_as_people_and_programs_write_it(name):
    assert find_named([One("wet", "wet.sft"), INK], name) == [INK]


@pytest.mark.parametrize(("name", "found"), [("a/ink", [0]), ("b/ink.safetensors", [1]), ("ink", [0, 1]), ("in", [])])
def test_several_of_one_stem(name, found):
    assert find_named(BOTH, name) == [BOTH[at] for at in found]


def test_an_exact_name_counts_before_another_case():
    loras = [One("Ink", "Ink.safetensors"), One("ink", "x/ink.safetensors")]
    assert find_named(loras, "ink") == [loras[1]]
    deeper = [One("INK", "INK.safetensors"), One("x/ink", "x/ink.safetensors")]
    assert find_named(deeper, "ink") == [deeper[1]]
    assert find_named(deeper, "INK") == find_named(deeper, "INK.safetensors") == [deeper[0]]
    assert find_named([*deeper, One("ink", "ink.sft")], "Ink") == [deeper[0], One("ink", "ink.sft")]


def test_one_of_a_stem_in_any_folder_and_case():
    assert find_of_stem([One("wet", "wet.sft"), INK], "INK.safetensors") == INK
    assert find_of_stem([One("cafe\u0301", "cafe\u0301.sft")], "Caf\u00e9.safetensors") is not None
    assert find_of_stem([INK], "inky.safetensors") is None


def test_what_its_file_calls_it():
    lora = One("a", "a.safetensors", ("Ink v2", "Ink wash"))
    assert find_called([lora, INK], "ink WASH") == [lora]
    assert find_called([lora], "ink") == []


def test_close_names():
    names = ["Ink wash", "inky", "watercolour", "zebra"]
    assert close_names(names, "ink")[0] == "inky"
    assert close_names(names, "watercolor") == ["watercolour"]
    assert close_names(names, "colour") == ["watercolour"]
    assert close_names(names, "?") == close_names(["_CON", "a,b_c"], "nosuch") == []
    assert close_names([], "ink") == []
    many = [f"ink {n}" for n in range(1000)]
    assert len(close_names(many, "ink 1")) == 3
    assert close_names(many, "ink" * 5000) == []
