from __future__ import annotations

import pytest

BODY = {"prompt": "a fox", "width": 256, "height": 256}
SECONDS = ("load_s", "first_s", "next_s")


def ask(client, **values):
    return client.post("/api/estimate", json={**BODY, **values})


def test_seconds_are_known_once_something_alike_was_drawn(client, post, finish):
    before = ask(client).json()
    assert [before[name] for name in SECONDS[1:]] == [None, None]
    assert (before["device"], before["fits"], before["offer"], before["offload"]) == ("cpu", True, None, "none")
    assert 0 < before["device_bytes"] == before["host_bytes"] < before["host_total_bytes"]

    finish(post())

    after = ask(client).json()
    assert after["load_s"] == 0
    assert 0 < after["first_s"] == after["next_s"] < 60
    assert ask(client, width=512, height=512).json()["next_s"] > after["next_s"]


def test_it_is_for_the_size_that_is_drawn(client):
    found = ask(client, width=2048, height=2048).json()
    assert (found["model"], found["width"], found["height"]) == ("zimage-nano", 512, 512)


@pytest.mark.parametrize(
    ("values", "code"),
    [({"model": "none"}, "unknown_model"), ({"width": 8}, "validation_error"), ({"x": 1}, "validation_error")],
)
def test_what_cannot_be_sent_cannot_be_estimated(client, values, code):
    response = ask(client, **values)
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)


def test_nothing_is_queued_by_asking(client):
    ask(client)
    assert client.get("/api/generate", params={"finished": True}).json() == {"tasks": []}
