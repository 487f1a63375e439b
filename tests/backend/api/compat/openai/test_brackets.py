"""Lists and objects in the fields of a form."""

from __future__ import annotations

import pytest

from backend.api.compat.openai.brackets import join_pieces, split_fields
from backend.services.errors import InputRefused

NAMES = {"loras", "outpaint", "control"}


def read(*fields: tuple[str, str]) -> dict[str, object]:
    return join_pieces(split_fields(fields, NAMES)[1])


def test_what_is_whole_and_what_has_another_name_is_left_alone():
    fields = [("prompt", "a [fox]"), ("loras", "[]"), ("other[name]", "x")]
    assert split_fields(fields, NAMES) == (dict(fields), {})


def test_lists_and_objects():
    assert read(("outpaint[left]", "64"), ("outpaint[top]", "8")) == {"outpaint": {"left": "64", "top": "8"}}
    assert read(("loras[]", "a"), ("loras[]", "b")) == {"loras": ["a", "b"]}
    assert read(("control[][image][image_id]", "1"), ("control[][kind]", "canny")) == {
        "control": [{"image": {"image_id": "1"}, "kind": "canny"}]
    }


def test_objects_of_a_list_each_have_all_values():
    names, strengths = [("loras[][name]", name) for name in "ab"], [("loras[][strength]", text) for text in "12"]

    assert read(*names, *strengths) == {"loras": [{"name": "a", "strength": "1"}, {"name": "b", "strength": "2"}]}


@pytest.mark.parametrize(
    "fields",
    [
        [("loras[][name]", "a"), ("loras[][name]", "b"), ("loras[][strength]", "1")],
        [("loras[][name]", "a"), ("loras[name]", "b")],
        [("loras[]", "a"), ("loras[][name]", "b")],
        [("loras[][start][]", "a")],
        [("outpaint[left]", "1"), ("outpaint[left]", "2")],
        [("outpaint[left]", "1"), ("outpaint[left][x]", "2")],
        [("outpaint[left][x]", "2"), ("outpaint[left]", "1")],
    ],
)
def test_what_cannot_be_told_apart_is_refused(fields):
    with pytest.raises(InputRefused, match="JSON text") as caught:
        read(*fields)
    assert caught.value.field == fields[0][0].partition("[")[0]
