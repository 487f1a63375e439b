from __future__ import annotations

import pytest

from backend.utils.texts import as_utf_8


@pytest.mark.parametrize(
    ("text", "clean"), [("", ""), ("狐狸 🦊", "狐狸 🦊"), ("caf\udce9", "caf\\udce9"), ("\ud83e", "\\ud83e")]
)
def test_what_is_no_unicode_is_spelled_out(text, clean):
    assert as_utf_8(text) == clean
