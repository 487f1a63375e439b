"""What hundreds of clients ask all the time takes a short way, and nobody can tell but by the clock."""

from __future__ import annotations

import httpx
import pytest
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Match
from starlette.testclient import TestClient

from backend.api.live import polls
from backend.main import create_app
from backend.models.schemas import TaskStatus
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until


@pytest.fixture
def encoded(monkeypatch) -> list[str]:
    """Ids of the tasks of which a status was made, for polls."""
    seen: list[str] = []
    present = polls.present_task

    def count(task, *rest):
        seen.append(task.id)
        return present(task, *rest)

    monkeypatch.setattr(polls, "present_task", count)
    return seen


def test_both_ways_give_the_same_answer(app, client, post, finish, engine, monkeypatch, encoded):
    release = engine.pause_at(1)
    running = post("一只红色的狐狸", num_images=2)
    waiting = post("waits")
    wait_until(engine.paused.is_set)

    def both(task_id: str) -> tuple[bytes, bytes]:
        path = f"/api/generate/{task_id}"
        short = client.get(path)
        with monkeypatch.context() as patch:
            patch.setattr(polls.PollRoute, "matches", lambda *_: (Match.NONE, {}))
            long = client.get(path)
        assert {**short.headers} == {**long.headers}
        return short.content, long.content

    for task_id in (running, waiting):
        short, long = both(task_id)
        assert short == long
        TaskStatus.model_validate_json(short)
    release()
    finish(waiting)
    for task_id in (running, waiting):
        short, long = both(task_id)
        assert short == long
    assert {running, waiting} <= set(encoded)


def test_a_version_of_a_task_is_encoded_once(client, post, finish, encoded):
    task_id = post()
    finish(task_id)
    encoded.clear()
    client.get(f"/api/generate/{task_id}")
    known = len(encoded)
    answers = {client.get(f"/api/generate/{task_id}").content for _ in range(20)}
    assert len(answers) == 1
    assert known <= 1
    assert len(encoded) == known


def test_what_is_kept_is_bounded(client, post, finish, monkeypatch, encoded):
    monkeypatch.setattr(polls, "MAX_KEPT", 2)
    ids = [post(f"{number}", num_inference_steps=1) for number in range(3)]
    finish(ids[-1])
    encoded.clear()
    for _ in range(2):
        for task_id in ids:
            assert client.get(f"/api/generate/{task_id}").json()["task_id"] == task_id
    assert len(encoded) > 3


def test_polls_are_counted_as_the_route_that_they_are(client, post, finish):
    finish(post())
    line = 'zimage_http_requests_total{method="GET",route="/api/generate/{task_id}",status="200"}'
    assert line in client.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "task_id", "status"),
    [
        ("GET", "0" * 32, 404),
        ("GET", "..%2f" + "0" * 32, 404),
        ("GET", "A" * 32, 404),
        ("GET", "0" * 31, 404),
        ("GET", f"{'0' * 32}%0A", 404),
        ("GET", f"{'0' * 32}/", 404),
        ("DELETE", "0" * 32, 404),
        ("HEAD", "0" * 32, 404),
        ("PUT", "0" * 32, 405),
    ],
)
def test_refusals_are_those_of_the_documented_routes(shared, monkeypatch, method, task_id, status):
    def ask() -> httpx.Response:
        return shared.request(method, f"/api/generate/{task_id}", follow_redirects=False)

    short = ask()
    with monkeypatch.context() as patch:
        patch.setattr(polls.PollRoute, "matches", lambda *_: (Match.NONE, {}))
        long = ask()
    assert (short.status_code, short.content, dict(short.headers)) == (status, long.content, dict(long.headers))
    assert long.status_code == status


def test_every_guard_stands_before_it(client, post, finish):
    path = f"/api/generate/{post()}"
    finish(path.rsplit("/", 1)[1])
    assert client.get(path, headers={"host": "evil.example"}).status_code == 421
    answer = client.get(path, headers={"origin": "http://localhost:15001"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:15001"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_token_is_asked_for_and_others_tasks_are_not_shown(settings):
    tokens = {"alice": "a" * 20, "bob": "b" * 20}
    own = settings.model_copy(update={"api_tokens": tokens, "history_per_token": True})
    with TestClient(create_app(own, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        alice, bob = ({"authorization": f"Bearer {tokens[name]}"} for name in ("alice", "bob"))
        body = {"prompt": "a", "height": 256, "width": 256}
        path = f"/api/generate/{client.post('/api/generate', json=body, headers=alice).json()['task_id']}"
        assert [client.get(path, headers=headers).status_code for headers in (alice, bob, {})] == [200, 404, 401]


def test_no_layer_runs_a_task_of_its_own_for_each_request(app):
    """Starlette's BaseHTTPMiddleware does, with two streams between, and costs more than everything else together."""
    assert len(app.user_middleware) >= 7
    assert not [layer.cls for layer in app.user_middleware if issubclass(layer.cls, BaseHTTPMiddleware)]


def test_a_task_whose_place_or_end_has_changed_is_encoded_again(client, services, post, engine):
    """Its record is the same one: only others have changed."""
    release = engine.pause_at(0)
    running = post()
    wait_until(engine.paused.is_set)
    ahead, behind = post("ahead"), post("behind")

    def poll() -> tuple[int, float | None]:
        answer = client.get(f"/api/generate/{behind}").json()
        return answer["queue_position"], answer["eta_seconds"]

    record = services.tasks.get(behind)
    assert poll() == (1, None)
    client.delete(f"/api/generate/{ahead}")
    assert poll() == (0, None)
    services.tasks._etas._model.learn(record.job, denoise_s=80.0, around_s=20.0)
    position, eta_s = poll()
    assert position == 0
    assert eta_s is not None
    assert services.tasks.get(behind) is record
    client.delete(f"/api/generate/{running}")
    release()
