from __future__ import annotations

from backend.services.tasks.watchers import Watchers


def test_everybody_is_told_until_he_leaves():
    watchers, seen = Watchers(), []
    leave = watchers.add(lambda: seen.append("a"))
    watchers.add(lambda: seen.append("b"))

    watchers.notify()
    leave()
    leave()
    watchers.notify()

    assert seen == ["a", "b", "b"]


def test_one_who_fails_takes_nobody_with_him(caplog):
    watchers, seen = Watchers(), []

    def fail() -> None:
        raise RuntimeError("the loop is closed")

    watchers.add(fail)
    watchers.add(lambda: seen.append("b"))

    watchers.notify()

    assert seen == ["b"]
    assert "the loop is closed" in caplog.text
