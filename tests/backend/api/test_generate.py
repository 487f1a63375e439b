from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from backend.models.schemas import Status
from backend.services.errors import BlankPicture, ModelBroken, OutOfMemory, UnknownModel
from backend.services.tasks.queue import Limits
from tests.backend.fakes import make_model_folder, wait_until


def test_a_post_answers_with_an_id_and_where_to_poll(client):
    response = client.post("/api/generate", json={"prompt": "一只红色的狐狸"})

    assert response.status_code == 202
    assert re.fullmatch("[0-9a-f]{32}", response.json()["task_id"])
    assert response.headers["location"] == f"/api/generate/{response.json()['task_id']}"


def test_a_task_ends_with_its_picture(client, post, finish):
    task = finish(post("一只红色的狐狸", seed=3))

    assert (task["status"], task["progress"], task["current_step"]) == ("completed", 100, 9)
    assert task["result"]["prompt"] == "一只红色的狐狸"
    assert task["result"]["seed"] == 3
    assert task["result"]["model"] == "zimage-nano"
    assert client.get(task["result"]["download_url"]).content.startswith(b"\x89PNG\r\n")
    assert client.get("/api/images/latest").json() == task["result"]


def test_the_request_is_reported_as_it_was_sent_with_its_defaults(client, post, engine):
    release = engine.pause_at(0)
    task_id = client.post("/api/generate", json={"prompt": "  a fox \n"}).json()["task_id"]

    assert client.get(f"/api/generate/{task_id}").json()["request"] == {
        "prompt": "a fox", "height": 1024, "width": 1024, "num_inference_steps": 9,
        "use_gpu": True, "seed": None, "model": "auto", "num_images": 1,
        "guidance_scale": None, "shift": None, "negative_prompt": "",
    }  # fmt: skip
    release()


def test_a_drawn_seed_is_reported(finish, post, engine):
    task = finish(post(seed=None))

    assert task["request"]["seed"] is None
    assert task["result"]["seed"] == engine.requests[0].seed


def test_no_gpu_and_a_smaller_size_are_said(finish, post):
    task = finish(post(height=1024, width=2048))

    assert task["result"]["use_gpu"] is False
    assert (task["result"]["width"], task["result"]["height"]) == (704, 352)
    assert "no GPU is available" in task["message"]
    assert "2048×1024 became 704×352" in task["message"]


def test_the_list_has_running_and_waiting_tasks_in_order(client, post, engine):
    release = engine.pause_at(2)
    first = post("first")
    wait_until(engine.paused.is_set)
    second, third = post("second"), post("third")

    tasks = client.get("/api/generate").json()["tasks"]

    assert [task["task_id"] for task in tasks] == [first, second, third]
    assert [task["queue_position"] for task in tasks] == [None, 0, 1]
    assert [task["status"] for task in tasks] == ["processing", "pending", "pending"]
    release()


def test_finished_tasks_are_listed_when_asked_for_newest_first(client, post, finish):
    first, second = post("first"), post("second")
    finish(first), finish(second)

    assert client.get("/api/generate").json() == {"tasks": []}
    listed = client.get("/api/generate", params={"finished": True}).json()["tasks"]
    assert [task["task_id"] for task in listed] == [second, first]


def test_a_task_that_ends_while_the_list_is_made_is_listed_once(client, services, post, finish, monkeypatch):
    task_id = post()
    finish(task_id)
    before = services.tasks.get(task_id).model_copy(update={"status": Status.PROCESSING})
    monkeypatch.setattr(services.tasks, "active", lambda: [before])
    tasks = client.get("/api/generate", params={"finished": True}).json()["tasks"]
    assert [(task["task_id"], task["status"]) for task in tasks] == [(task_id, "completed")]


def test_a_waiting_task_is_cancelled_at_once(client, post, engine):
    release = engine.pause_at(1)
    running = post("running")
    wait_until(engine.paused.is_set)
    waiting = post("waiting")

    response = client.delete(f"/api/generate/{waiting}")

    assert response.status_code == 202
    assert (response.json()["status"], response.json()["cancelling"]) == ("cancelled", False)
    release()
    wait_until(lambda: client.get(f"/api/generate/{running}").json()["status"] == "completed")
    assert engine.decoded == ["running"]


