"""Webhooks as a client of the API has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from backend.main import create_app
from backend.models.config import Settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until
from tests.backend.services.webhooks.receiving import LOOPBACK, SECRETS, Receiver, receiving

TOKENS = {"alice": "alice's secret token", "bobby": "bobby's secret token", "carol": "carol's secret token"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def build(settings: Settings, engine: FakeEngine) -> Callable[[], FastAPI]:
    changes = {"api_tokens": TOKENS, "webhook_secrets": SECRETS, "webhook_networks": LOOPBACK}
    own = settings.model_copy(update=changes)
    return lambda: create_app(own, lambda: engine, hardware=lambda: PLAIN_CPU)


def connect(app: FastAPI, name: str = "alice") -> TestClient:
    return TestClient(app, base_url="http://localhost", headers={"Authorization": f"Bearer {TOKENS[name]}"})


def body(url: str | None, prompt: str = "a red apple", **values: object) -> dict[str, object]:
    return {"prompt": prompt, "width": 256, "height": 256, "callback_url": url, **values}


def test_a_completed_task_is_told_as_the_api_presents_it(build, receiver):
    with connect(build()) as client:
        task_id = client.post("/api/generate", json=body(receiver.url)).json()["task_id"]
        [message] = receiver.wait_for(1)
        presented = client.get(f"/api/generate/{task_id}").json()
    assert message["type"] == "task.completed"
    assert message["data"] == presented
    assert presented["result"]["download_url"] == f"/api/download/{presented['result']['id']}"
    assert presented["request"]["callback_url"] == receiver.url
    assert "callback_url" not in presented["result"]


def test_failed_and_cancelled_tasks_are_told_too(build, receiver, engine: FakeEngine):
    engine.errors = {2: RuntimeError("broken")}
    with connect(build()) as client:
        client.post("/api/generate", json=body(receiver.url))
        assert receiver.wait_for(1)[0]["data"]["error_code"] == "internal_error"
        go_on = engine.pause_at(3)
        task_id = client.post("/api/generate", json=body(receiver.url)).json()["task_id"]
        waiting = client.post("/api/generate", json=body(receiver.url)).json()["task_id"]
        assert engine.paused.wait(10)
        for one in (waiting, task_id):
            client.delete(f"/api/generate/{one}")
        go_on()
        messages = receiver.wait_for(3)
    assert [message["type"] for message in messages] == ["task.failed", "task.cancelled", "task.cancelled"]


@pytest.mark.parametrize(
    ("name", "url", "code"),
    [
        ("carol", "https://hooks.example/", "callback_refused"),  # a token without a secret
        ("alice", "https://10.0.0.1/", "callback_refused"),
        ("alice", "http://1.1.1.1/", "callback_refused"),
        ("alice", "ftp://hooks.example/", "validation_error"),
        ("alice", "https://user:secret@hooks.example/", "validation_error"),
        ("alice", f"https://hooks.example/{'x' * 2000}", "validation_error"),
    ],
)
def test_an_address_that_is_not_allowed_is_a_422_at_its_field(build, name, url, code):
    with connect(build(), name) as client:
        answer = client.post("/api/generate", json=body(url))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
        assert answer.json()["error"]["fields"][0]["field"] == "callback_url"
        assert client.get("/api/generate").json()["tasks"] == []


def test_without_tokens_nobody_has_webhooks(client: TestClient):
    answer = client.post("/api/generate", json=body("https://hooks.example/"))
    assert answer.json()["error"]["code"] == "callback_refused"
    assert client.post("/api/generate", json=body(None)).status_code == 202


def test_a_retry_tells_the_same_client_and_nobody_for_another(build, receiver, engine: FakeEngine):
    engine.errors = {1: RuntimeError("broken")}
    app = build()
    with connect(app) as client:
        task_id = client.post("/api/generate", json=body(receiver.url)).json()["task_id"]
        receiver.wait_for(1)
        bobbys = connect(app, "bobby").post(f"/api/generate/{task_id}/retry").json()["task_id"]
        wait_until(lambda: client.get(f"/api/generate/{bobbys}").json()["status"] == "completed")
        assert "callback_url" not in client.get(f"/api/generate/{bobbys}").json()["request"]
        again = client.post(f"/api/generate/{task_id}/retry").json()["task_id"]
        assert receiver.wait_for(2)[1]["data"]["task_id"] == again


def test_a_task_under_which_the_process_ended_is_told_by_the_next_one(build, receiver, engine: FakeEngine):
    crashed = build()
    go_on = engine.pause_at(2)
    with connect(crashed) as client:
        task_id = client.post("/api/generate", json=body(receiver.url)).json()["task_id"]
        assert engine.paused.wait(10)
        tasks, services = crashed.state.services.tasks, crashed.state.services
        tasks._table._journal.write = lambda tasks: None  # from here on it is dead to the disk and to the network
        services.webhooks._outbox.put = lambda delivery: None
        go_on()
    assert receiver.requests == []
    with connect(build()):
        [message] = receiver.wait_for(1)
    assert (message["type"], message["data"]["task_id"]) == ("task.interrupted", task_id)


def test_what_waits_is_a_metric(build, receiver):
    receiver.statuses = [500]
    with connect(build()) as client:
        client.post("/api/generate", json=body(receiver.url))
        receiver.wait_for(1)
        assert "zimage_webhooks_waiting" in client.get("/metrics").text
