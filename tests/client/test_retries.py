"""Waits between tries."""

from __future__ import annotations

import httpx
import pytest
from zimage_client import calls
from zimage_client.retries import Attempts, Retries


def answer(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers)


def test_waits_grow_to_a_limit():
    retries = Retries(first_wait_s=1, longest_wait_s=5)
    for failures, longest_s in ((1, 1), (2, 2), (3, 4), (4, 5), (1000, 5)):
        assert longest_s / 2 <= retries.wait_s(failures) <= longest_s


def test_the_servers_own_wait_counts_as_long_as_it_is_bearable():
    retries = Retries(longest_retry_after_s=60)
    assert Attempts(calls.models(), retries).wait_s(answer(429, **{"Retry-After": "60"})) == 60
    assert Attempts(calls.models(), retries).wait_s(answer(429, **{"Retry-After": "61"})) is None
    wait_s = Attempts(calls.models(), retries).wait_s(answer(429, **{"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}))
    assert wait_s is not None
    assert wait_s <= retries.first_wait_s


@pytest.mark.parametrize(
    ("outcome", "of_repeatable", "of_others"),
    [
        (answer(429), True, True),
        (answer(503), True, True),
        (answer(502), True, False),
        (answer(504), True, False),
        (answer(500), False, False),
        (answer(200), False, False),
        (httpx.ConnectError(""), True, True),
        (httpx.PoolTimeout(""), True, True),
        (httpx.ReadError(""), True, False),
        (httpx.ReadTimeout(""), True, False),
        (httpx.WriteError(""), True, False),
        (httpx.UnsupportedProtocol(""), False, False),
    ],
)
def test_what_is_tried_again(outcome, of_repeatable, of_others):
    assert (Attempts(calls.models(), Retries()).wait_s(outcome) is not None) is of_repeatable
    assert (Attempts(calls.retry("0"), Retries()).wait_s(outcome) is not None) is of_others


def test_an_expected_503_is_no_failure():
    assert Attempts(calls.readiness(), Retries()).wait_s(answer(503)) is None


def test_once_is_once():
    assert Attempts(calls.models(), Retries(attempts=1)).wait_s(answer(503)) is None
    with pytest.raises(ValueError, match="attempts must be 1 or more"):
        Retries(attempts=0)
