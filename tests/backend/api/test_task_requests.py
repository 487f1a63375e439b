"""Previews, events, retry, order, keys: what a client may ask of a task beside its status."""

from __future__ import annotations

import asyncio
import itertools
import json
from io import BytesIO
from typing import Any

import pytest
from fastapi.sse import KEEPALIVE_COMMENT
from PIL import Image

from backend.api.live.events import stream_status
from backend.models.schemas import TaskStatus
from backend.services.tasks.queue import Limits
from tests.backend.fakes import make_model_folder, wait_until

MAP = {"rows": [[0.1, 0.2, 0.3]] * 16, "offset": [0, 0, 0]}


@pytest.fixture
def mapped(settings) -> None:
    """The embedded model has a preview map."""
    path = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "zimage.json"
    path.write_text(json.dumps({"size_multiple": 32, "demo": True, "preview_map": MAP}))


def test_several_pictures_of_one_task(client, post, finish):
    task = finish(post(num_images=3, seed=5))

    assert (task["num_images"], task["total_steps"], task["current_step"], task["steps"]) == (3, 27, 27, 9)
    assert [image["seed"] for image in task["images"]] == [5, 6, 7]
    assert task["result"] == task["images"][-1]
    assert [image["id"] for image in client.get("/api/history").json()["images"]] == [
        image["id"] for image in reversed(task["images"])
    ]
    assert all(seconds is not None for seconds in task["timings"].values())
    assert task["eta_seconds"] is None


