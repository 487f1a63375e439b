from __future__ import annotations

from backend.services.watchers import Watchers


def test_everybody_is_told_until_he_leaves():
    watchers, seen = Watchers(), []
    leave = watchers.add(lambda: seen.append("a"))
    watchers.add(lambda: seen.append("b"))

    watchers.notify()
    leave()
    leave()
    watchers.notify()

    assert seen == ["a", "b", "b"]