def test_a_running_task_is_cancelled_within_a_step_and_leaves_no_file(client, post, finish, engine, settings):
    release = engine.pause_at(3)
    task_id = post()
    wait_until(engine.paused.is_set)

    response = client.delete(f"/api/generate/{task_id}")
    assert (response.status_code, response.json()["cancelling"]) == (202, True)
    again = client.delete(f"/api/generate/{task_id}")
    assert (again.status_code, again.json()["status"]) == (202, "processing")
    release()

    task = finish(task_id)
    assert (task["status"], task["cancelling"], task["current_step"], task["result"]) == ("cancelled", False, 3, None)
    assert engine.decoded == []
    assert list(settings.images_dir.iterdir()) == []


def test_a_finished_task_cannot_be_cancelled(client, post, finish):
    task_id = post()
    finish(task_id)

    response = client.delete(f"/api/generate/{task_id}")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")


UNKNOWN = ["0" * 32, "nope", "A" * 32, "0" * 33, "%2e%2e", "0" * 31 + "%0a", "%00", "%ff", "狐狸", "x" * 300]


@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/generate/{}"),
        ("HEAD", "/api/generate/{}"),
        ("DELETE", "/api/generate/{}"),
        ("POST", "/api/generate/{}/retry"),
        ("GET", "/api/generate/{}/preview"),
        ("GET", "/api/generate/{}/events"),
        ("GET", "/api/download/{}"),
        ("GET", "/api/images/{}/thumbnail"),
        ("DELETE", "/api/history/{}"),
        ("POST", "/api/history/{}/restore"),
        ("POST", "/api/models/{}/download"),
        ("DELETE", "/api/models/{}/download"),
    ],
)
def test_an_id_that_cannot_exist_is_404_like_any_unknown_one(shared, method, path, unknown):
    response = shared.request(method, path.format(unknown))
    assert response.status_code == 404, response.text
    assert method == "HEAD" or response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BlankPicture("The model produced NaN."), "invalid_output"),
        (ModelBroken("The weights are damaged."), "model_broken"),
    ],
)
def test_an_expected_failure_is_told_in_its_own_words(post, finish, engine, error, code):
    engine.errors[2] = error

    task = finish(post())

    assert (task["status"], task["error"], task["error_code"]) == ("failed", str(error), code)
    assert task["result"] is None
    assert finish(post())["status"] == "completed"


def test_out_of_memory_is_told_with_a_size_that_should_fit(post, finish, engine):
    engine.errors[2] = OutOfMemory("The picture does not fit into memory.")

    task = finish(post())

    assert (task["status"], task["error_code"]) == ("failed", "out_of_memory")
    assert task["error"] == "The picture does not fit into memory. 256×256 should fit."
    assert finish(post())["status"] == "completed"


def test_an_unexpected_failure_does_not_leak_its_text(post, finish, engine):
    engine.errors[2] = RuntimeError("/secret/path")

    task = finish(post())

    assert (task["status"], task["error_code"]) == ("failed", "internal_error")
    assert "secret" not in str(task)
    assert "RuntimeError" in task["error"]


def test_an_unknown_model_is_refused_before_it_waits(client):
    response = client.post("/api/generate", json={"prompt": "a", "model": "sdxl"})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "unknown_model")
    assert response.json()["error"]["fields"][0]["field"] == "model"
    assert client.get("/api/generate").json() == {"tasks": []}


def test_an_error_that_is_not_utf_8_is_spelled_out(client, services, monkeypatch):
    def resolve(model_id: str) -> None:
        raise UnknownModel(f"There is no model {model_id!r}; installed: caf\udce9.")

    monkeypatch.setattr(services.catalogue, "resolve", resolve)
    response = client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "unknown_model")
    assert "caf\\udce9" in response.json()["error"]["message"]


