from __future__ import annotations

from backend.models.system import GpuStatus


def test_health(client):
    assert client.get("/health").json() == {"status": "healthy", "service": "Z-Image API"}


def test_root(client):
    assert client.get("/").json() == {
        "message": "Z-Image API", "version": "1.0.0", "docs": "/docs", "health": "/health",
    }  # fmt: skip


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
