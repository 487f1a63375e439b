"""A history for every token: nobody sees, changes or learns anything of the pictures and tasks of somebody else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from backend.main import create_app
from backend.models.config import Settings
from tests.backend.conftest import FINAL, make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, a_picture, wait_until

TOKENS = {"alice": "a" * 16, "bob": "b" * 16}
Ask = Callable[..., Any]


@pytest.fixture
def own_settings(tmp_path) -> Settings:
    changes = {"api_tokens": TOKENS, "history_per_token": True}
    return make_settings(tmp_path).model_copy(update=changes)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def people(own_settings, engine) -> Iterator[dict[str, Ask]]:
    with TestClient(create_app(own_settings, lambda: engine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        yield {name: asker(client, token) for name, token in TOKENS.items()}


def asker(client: TestClient, token: str) -> Ask:
    def ask(method: str, path: str, **more: Any) -> Any:
        return client.request(method, path, headers={"authorization": f"Bearer {token}"}, **more)

    return ask


def post(ask: Ask, prompt: str, **values: object) -> str:
    body = {"prompt": prompt, "height": 256, "width": 256, "seed": 7, **values}
    return ask("POST", "/api/generate", json=body).json()["task_id"]


def draw(ask: Ask, prompt: str) -> dict[str, Any]:
    task_id = post(ask, prompt)

    def task() -> dict[str, Any]:
        return ask("GET", f"/api/generate/{task_id}").json()

    wait_until(lambda: task()["status"] in FINAL, "the end of the task")
    return task()


def prompts(ask: Ask, **query: object) -> list[str]:
    return [image["prompt"] for image in ask("GET", "/api/history", params=query).json()["images"]]


def test_everybody_has_a_history_of_his_own(people):
    for name in ("alice", "bob", "alice"):
        assert draw(people[name], f"a fox of {name}")["result"]["owner"] == name
    assert prompts(people["alice"]) == ["a fox of alice", "a fox of alice"]
    assert prompts(people["bob"]) == prompts(people["bob"], q="fox") == prompts(people["bob"], page_size=1)
    assert prompts(people["bob"], q="alice") == []
    assert people["bob"]("GET", "/api/history").json()["total"] == 1
    assert people["bob"]("GET", "/api/images/latest").json()["prompt"] == "a fox of bob"
    assert len(people["bob"]("GET", "/api/generate?finished=true").json()["tasks"]) == 1


def test_the_latest_picture_of_somebody_without_one(people):
    draw(people["alice"], "a fox")
    assert people["bob"]("GET", "/api/images/latest").status_code == 404


def test_whatever_names_a_picture_or_a_task_of_somebody_else_finds_nothing(people, own_settings):
    """Every operation of the description, so that a new one is met by this, too."""
    task = draw(people["alice"], "a fox")
    ids = {"task_id": task["task_id"], "image_id": task["result"]["id"]}
    bodies = {"move": {"position": 0}, "patch": {"favourite": True}}
    paths = people["bob"]("GET", "/openapi.json").json()["paths"]
    tried = 0
    for path, methods in paths.items():
        if not (names := set(re.findall(r"{(\w+)}", path)) & set(ids)):
            continue
        for method in methods:
            body = bodies.get(path.rpartition("/")[2]) or bodies.get(method)
            url = path.format_map({**ids, "output_format": "png"})
            nobody = url.replace(ids[next(iter(names))], "0" * 32)
            answer = people["bob"](method.upper(), url, json=body)
            assert answer.status_code == 404, (method, path)
            assert answer.json() == people["bob"](method.upper(), nobody, json=body).json(), (method, path)
            tried += 1
    assert tried >= 11
    assert people["alice"]("GET", "/api/history?trash=true").json()["total"] == 0
    [record] = people["alice"]("GET", "/api/history").json()["images"]
    assert record == task["result"]


def test_many_at_once_reach_only_ones_own(people):
    hers, his = (draw(people[name], "a fox")["result"]["id"] for name in TOKENS)
    body = {"ids": [hers, his, "0" * 32], "action": "delete"}
    assert people["bob"]("POST", "/api/history/bulk", json=body).json() == {"done": [his], "missing": [hers, "0" * 32]}
    assert people["bob"]("POST", "/api/history/export", json={"ids": [hers]}).status_code == 404
    archive = people["bob"]("POST", "/api/history/export", json={"ids": [hers, his]}).content
    assert archive.count(b"PK\x03\x04") == 1
    assert prompts(people["bob"], trash=True) == ["a fox"]
    assert prompts(people["alice"], trash=True) == []


def test_a_task_that_waits_or_runs_is_its_owners(people, engine):
    release = engine.pause_at(1)
    running = post(people["alice"], "running")
    wait_until(engine.paused.is_set)
    waiting = post(people["bob"], "waiting")
    assert [task["task_id"] for task in people["bob"]("GET", "/api/generate").json()["tasks"]] == [waiting]
    assert people["bob"]("DELETE", f"/api/generate/{running}").status_code == 404
    assert people["bob"]("DELETE", f"/api/generate/{waiting}").status_code == 202
    release()


def test_only_ones_own_waiting_tasks_are_cancelled_together(people, engine):
    release = engine.pause_at(1)
    post(people["alice"], "runs")
    assert engine.paused.wait(10)
    post(people["alice"], "waits")
    kept = post(people["bob"], "waits too")

    gone = people["alice"]("DELETE", "/api/generate?waiting=true").json()["tasks"]

    assert [task["request"]["prompt"] for task in gone] == ["waits"]
    assert [task["task_id"] for task in people["bob"]("GET", "/api/generate").json()["tasks"]] == [kept]
    release()


def test_what_has_no_owner_is_everybodys(people, own_settings, engine):
    """Pictures and tasks from a time without the setting."""
    plain = own_settings.model_copy(update={"history_per_token": False, "data_dir": own_settings.data_dir / "other"})
    plain = plain.model_copy(update={"images_dir": plain.data_dir / "i", "history_file": plain.data_dir / "h.json"})
    with TestClient(create_app(plain, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        draw(asker(client, TOKENS["alice"]), "from before")
    later = plain.model_copy(update={"history_per_token": True})
    with TestClient(create_app(later, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        bob = asker(client, TOKENS["bob"])
        [image] = bob("GET", "/api/history").json()["images"]
        assert image["owner"] is None
        assert bob("PATCH", f"/api/history/{image['id']}", json={"favourite": True}).json()["favourite"] is True


def test_a_rebuilt_history_knows_the_owners_again(people, own_settings):
    for name in TOKENS:
        draw(people[name], f"of {name}")
    moved = own_settings.model_copy(update={"data_dir": own_settings.data_dir / "new"})
    moved = moved.model_copy(update={"history_file": moved.data_dir / "history.json"})
    moved.data_dir.mkdir()
    with TestClient(create_app(moved, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        assert {name: prompts(asker(client, token)) for name, token in TOKENS.items()} == {
            "alice": ["of alice"], "bob": ["of bob"],
        }  # fmt: skip
    [picture, *_] = own_settings.images_dir.glob("*.png")
    assert not any(token.encode() in picture.read_bytes() for token in TOKENS.values())


def test_a_picture_that_is_imported_belongs_to_whoever_brings_it(people):
    image = draw(people["alice"], "a fox")["result"]
    content = people["alice"]("GET", image["download_url"]).content
    brought = people["bob"]("POST", "/api/history/import", files={"file": BytesIO(content)})
    assert (brought.status_code, brought.json()["owner"]) == (201, "bob")
    assert brought.json()["id"] != image["id"]
    assert prompts(people["alice"]) == prompts(people["bob"]) == ["a fox"]
    again = people["bob"]("POST", "/api/history/import", files={"file": BytesIO(content)})
    assert (again.status_code, again.json()["id"]) == (200, brought.json()["id"])


def test_owners_need_names():
    with pytest.raises(ValidationError, match="ZIMAGE_API_TOKENS"):
        Settings(history_per_token=True)
    assert Settings(history_per_token=True, api_tokens=TOKENS).history_per_token


def test_without_the_setting_nobody_owns_anything(client, services, finish, post):
    assert finish(post())["result"]["owner"] is None
    services.history.add(a_picture(), "alice")
    assert client.get("/api/images/latest").json()["owner"] is None