def test_a_model_without_weights_is_refused_with_what_there_is(client):
    response = client.post("/api/generate", json={"prompt": "a", "model": "z-image-turbo"})

    assert (response.status_code, response.json()["error"]["code"]) == (422, "model_not_installed")
    assert "zimage-nano" in response.json()["error"]["message"]


def test_a_full_queue_is_429_with_when_to_come_back(client, services, post, engine):
    services.tasks._limits = Limits(max_queued=1)
    release = engine.pause_at(1)
    post("running")
    wait_until(engine.paused.is_set)
    post("waiting")

    response = client.post("/api/generate", json={"prompt": "too many"})

    assert (response.status_code, response.json()["error"]["code"]) == (429, "queue_full")
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["error"]["position"] == 1
    release()


def test_a_full_disk_is_507(client, services):
    services.tasks._admit.__self__._min_free_disk_mb = 10**12

    response = client.post("/api/generate", json={"prompt": "a"})

    assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_storage")


def test_a_queue_that_cannot_be_saved_is_507_and_queues_nothing(client, services, monkeypatch):
    def refuse(tasks: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services.tasks._table._journal, "write", refuse)

    response = client.post("/api/generate", json={"prompt": "a"})

    assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_storage")
    assert client.get("/api/generate").json() == {"tasks": []}


def test_the_health_answers_while_a_picture_is_drawn(client, post, engine):
    release = engine.pause_at(1)
    post()
    wait_until(engine.paused.is_set)

    assert client.get("/health").json() == {"status": "healthy", "service": "Z-Image API"}
    release()


def test_the_defaults_come_from_the_settings(tmp_path, settings, engine):
    from starlette.testclient import TestClient

    from backend.main import create_app
    from tests.backend.fakes import PLAIN_CPU

    own = settings.model_copy(update={"default_height": 512, "default_width": 256, "default_num_inference_steps": 4})
    with TestClient(create_app(own, lambda: engine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        task_id = client.post("/api/generate", json={"prompt": "a"}).json()["task_id"]
        request = client.get(f"/api/generate/{task_id}").json()["request"]
        assert (request["height"], request["width"], request["num_inference_steps"]) == (512, 256, 4)
        wait_until(lambda: client.get("/api/generate").json() == {"tasks": []})


# -- guidance ---------------------------------------------------------------------------------------------------------


def test_a_shift_reaches_the_engine_the_record_and_the_file(post, finish, engine, services):
    image = finish(post(shift=5.5))["result"]

    assert engine.requests[0].shift == image["shift"] == 5.5
    with Image.open(services.history.image_path(image["id"])) as file:
        assert ", Shift: 5.5, " in file.text["parameters"]
        assert json.loads(file.text["zimage"])["shift"] == 5.5


@pytest.mark.parametrize(("field", "value"), [("guidance_scale", 4.0), ("negative_prompt", "blurry")])
def test_what_a_distilled_model_does_not_do_is_refused_at_its_field(client, field, value):
    response = client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256, field: value})
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == f"{field.removesuffix('_scale')}_unused"
    assert (error["fields"][0]["field"], "zimage-nano" in error["message"]) == (field, True)


def test_guidance_goes_from_the_request_into_picture_history_and_retry(client, settings, engine, post, finish):
    ckpts = settings.base_dir / "Z-Image" / "ckpts"
    make_model_folder(ckpts / "Z-Image")
    asked = {"model": "z-image", "guidance_scale": 3.5, "negative_prompt": "模糊"}
    engine.errors[1] = RuntimeError("once")
    failed = finish(post(**asked))
    assert asked.items() <= failed["request"].items()

    task = finish(client.post(f"/api/generate/{failed['task_id']}/retry").json()["task_id"])

    facts = {"guidance_scale": 3.5, "negative_prompt": "模糊"}
    assert facts.items() <= task["result"].items()
    assert facts.items() <= client.get("/api/history").json()["images"][0].items()
    content = client.get(task["result"]["download_url"]).content
    read = client.post("/api/history/read", files={"file": ("x.png", content, "image/png")}).json()
    assert facts.items() <= read["parameters"].items()
