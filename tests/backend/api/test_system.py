from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from backend.main import create_app
from backend.models.system import Fault, GpuStatus
from backend.services.tasks.store import Journal
from tests.backend.fakes import PLAIN_CPU, FakeEngine, make_annotator, wait_until, with_cards


def test_docs_are_served(client):
    response = client.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")


def test_status_without_a_card(client, services):
    services.monitor._read_gpu = None
    status = client.get("/api/system/status").json()

    assert status["gpu"] is None
    assert status["disk"]["path"] == str(services.settings.data_dir)


def test_status_with_a_card_that_tells_little(client, services, monkeypatch):
    card = GpuStatus(
        available=True, name="a card", memory_total_gb=24.0, memory_used_gb=None, usage_percent=None, temperature=None
    )
    sample = services.monitor.status().model_copy(update={"gpu": card})
    monkeypatch.setattr(services.monitor, "status", lambda: sample)

    assert client.get("/api/system/status").json()["gpu"] == {
        "available": True, "name": "a card", "memory_total_gb": 24.0, "memory_used_gb": None,
        "usage_percent": None, "temperature": None,
    }  # fmt: skip


def test_a_fault_is_in_the_status_as_health_says_it(client, services, monkeypatch):
    assert client.get("/api/system/status").json()["fault"] is None
    monkeypatch.setattr(type(services.tasks), "alive", False)
    said = client.get("/health")
    assert said.status_code == 503
    assert client.get("/api/system/status").json()["fault"] == {
        "code": "worker_ended",
        "message": said.json()["message"],
        "partial": False,
    }


# -- ready, drained, at fault -----------------------------------------------------------------------------------------


def test_ready(client):
    response = client.get("/health/ready")
    checks = {"engine": True, "accepting": True, "model": True, "disk": True}
    assert (response.status_code, response.json()) == (200, {"status": "ready", "checks": checks})


def test_not_ready_says_why(client, services, settings):
    services.admission._min_free_disk_mb = 10**12
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert [name for name, ok in response.json()["checks"].items() if not ok] == ["disk"]
    shutil.rmtree(settings.base_dir / "Z-Image")
    assert [name for name, ok in client.get("/health/ready").json()["checks"].items() if not ok] == ["model"]
    assert client.get("/health").status_code == 200


def test_a_drained_server_finishes_what_waits_and_takes_nothing_new(client, post, finish, engine):
    release = engine.pause_at(1)
    running = post("running")
    wait_until(engine.paused.is_set)
    waiting = post("waiting")

    assert client.post("/api/system/drain", json={"drain": True}).json() == {"drain": True}
    refused = client.post("/api/generate", json={"prompt": "late", "height": 256, "width": 256})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
    assert client.get("/health/ready").status_code == 503
    release()
    assert finish(running)["status"] == finish(waiting)["status"] == "completed"

    client.post("/api/system/drain", json={"drain": False})
    assert finish(post("again"))["status"] == "completed"


def test_a_fault_of_the_device_shows_until_a_picture_is_drawn_again(client, post, finish, engine):
    engine.errors[2] = RuntimeError("CUDA error: an illegal memory access was encountered")

    task = finish(post())

    assert (task["status"], task["error_code"]) == ("failed", "device_error")
    assert "illegal" not in task["error"]
    health = client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    assert client.get("/health/ready").json()["checks"]["engine"] is False
    assert len(engine.loads) == 1
    assert finish(post())["status"] == "completed"
    assert len(engine.loads) == 2
    assert client.get("/health").json()["status"] == "healthy"


# -- numbers ----------------------------------------------------------------------------------------------------------


def numbers(client) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_count_what_happened(client, post, finish, engine):
    finish(post(num_images=2))
    engine.errors[1] = RuntimeError("boom")
    finish(post())
    client.get("/no/such/thing")
    found = numbers(client)

    assert found['zimage_tasks_total{status="completed"}'] == 1
    assert found['zimage_failures_total{code="internal_error"}'] == 1
    assert found['zimage_pictures_total{model="zimage-nano"}'] == 2
    assert found['zimage_generation_seconds_count{model="zimage-nano"}'] == 2
    assert found["zimage_step_seconds_count"] == 1
    assert found["zimage_tasks_waiting"] == found["zimage_tasks_running"] == 0
    assert (found["zimage_engine_healthy"], found["zimage_history_pictures"]) == (1, 2)
    assert found['zimage_http_requests_total{method="POST",route="/api/generate",status="202"}'] == 2
    assert found['zimage_http_requests_total{method="GET",route="/api/generate/{task_id}",status="200"}'] >= 2
    assert found['zimage_http_requests_total{method="GET",route="unmatched",status="404"}'] == 1
    assert found["process_resident_memory_bytes"] > 0
    assert not [name for name in found if "no/such" in name or len(name) > 200]


def test_metrics_count_what_was_refused_and_what_failed(app, monkeypatch):
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        monkeypatch.setattr(app.state.services.history, "find", lambda *_: 1 / 0)
        client.get("/api/history")
        client.get("/health", headers={"host": "evil.example"})
        client.get("/docs/static/swagger-ui.css")
        found = numbers(client)
    assert found['zimage_http_requests_total{method="GET",route="/api/history",status="500"}'] == 1
    assert found['zimage_http_requests_total{method="GET",route="unmatched",status="421"}'] == 1
    assert not [name for name in found if "/api/docs" in name]


