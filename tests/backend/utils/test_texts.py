from __future__ import annotations

import pytest

from backend.utils.texts import as_utf_8, escaped


@pytest.mark.parametrize(
    ("text", "clean"), [("", ""), ("狐狸 🦊", "狐狸 🦊"), ("caf\udce9", "caf\\udce9"), ("\ud83e", "\\ud83e")]
)
def test_what_is_no_unicode_is_spelled_out(text, clean):
    assert as_utf_8(text) == clean


@pytest.mark.parametrize(
    ("name", "shown"), [("水墨 1", "水墨 1"), ("a\x1b[31m\n", "a\\x1b[31m\\n"), ("\u202e", "\\u202e")]
)
def test_what_a_terminal_would_obey_is_escaped(name, shown):
    assert escaped(name) == shown
