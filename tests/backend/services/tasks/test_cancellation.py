from __future__ import annotations

from backend.services.errors import Cancelled, ShutDown, TimedOut
from backend.services.tasks.cancellation import Cancellation


def test_the_first_reason_counts():
    now = 0.0
    cancellation = Cancellation(10.0, lambda: now)
    assert not cancellation.requested()
    cancellation.request(Cancelled("c"))
    cancellation.request(ShutDown("s"))
    now = 11.0
    assert cancellation.requested()
    assert isinstance(cancellation.reason, Cancelled)


def test_the_time_limit_is_a_reason():
    now = 10.0
    cancellation = Cancellation(10.0, lambda: now)
    now = 20.0
    assert not cancellation.requested()
    now = 20.1
    assert cancellation.requested()
    cancellation.request(ShutDown("s"))
    assert isinstance(cancellation.reason, TimedOut)
