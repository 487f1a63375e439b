from __future__ import annotations

import pytest

from backend.utils.fold import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fox", "fOX"),
        ("café", "cafe\u0301"),
        ("CAFÉ", "cafe\u0301"),
        ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("ＦＯＸ", "fox"),
        ("ｶﾒﾗ", "カメラ"),
        ("が", "か\u3099"),
        ("狐狸，雪", "狐狸,雪"),
        ("１２", "12"),
        ("İstanbul", "istanbul"),
        ("ISTANBUL", "İstanbul"),
        ("ışık", "IŞIK"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("a\u3000b", "a b"),
    ],
)
def test_what_a_reader_takes_for_the_same_is_the_same(one, other):
    assert fold(one) == fold(other)
    assert fold(fold(one)) == fold(one)


@pytest.mark.parametrize(("one", "other"), [("café", "cafe"), ("は", "ば"), ("狐", "狸")])
def test_what_is_another_word_stays_one(one, other):
    assert fold(one) != fold(other)
