from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from backend.services.access.sessions import LIFETIME, Sessions

TOKENS = {"alice": "a" * 16, "bob": "b" * 16}
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sessions.json"


def test_a_session_has_the_name_of_its_token(file):
    sessions = Sessions(file, TOKENS)
    secrets = {name: sessions.begin(name) for name in TOKENS}
    assert {name: sessions.name_of(secret) for name, secret in secrets.items()} == {"alice": "alice", "bob": "bob"}
    assert sessions.name_of("") is sessions.name_of("x") is sessions.name_of("\ud800") is None
    assert len(set(secrets.values())) == 2
    assert all(len(secret) >= 43 for secret in secrets.values())  # 256 bits


def test_a_restart_logs_nobody_out(file):
    first, second = (Sessions(file, TOKENS) for _ in range(2))
    secret = first.begin("alice")
    second.open()
    assert second.name_of(secret) == "alice"


def test_the_file_tells_neither_the_secret_nor_the_token(file):
    secret = Sessions(file, TOKENS).begin("alice")
    text = file.read_text()
    assert secret not in text
    assert TOKENS["alice"] not in text
    [digest] = json.loads(text)["sessions"]
    assert Sessions(file, TOKENS).name_of(digest) is None


def test_a_log_out_holds_after_a_restart(file):
    sessions = Sessions(file, TOKENS)
    secret, other = sessions.begin("alice"), sessions.begin("alice")
    sessions.end(secret)
    sessions.end("never was one")
    again = Sessions(file, TOKENS)
    again.open()
    for store in (sessions, again):
        assert store.name_of(secret) is None
        assert store.name_of(other) == "alice"


def test_another_token_ends_the_sessions_of_the_old_one(file):
    secret = Sessions(file, TOKENS).begin("alice")
    for tokens in ({"alice": "c" * 16}, {"bob": TOKENS["bob"]}):
        changed = Sessions(file, tokens)
        changed.open()
        assert changed.name_of(secret) is None


def test_a_session_ends_by_itself_and_is_forgotten(file):
    now = MOMENT
    sessions = Sessions(file, TOKENS, now=lambda: now)
    secret = sessions.begin("alice")
    now += LIFETIME - timedelta(seconds=1)
    assert sessions.name_of(secret) == "alice"
    now += timedelta(seconds=1)
    assert sessions.name_of(secret) is None
    sessions.begin("bob")
    assert len(json.loads(file.read_text())["sessions"]) == 1


def test_there_are_so_many_only(file, monkeypatch):
    monkeypatch.setattr("backend.services.access.sessions.MAX_SESSIONS", 2)
    sessions = Sessions(file, TOKENS)
    secrets = [sessions.begin("alice") for _ in range(3)]
    assert [sessions.name_of(secret) for secret in secrets] == [None, "alice", "alice"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sessions": [1]}', b'{"sessions": {"a": "x"}}', b"\xff"])
def test_a_damaged_file_lets_nobody_in_and_stops_nothing(file, content):
    file.write_bytes(content)
    sessions = Sessions(file, TOKENS)
    sessions.open()
    assert sessions.name_of(sessions.begin("bob")) == "bob"


def test_without_tokens_nothing_is_read_or_written(file):
    sessions = Sessions(file, {})
    sessions.open()
    sessions.end("x")
    assert sessions.name_of("x") is None
    assert not file.exists()


def test_a_full_disk_logs_nobody_out(file, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("backend.services.access.sessions.write_atomically", full)
    sessions = Sessions(file, TOKENS)
    assert sessions.name_of(sessions.begin("alice")) == "alice"