@pytest.mark.parametrize("number", [0, 17, 1.0, True, "2", None])
def test_a_number_of_pictures_that_cannot_be(shared, number):
    body = {"prompt": "a", "height": 256, "width": 256, "num_images": number}
    response = shared.post("/api/generate", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["fields"][0]["field"] == "num_images"


def test_too_much_work_is_refused_with_the_field_to_change(shared):
    body = {"prompt": "a", "height": 2048, "width": 2048, "num_inference_steps": 50, "num_images": 16}
    response = shared.post("/api/generate", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "too_much_work")
    assert response.json()["error"]["fields"][0]["field"] == "num_images"


# -- previews ---------------------------------------------------------------------------------------------------------


def test_the_newest_preview_is_served_while_the_task_runs(mapped, client, post, engine, finish):
    release = engine.pause_at(0)
    task_id = post()
    wait_until(engine.paused.is_set)
    assert client.get(f"/api/generate/{task_id}/preview").status_code == 204
    assert client.get(f"/api/generate/{task_id}").json()["preview_seq"] is None
    release_later = engine.pause_at(3)
    release()
    wait_until(lambda: client.get(f"/api/generate/{task_id}").json()["preview_seq"] == 3)

    response = client.get(f"/api/generate/{task_id}/preview", params={"seq": 3})

    assert (response.status_code, response.headers["content-type"]) == (200, "image/webp")
    assert (response.headers["x-preview-seq"], response.headers["cache-control"]) == ("3", "no-store")
    with Image.open(BytesIO(response.content)) as image:
        assert (image.format, image.size) == ("WEBP", (256, 128))
    release_later()
    assert finish(task_id)["preview_seq"] is None
    assert client.get(f"/api/generate/{task_id}/preview").status_code == 204


def test_a_model_without_a_map_has_no_previews(client, post, engine, finish):
    looks: list[Any] = []
    engine.watch = lambda step: looks.append(client.get("/api/generate").json()["tasks"][0]["preview_seq"])
    finish(post())
    assert set(looks) == {None}


def test_the_preview_of_no_task_is_404(client):
    assert client.get(f"/api/generate/{'0' * 32}/preview").status_code == 404


# -- events -----------------------------------------------------------------------------------------------------------


def read_events(text: str) -> list[dict[str, str]]:
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


def test_events_tell_every_change_and_end_with_the_task(client, post, engine, services, monkeypatch):
    release = engine.pause_at(1)
    task_id = post()
    wait_until(engine.paused.is_set)
    looks, position_and_eta = itertools.count(1), services.tasks.position_and_eta

    def look_and_go_on(task):
        found = position_and_eta(task)
        if next(looks) == 2:  # the first one finds out whether there is anything to tell, the second one is told
            release()
        return found

    monkeypatch.setattr(services.tasks, "position_and_eta", look_and_go_on)

    response = client.get(f"/api/generate/{task_id}/events")

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    events = read_events(response.text)
    statuses = [json.loads(event["data"]) for event in events]
    assert {event["event"] for event in events} == {"status"}
    assert statuses[0]["status"] == "processing"
    assert statuses[-1] == client.get(f"/api/generate/{task_id}").json()
    assert statuses[-1]["status"] == "completed"
    progress = [status["progress"] for status in statuses]
    assert progress == sorted(progress)


def test_who_comes_back_gets_what_he_missed_and_no_more(client, post, finish):
    task_id = post()
    finish(task_id)
    [event] = read_events(client.get(f"/api/generate/{task_id}/events").text)

    again = client.get(f"/api/generate/{task_id}/events", headers={"last-event-id": event["id"]})
    assert (again.status_code, again.text) == (204, "")
    [missed] = read_events(client.get(f"/api/generate/{task_id}/events", headers={"last-event-id": "old"}).text)
    assert missed == event


def test_the_events_of_no_task_are_404(client):
    assert client.get(f"/api/generate/{'0' * 32}/events").status_code == 404


def test_a_quiet_stream_is_kept_alive_and_ends_when_the_process_does(client, post, engine, services, monkeypatch):
    monkeypatch.setattr("backend.api.live.events.KEEP_ALIVE_S", 0.001)
    release = engine.pause_at(1)
    task_id = post()
    wait_until(engine.paused.is_set)
    status = TaskStatus.model_validate_json(client.get(f"/api/generate/{task_id}").content)
    tasks = services.tasks

    async def listen() -> list[bytes]:
        answer = await stream_status(lambda: status, tasks.watch, lambda: tasks.closing, last_id=None)
        pieces = []
        async for piece in answer.body_iterator:
            pieces.append(piece)
            if len(pieces) == 3:
                tasks.end_streams()
        return pieces

    first, *others = asyncio.run(listen())
    release()
    assert read_events(first.decode())[0]["event"] == "status"
    assert others == [KEEPALIVE_COMMENT] * 2


# -- retry, order, list -----------------------------------------------------------------------------------------------


def test_retry(client, post, engine, finish):
    engine.errors[1] = RuntimeError("boom")
    failed = finish(post("again"))

    response = client.post(f"/api/generate/{failed['task_id']}/retry")

    assert response.status_code == 202
    again = response.json()["task_id"]
    assert response.headers["location"] == f"/api/generate/{again}"
    assert finish(again)["request"] == failed["request"]
    response = client.post(f"/api/generate/{again}/retry")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
    assert client.post(f"/api/generate/{'0' * 32}/retry").status_code == 404


def test_move(client, post, engine):
    release = engine.pause_at(1)
    running = post("running")
    wait_until(engine.paused.is_set)
    first, second = post("first"), post("second")

    response = client.post(f"/api/generate/{second}/move", json={"position": 0})

    assert (response.status_code, response.json()["queue_position"]) == (200, 0)
    assert [task["task_id"] for task in client.get("/api/generate").json()["tasks"]] == [running, second, first]
    assert client.post(f"/api/generate/{second}/move", json={"by": 1}).json()["queue_position"] == 1
    for _ in range(2):  # past the front is the front
        assert client.post(f"/api/generate/{second}/move", json={"by": -1}).json()["queue_position"] == 0
    assert client.post(f"/api/generate/{running}/move", json={"position": 0}).status_code == 409
    assert client.post(f"/api/generate/{running}/move", json={"by": 1}).status_code == 409
    for body in ({}, {"position": 0, "by": 1}, {"by": 0.5}, {"by": "1"}):
        assert client.post(f"/api/generate/{first}/move", json=body).status_code == 422
    for position in (-1, "1", None, 10**9):
        assert client.post(f"/api/generate/{first}/move", json={"position": position}).status_code == 422
    release()


def test_clearing_the_finished_ones_must_be_said(client, post, finish):
    task_id = post()
    finish(task_id)
    for query in ("", "?finished=false", "?finished=maybe", "?waiting=false", "?finished=true&waiting=true"):
        assert client.delete(f"/api/generate{query}").status_code == 422
    assert "Either `finished=true` or `waiting=true`" in client.delete("/api/generate").json()["error"]["message"]

    assert client.delete("/api/generate?finished=true").status_code == 204
    assert client.get("/api/generate", params={"finished": True}).json() == {"tasks": []}
    assert client.get(f"/api/generate/{task_id}").status_code == 404
    assert client.get("/api/history").json()["total"] == 1


def test_all_that_wait_are_cancelled_at_once(client, post, engine):
    release = engine.pause_at(1)
    running = post()
    assert engine.paused.wait(10)
    waiting = [post(), post()]

    answer = client.delete("/api/generate?waiting=true")

    assert answer.status_code == 200
    told = [(task["task_id"], task["status"], task["queue_position"]) for task in answer.json()["tasks"]]
    assert told == [(task_id, "cancelled", None) for task_id in waiting]
    assert [task["task_id"] for task in client.get("/api/generate").json()["tasks"]] == [running]
    assert client.delete("/api/generate?waiting=true").json() == {"tasks": []}
    release()


# -- keys and limits --------------------------------------------------------------------------------------------------


def test_a_repeated_post_with_a_key_is_the_same_task(client, finish):
    body = {"prompt": "once", "height": 256, "width": 256}
    answers = [client.post("/api/generate", json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    finish(answers[0].json()["task_id"])
    assert client.get("/api/history").json()["total"] == 1

    other = client.post("/api/generate", json={**body, "seed": 1}, headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "caf\u00e9"])
def test_a_key_that_is_none(client, key):
    headers = {"idempotency-key": key.encode("latin-1")}
    response = client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256}, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")


def test_a_client_over_its_limit_is_told_when_to_come_back(client, services, post, engine):
    services.tasks._limits = Limits(max_queued=10, max_queued_per_client=1)
    release = engine.pause_at(1)
    post("running")
    wait_until(engine.paused.is_set)
    post("waiting")

    response = client.post("/api/generate", json={"prompt": "too many"})

    assert (response.status_code, response.json()["error"]["code"]) == (429, "queue_full")
    assert response.json()["error"]["position"] == 1
    assert int(response.headers["retry-after"]) >= 1
    release()


def test_the_models_say_what_they_understand(client, settings):
    make_model_folder(
        settings.base_dir / "Z-Image" / "ckpts" / "guided", {"guidance_scale": 4, "negative_prompt": True}
    )
    models = {model["id"]: model for model in client.get("/api/models").json()["models"]}
    said = {name: (model["guidance"], model["negative_prompt"]) for name, model in models.items()}
    assert said == {
        "z-image-turbo": (False, False), "z-image": (True, True), "zimage-nano": (False, False), "guided": (True, True),
    }  # fmt: skip
