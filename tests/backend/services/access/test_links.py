"""Signed addresses."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.services.access.links import SignedLinks


def test_a_query_opens_its_path_only_and_for_an_hour():
    now = [1000.0]
    links = SignedLinks(lambda: now[0])
    query = links.sign("/a")
    assert links.opens("/a", query)
    assert links.opens("/a", f"more=1&{query}")
    assert not links.opens("/b", query)
    assert not links.opens("/a", query.replace("expires=4600", "expires=9999"))
    now[0] = 4600
    assert links.opens("/a", query)
    now[0] = 4601
    assert not links.opens("/a", query)


def test_another_process_has_another_key():
    assert not SignedLinks(lambda: 0).opens("/a", SignedLinks(lambda: 0).sign("/a"))


def test_what_is_no_signature_opens_nothing():
    links = SignedLinks(lambda: 0)
    for query in ("", "signature=", "signature=x", "expires=9&signature=é", "expires=²&signature=", "expires=%ff",
                  "expires=99999999999999999999&signature=0", "expires=-1&signature=0"):  # fmt: skip
        assert not links.opens("/a", query)


def test_the_end_of_a_link_is_told():
    links = SignedLinks(lambda: 1000)

    assert links.end_of(links.sign("/a")) == datetime.fromtimestamp(1000 + SignedLinks.LIFE_S, UTC)
