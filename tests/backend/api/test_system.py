from __future__ import annotations

import shutil

from starlette.testclient import TestClient

from backend.models.system import GpuStatus
from backend.services.tasks.store import Journal
from tests.backend.fakes import wait_until


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