def test_metrics_are_text(shared):
    response = shared.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_capabilities(shared):
    answer = shared.get("/api/capabilities").json()
    assert answer["sizes"]["min_side"] == 256
    assert answer["sizes"]["default"] == {"width": 1024, "height": 1024}
    assert {"width": 896, "height": 1152} in answer["sizes"]["presets"]
    assert all(side % 16 == 0 for size in answer["sizes"]["presets"] for side in size.values())
    assert (answer["limits"]["max_pictures"], answer["limits"]["default_steps"]) == (16, 9)
    assert answer["features"]["login"] is False
    preprocessors = {one["kind"]: (one["available"], one["note"]) for one in answer["preprocessors"]}
    assert [kind for kind, (available, _) in preprocessors.items() if not available] == ["depth", "pose"]
    assert preprocessors["canny"] == preprocessors["finished"] == (True, "")
    assert "ZIMAGE_ANNOTATORS_DIR" in preprocessors["depth"][1]


def test_capabilities_name_the_models_that_make_control_images(client, settings):
    make_annotator(settings.annotators_dir / "near")
    answer = client.get("/api/capabilities").json()
    [depth] = [one for one in answer["preprocessors"] if one["kind"] == "depth"]
    assert depth == {"kind": "depth", "available": True, "note": "With near."}


def test_a_worker_that_has_died_is_told(client, services, monkeypatch):
    monkeypatch.setattr(type(services.tasks), "alive", False)
    assert client.get("/health").status_code == 503
    assert client.get("/health/ready").json()["checks"]["engine"] is False


def test_a_queue_that_cannot_be_stored_is_not_ready(client, services, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        assert client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256}).status_code == 507
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["checks"]["disk"]) == (503, False)
    assert client.get("/health/ready").status_code == 200


# -- workers -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(settings) -> Iterator[TestClient]:
    cards = with_cards("cuda:0", "cuda:1")
    settings = settings.model_copy(update={"devices": ("auto",)})
    app = create_app(settings, FakeEngine, hardware=lambda: cards)
    with TestClient(app, base_url="http://localhost") as client:
        wait_until(lambda: len(workers(client)) == 2)
        yield client


def workers(client: TestClient) -> list[dict[str, object]]:
    return client.get("/api/system/status").json()["workers"]


def test_the_workers_are_listed_with_what_they_hold_and_run(two):
    first, second = workers(two)
    assert [first["id"], second["id"]] == ["cuda:0", "cuda:1"]
    assert (second["state"], second["drained"], second["memory_gb"], second["task_id"]) == ("idle", False, 24.0, None)
    assert first["node"] == second["node"] != ""


def test_a_worker_is_drained_and_taken_back(two):
    drained = two.post("/api/system/workers/cuda:1/drain", json={"drain": True})
    assert (drained.status_code, drained.json()["drained"]) == (200, True)
    task = {"prompt": "a red apple", "height": 256, "width": 256}
    ids = [two.post("/api/generate", json=task).json()["task_id"] for _ in range(3)]
    status = [lambda task_id=task_id: two.get(f"/api/generate/{task_id}").json() for task_id in ids]
    wait_until(lambda: all(get()["status"] == "completed" for get in status))
    assert {get()["worker"] for get in status} == {"cuda:0"}
    assert two.post("/api/system/workers/cuda:1/drain", json={"drain": False}).json()["drained"] is False
    metrics = two.get("/metrics").text
    assert 'zimage_worker_tasks_total{status="completed",worker="cuda:0"} 3.0' in metrics
    assert 'zimage_worker_busy{worker="cuda:1"} 0.0' in metrics
    assert 'zimage_worker_up{node="' in metrics


def test_a_worker_that_is_not_there_is_a_404(two):
    answer = two.post("/api/system/workers/cuda:7/drain", json={"drain": True})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_fault_of_some_workers_leaves_it_alive(client, services, monkeypatch):
    fault = Fault(code="device_given_up", message="Taken out: a.", partial=True)
    monkeypatch.setattr(type(services.executor), "fault", fault)
    said = client.get("/health")
    assert (said.status_code, said.json()["status"], said.json()["message"]) == (200, "degraded", "Taken out: a.")
    assert client.get("/api/system/status").json()["fault"]["partial"] is True


def test_what_a_worker_runs_is_shown_to_whoever_may_see_it(settings):
    engine = FakeEngine()
    release = engine.pause_at(1)
    tokens = {"alice": "a" * 16, "bob": "b" * 16}
    own = settings.model_copy(update={"api_tokens": tokens, "history_per_token": True})
    with TestClient(create_app(own, lambda: engine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        alice, bob = ({"Authorization": f"Bearer {token}"} for token in tokens.values())
        body = {"prompt": "a red apple", "height": 256, "width": 256}
        task_id = client.post("/api/generate", json=body, headers=alice).json()["task_id"]
        wait_until(engine.paused.is_set)
        seen = [client.get("/api/system/status", headers=who).json()["workers"][0] for who in (alice, bob)]
        release()
    assert [(worker["state"], worker["task_id"]) for worker in seen] == [("busy", task_id), ("busy", None)]
