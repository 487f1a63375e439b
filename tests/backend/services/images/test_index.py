"""Finding pictures: words, filters, order, cursors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from backend.models.schemas import ImageRecord
from backend.services.images.history_file import line_of
from backend.services.images.index import HistoryQuery, Index
from backend.utils.fold import fold


def a_record(number: int, **values: Any) -> ImageRecord:
    facts = {
        "id": f"{number:032x}", "filename": f"p{number}.png", "prompt": f"picture {number}", "height": 256,
        "width": 256,
        "num_inference_steps": 9, "use_gpu": False, "size_bytes": 1, "model": "zimage-nano", "seed": number,
        "created_at": datetime(2026, 1, 1 + number, 12, tzinfo=UTC), "generation_time_ms": 1.0, "device": "cpu",
    }  # fmt: skip
    return ImageRecord.model_validate({**facts, **values})


def index_of(*records: ImageRecord) -> Index:
    index = Index()
    for record in records:
        index.put(line_of(record))
    return index


def seeds(index: Index, **query: Any) -> list[int]:
    return [record.seed for record in index.find(HistoryQuery(**query)).records]


@pytest.fixture
def index() -> Index:
    day = datetime(2026, 1, 5, tzinfo=UTC)
    return index_of(
        a_record(0, prompt="一只红色的狐狸，雪地"),
        a_record(1, prompt="A RED fox in snow", favourite=True),
        a_record(2, prompt="a red apple", model="z-image-turbo", width=1024, height=512),
        a_record(3, prompt="a green apple", tags=("Fruit", "best of")),
        a_record(4, prompt="gone", deleted_at=day),
        a_record(5, prompt="straße"),
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [5, 3, 2, 1, 0]),
        ({"order": "oldest"}, [0, 1, 2, 3, 5]),
        ({"text": "red"}, [2, 1]),
        ({"text": "Red  APPLE"}, [2]),
        ({"text": "狐狸"}, [0]),
        ({"text": "红色 雪"}, [0]),
        ({"text": "STRASSE"}, [5]),
        ({"text": "fruit"}, [3]),
        ({"text": "gone"}, []),
        ({"text": "gone", "trash": True}, [4]),
        ({"trash": True}, [4]),
        ({"model": "z-image-turbo"}, [2]),
        ({"favourite": True}, [1]),
        ({"favourite": False, "text": "a"}, [5, 3, 2]),
        ({"tag": "fruit"}, [3]),
        ({"tag": "best"}, []),
        ({"text": "狐狸，雪"}, [0]),
        ({"text": "apple, green"}, [3]),
        ({"text": "苹果、雪"}, []),
        ({"text": "ＦＯＸ　ｓｎｏｗ"}, [1]),
        ({"text": "，"}, [5, 3, 2, 1, 0]),
        ({"tag": "ＦＲＵＩＴ"}, [3]),
        ({"text": "5"}, [5]),
        ({"text": "seed:2"}, [2]),
        ({"text": "Seed:２ apple"}, [2]),
        ({"text": "seed:"}, []),
        ({"min_side_px": 512}, [2]),
        ({"max_side_px": 1000}, [5, 3, 1, 0]),
        ({"since": datetime(2026, 1, 3, 12, tzinfo=UTC)}, [5, 3, 2]),
        ({"until": datetime(2026, 1, 3, 12, tzinfo=UTC)}, [1, 0]),
        ({"page": 2, "page_size": 2}, [2, 1]),
        ({"page": 2, "page_size": 2, "order": "oldest"}, [2, 3]),
        ({"page": 9, "page_size": 2}, []),
    ],
    ids=str,
)
def test_what_is_found(index, query, found):
    assert seeds(index, **query) == found
    if "page" not in query:
        assert index.find(HistoryQuery(**query)).total == len(found)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [("a café", "cafe\u0301"), ("a cafe\u0301", "café"), ("\u1112\u1161\u11ab글", "한글"), ("Old İstanbul", "istanbul"),
     ("istanbul", "İSTANBUL"), ("ＡＢＣ", "abc"), ("abc", "ＡＢＣ"), ("ﬁre", "fire")],
)  # fmt: skip
def test_a_word_is_found_however_it_is_written(prompt, text):
    assert seeds(index_of(a_record(1, prompt=prompt)), text=text) == [1]


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("query", [{}, {"text": "a"}, {"favourite": False}])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_walk_by_cursors_sees_everything_once(index, order, query, size):
    whole = seeds(index, order=order, **query)
    walked, cursor = [], None
    for _ in range(10):
        found = index.find(HistoryQuery(order=order, page_size=size, after=cursor, **query))
        walked += [record.seed for record in found.records]
        assert found.total == len(whole)
        cursor = found.next_cursor
        if cursor is None:
            break
    assert walked == whole


@pytest.mark.parametrize("change", ["trash", "remove", "add"])
def test_a_walk_does_not_stumble_over_changes(index, change):
    first = index.find(HistoryQuery(page_size=2))
    last = first.records[-1]
    if change == "trash":
        index.put(line_of(last.model_copy(update={"deleted_at": last.created_at})))
    elif change == "remove":
        index.remove(last.id)
    else:
        index.put(line_of(a_record(9)))

    assert seeds(index, page_size=10, after=first.next_cursor) == [2, 1, 0]


def test_a_changed_record_stays_in_its_place(index):
    index.put(line_of(a_record(1, prompt="changed")))
    assert seeds(index) == [5, 3, 2, 1, 0]
    assert (len(index), index.size) == (5, 6)


def test_the_order_is_that_of_adding_whatever_the_clock_says():
    index = index_of(a_record(7), a_record(3))
    assert seeds(index) == [3, 7]
    index.sort()
    assert seeds(index) == [7, 3]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("fox -red", [1, 3]), ("-fox", [4]), ("-red -snow", [3, 4]), ("fox -4711", [0, 1, 3]), ("- fox", []),
        ('"red fox"', [0]), ('"fox red"', []), ('fox -"red fox"', [1, 2, 3]), ('"red fo', [0]), ('"', [0, 1, 2, 3, 4]),
        ('""', [0, 1, 2, 3, 4]), ("“红色 狐狸”", [3]), ("＂red fox＂", [0]), ('"4711"', []), ("4711", [2]),
        ("-2", [0, 1, 3, 4]),
        ('"fox, red"', [2]), ('"FOX IN"', [1]), ("-seed:4711 red", [0]), ("--", [0, 1, 2, 3, 4]),
    ],
)  # fmt: skip
def test_words_are_left_out_and_phrases_found(query, found):
    prompts = ("a red fox", "a fox in the snow", "fox, red 2", "红色 狐狸 fox", "包")
    index = index_of(*(a_record(n, prompt=prompt, seed=4711 if n == 2 else 90 + n) for n, prompt in enumerate(prompts)))
    page = index.find(HistoryQuery(text=query, page_size=100, order="oldest")).records
    assert [prompts.index(record.prompt) for record in page] == found


def test_a_character_whose_bytes_look_like_spaces_is_one_character():
    index = index_of(a_record(1, prompt="包"), a_record(2, prompt="匀"))  # E5 8C 85 and E5 8C 80
    assert seeds(index, text="包") == [1]


WORDS = st.text(st.sampled_from("aAbßİıſ狐狸色色-中é\u0301🦊\u200d,") | st.characters(codec="utf-8"), max_size=6)
TEXTS = st.lists(WORDS, max_size=4).map(" ".join)


@limits(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(TEXTS, st.lists(WORDS, max_size=2)), max_size=6), TEXTS)
def test_a_search_finds_what_a_plain_look_at_every_text_finds(pictures, query):
    index = index_of(*(a_record(n, prompt=prompt, tags=tuple(tags)) for n, (prompt, tags) in enumerate(pictures)))
    texts = [fold("\n".join((prompt, *tags))) for prompt, tags in pictures]
    query = re.sub('["“”„\uff02]', "", query)
    words = [word for word in re.split(r"[\s,]+", fold(query.replace("、", ","))) if word]

    def has(number: int, word: str) -> bool:
        return word in texts[number] or bool(re.fullmatch(rf"(seed:)?0*{number}", word))

    def fits(number: int, word: str) -> bool:
        is_left_out = len(word) > 1 and word.startswith("-")
        return not has(number, word[1:]) if is_left_out else has(number, word)

    wanted = [number for number in range(len(texts)) if all(fits(number, word) for word in words)]
    assert seeds(index, text=query, page_size=100, order="oldest") == wanted


@pytest.mark.parametrize("page", [1, 2, 3, 10**18])
@pytest.mark.parametrize("in_trash", [False, True])
def test_pages_of_everything_are_those_of_a_search_for_everything(index, page, in_trash):
    if not in_trash:
        index.remove(a_record(4).id)
    plain, searched = (HistoryQuery(page=page, page_size=2, min_side_px=least) for least in (None, 1))
    assert index.find(plain) == index.find(searched)


ACTIONS = st.lists(st.tuples(st.sampled_from(["put", "trash", "remove"]), st.integers(0, 5)), max_size=25)


@limits(max_examples=60, deadline=None, derandomize=True)
@given(ACTIONS)
def test_counts_and_pages_agree_after_any_changes(actions):
    index, model = Index(), {}
    for action, number in actions:
        record = a_record(number, deleted_at=datetime(2026, 2, 1, tzinfo=UTC) if action == "trash" else None)
        if action == "remove":
            if model.pop(number, None):
                index.remove(record.id)
        else:
            model[number] = action
            index.put(line_of(record))
    live = [number for number, action in model.items() if action == "put"]
    assert len(index) == len(live)
    assert seeds(index, page_size=100) == live[::-1]
    assert seeds(index, page_size=2, page=2) == live[::-1][2:4]
    assert sorted(seeds(index, trash=True)) == sorted(set(model) - set(live))
