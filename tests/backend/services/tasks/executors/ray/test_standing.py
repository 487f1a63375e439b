from __future__ import annotations

from backend.services.tasks.executors.ray.standing import LONGEST_PAUSE_S, MAX_STRIKES, Standing


def test_a_failure_is_waited_out_each_time_for_longer():
    standing, pauses = Standing(), []
    for _ in range(MAX_STRIKES - 1):
        standing.join()
        standing.fail("why", now=100.0)
        pauses.append(standing.retry_at - 100.0)
        assert (standing.state, standing.note) == ("failed", "why")
        assert not standing.may_try(standing.retry_at - 0.1)
        assert standing.may_try(standing.retry_at)
        standing.retry()
        assert standing.state == "starting"
    assert pauses == sorted(set(pauses))
    assert pauses[-1] <= LONGEST_PAUSE_S


def test_who_fails_again_and_again_is_out():
    standing = Standing()
    for _ in range(MAX_STRIKES):
        standing.retry()
        standing.fail("why", now=0.0)
    assert standing.state == "given_up"
    assert standing.is_out
    assert not standing.may_try(10**9)
    standing.join()
    assert standing.state == "given_up"


def test_an_image_ends_the_row():
    standing = Standing()
    for _ in range(10 * MAX_STRIKES):
        standing.retry()
        standing.fail("why", now=0.0)
        standing.retry()
        standing.join()
        standing.draw()
    assert standing.state == "ready"


def test_one_failure_that_is_told_twice_counts_once():
    standing = Standing()
    for _ in range(10):
        standing.fail("why", now=0.0)
    assert standing.strikes == 1


def test_who_is_refused_stays_out():
    standing = Standing()
    standing.refuse("another version")
    standing.fail("gone", now=0.0)
    standing.join()
    assert (standing.state, standing.note) == ("refused", "another version")
