from __future__ import annotations

import pytest

from backend.services.access.access_tokens import AccessTokens
from backend.services.errors import TooManyAttempts

TOKENS = {"me": "0123456789abcdef", "you": "fedcba9876543210"}


def wait_s(tokens: AccessTokens, address: str) -> float | None:
    try:
        tokens.name_of(b"", address)
    except TooManyAttempts as error:
        return error.retry_after_s
    return None


def test_a_token_has_a_name():
    tokens = AccessTokens(TOKENS)
    assert tokens.required
    assert [tokens.name_of(token.encode(), "1.2.3.4") for token in TOKENS.values()] == ["me", "you"]
    assert tokens.name_of(b"0123456789abcde", "1.2.3.4") is None
    assert not AccessTokens({}).required


def test_who_guesses_is_refused():
    now = 0.0
    tokens = AccessTokens(TOKENS, monotonic=lambda: now)
    for _ in range(AccessTokens.MAX_FAILURES):
        assert tokens.name_of(b"wrong", "1.2.3.4") is None
    assert wait_s(tokens, "1.2.3.4") == 60
    assert wait_s(tokens, "5.6.7.8") is None
    with pytest.raises(TooManyAttempts):  # not even the right one, or guessing could go on
        tokens.name_of(TOKENS["me"].encode(), "1.2.3.4")
    now = 59.5
    assert wait_s(tokens, "1.2.3.4") == 1
    now = 60.5
    assert tokens.name_of(TOKENS["me"].encode(), "1.2.3.4") == "me"


def test_no_token_at_all_is_no_guess():
    tokens = AccessTokens(TOKENS)
    for _ in range(50):
        assert tokens.name_of(b"", "1.2.3.4") is None


def test_only_so_many_addresses_are_remembered(monkeypatch):
    monkeypatch.setattr(AccessTokens, "MAX_ADDRESSES", 3)
    monkeypatch.setattr(AccessTokens, "MAX_FAILURES", 1)
    tokens = AccessTokens(TOKENS, monotonic=lambda: 0.0)
    for number in range(5):
        tokens.name_of(b"wrong", str(number))
    assert [wait_s(tokens, str(number)) for number in range(5)] == [None, None, 60, 60, 60]
