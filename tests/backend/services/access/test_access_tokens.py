from __future__ import annotations

import pytest

from backend.services.access.access_tokens import Door
from backend.services.errors import TooManyAttempts

TOKENS = {"me": "0123456789abcdef", "you": "fedcba9876543210"}


def wait_s(door: Door, address: str) -> float | None:
    try:
        door.name_of(b"", address)
    except TooManyAttempts as error:
        return error.retry_after_s
    return None


def test_a_token_has_a_name():
    door = Door(TOKENS)
    assert door.is_locked
    assert [door.name_of(token.encode(), "1.2.3.4") for token in TOKENS.values()] == ["me", "you"]
    assert door.name_of(b"0123456789abcde", "1.2.3.4") is None
    assert not Door({}).is_locked


def test_the_door_closes_for_those_who_guess():
    now = 0.0
    door = Door(TOKENS, monotonic=lambda: now)
    for _ in range(Door.MAX_FAILURES):
        assert door.name_of(b"wrong", "1.2.3.4") is None
    assert wait_s(door, "1.2.3.4") == 60
    assert wait_s(door, "5.6.7.8") is None
    with pytest.raises(TooManyAttempts):  # not even the right one, or guessing could go on
        door.name_of(TOKENS["me"].encode(), "1.2.3.4")
    now = 59.5
    assert wait_s(door, "1.2.3.4") == 1
    now = 60.5
    assert door.name_of(TOKENS["me"].encode(), "1.2.3.4") == "me"


def test_no_token_at_all_is_no_guess():
    door = Door(TOKENS)
    for _ in range(50):
        assert door.name_of(b"", "1.2.3.4") is None


def test_the_door_remembers_so_many_addresses_only(monkeypatch):
    monkeypatch.setattr(Door, "MAX_ADDRESSES", 3)
    monkeypatch.setattr(Door, "MAX_FAILURES", 1)
    door = Door(TOKENS, monotonic=lambda: 0.0)
    for number in range(5):
        door.name_of(b"wrong", str(number))
    assert [wait_s(door, str(number)) for number in range(5)] == [None, None, 60, 60, 60]
