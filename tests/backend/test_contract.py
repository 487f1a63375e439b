"""The design document's API and configuration sections against the served description, and values of live answers.

The tables below are the document's own, in another notation. Fields may be added to answers, never left out.
Live answers are built from the described models, so their fields are not looked at again.
"""

from __future__ import annotations

import json
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from backend.models.config import Settings
from tests.backend.fakes import wait_until
from tests.backend.regenerate_openapi import SNAPSHOT, contract, current_openapi

ROOT = Path(__file__).resolve().parents[2]

NUMBER = (int, float)
NULL = type(None)

IMAGE_INFO = {
    "id": str, "filename": str, "prompt": str, "width": int, "height": int, "num_inference_steps": int,
    "use_gpu": bool, "size_bytes": int, "created_at": str, "generation_time_ms": NUMBER,
}  # fmt: skip
TASK = {
    "task_id": str, "status": str, "progress": NUMBER, "total_steps": int, "current_step": int, "message": str,
    "result": (dict, NULL), "error": (str, NULL),
}  # fmt: skip
HISTORY = {"images": list, "total": int, "page": int, "page_size": int}
CPU = {"usage_percent": NUMBER, "cores": int, "frequency_mhz": NUMBER}
MEMORY = {"total_gb": NUMBER, "used_gb": NUMBER, "available_gb": NUMBER, "usage_percent": NUMBER}
GPU = {
    "available": bool, "name": (str, NULL), "memory_total_gb": (*NUMBER, NULL), "memory_used_gb": (*NUMBER, NULL),
    "usage_percent": (*NUMBER, NULL), "temperature": (*NUMBER, NULL),
}  # fmt: skip
DISK = {"path": str, "total_gb": NUMBER, "used_gb": NUMBER, "free_gb": NUMBER, "usage_percent": NUMBER}
SYSTEM = {"cpu": dict, "memory": dict, "gpu": (dict, NULL), "disk": dict, "timestamp": str}

ENDPOINTS = {
    ("get", "/health"): ("200", "Health"),
    ("get", "/"): ("200", "Root"),
    ("post", "/api/generate"): ("202", "TaskCreated"),
    ("get", "/api/generate/{task_id}"): ("200", "TaskStatus"),
    ("get", "/api/history"): ("200", "HistoryPage"),
    ("get", "/api/download/{image_id}"): ("200", None),
    ("get", "/api/images/latest"): ("200", "ImageInfo"),
    ("get", "/api/system/status"): ("200", "SystemStatus"),
}
SCHEMAS = {
    "ImageInfo": IMAGE_INFO, "TaskStatus": TASK, "HistoryPage": HISTORY, "CpuStatus": CPU, "MemoryStatus": MEMORY,
    "GpuStatus": GPU, "DiskStatus": DISK, "SystemStatus": SYSTEM, "TaskCreated": {"task_id": str},
    "Health": {"status": str, "service": str},
    "Root": {"message": str, "version": str, "docs": str, "health": str},
}  # fmt: skip
REQUEST = {
    "prompt": {"type": "string", "minLength": 1},
    "height": {"type": "integer", "default": 1024, "minimum": 256, "maximum": 2048},
    "width": {"type": "integer", "default": 1024, "minimum": 256, "maximum": 2048},
    "num_inference_steps": {"type": "integer", "default": 9, "minimum": 1, "maximum": 50},
    "use_gpu": {"type": "boolean", "default": True},
}
CONFIGURATION = {
    "base_dir": ROOT,
    "data_dir": ROOT / "data",
    "images_dir": ROOT / "data" / "images",
    "history_file": ROOT / "data" / "history.json",
    "model_name": "Tongyi-MAI/Z-Image-Turbo",
    "default_height": 1024,
    "default_width": 1024,
    "default_num_inference_steps": 9,
    "default_guidance_scale": 0.0,
    "default_seed": 42,
    "api_prefix": "/api",
    "task_timeout": 600,
}
JSON_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    NULL: "null",
}


def is_a_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


# -- the served description -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openapi(shared) -> dict[str, Any]:
    return shared.get("/openapi.json").json()


@pytest.mark.parametrize(("endpoint", "answer"), ENDPOINTS.items(), ids=lambda value: " ".join(map(str, value)))
def test_every_endpoint_is_described(openapi, endpoint, answer):
    method, path = endpoint
    status, schema = answer
    content = openapi["paths"][path][method]["responses"][status]["content"]
    if schema is None:
        assert "image/png" in content
    else:
        assert content["application/json"]["schema"] == {"$ref": f"#/components/schemas/{schema}"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_of_an_answer_is_described_with_its_type(openapi, name):
    schema = openapi["components"]["schemas"][name]
    for field, kinds in SCHEMAS[name].items():
        described = json.dumps(schema["properties"][field])
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        if kinds == NUMBER:
            kinds = (float,)
        for kind in set(kinds) - ({int} if float in kinds else set()):
            assert f'"{JSON_TYPES[kind]}"' in described or (kind in (dict, str) and "$ref" in described), (field, kind)
        assert ('"null"' in described) == (NULL in kinds), field


def test_every_field_of_the_request_is_described_with_default_and_bounds(openapi):
    schema = openapi["components"]["schemas"]["GenerateRequest"]
    assert schema["required"] == ["prompt"]
    assert schema["additionalProperties"] is False
    for field, facts in REQUEST.items():
        assert facts.items() <= schema["properties"][field].items(), field
    assert "default" not in schema["properties"]["prompt"]
    assert {"type": "null"} in schema["properties"]["seed"]["anyOf"]
    assert schema["properties"]["height"]["multipleOf"] == schema["properties"]["width"]["multipleOf"] == 16


def test_the_pages_parameters_are_described(openapi):
    parameters = {p["name"]: p["schema"] for p in openapi["paths"]["/api/history"]["get"]["parameters"]}
    assert (parameters["page"]["default"], parameters["page"]["minimum"]) == (1, 1)
    assert [parameters["page_size"][name] for name in ("default", "minimum", "maximum")] == [20, 1, 100]


def test_the_four_statuses_and_ours_are_described(openapi):
    assert set(openapi["components"]["schemas"]["Status"]["enum"]) == {
        "pending", "processing", "completed", "failed", "cancelled", "interrupted",
    }  # fmt: skip


def test_the_description_is_the_committed_one():
    """A change of the contract is a change of this file: python -m tests.backend.regenerate_openapi."""
    assert json.loads(SNAPSHOT.read_text("utf-8")) == contract(current_openapi())


def test_a_field_named_like_prose_is_of_the_contract():
    schema = {"title": "Thing", "properties": {"title": {"type": "string", "title": "Title"}}}

    assert contract(schema) == {"properties": {"title": {"type": "string"}}}


# -- live answers -----------------------------------------------------------------------------------------------------


def test_health_and_root(shared):
    assert shared.get("/health").json() == {"status": "healthy", "service": "Z-Image API"}
    assert shared.get("/").json() == {
        "message": "Z-Image API", "version": "1.0.0", "docs": "/docs", "health": "/health",
    }  # fmt: skip


def test_a_post_with_a_prompt_alone_takes_the_documents_defaults(client, finish):
    answer = client.post("/api/generate", json={"prompt": "A beautiful sunset"}).json()

    assert set(answer) == {"task_id"}
    request = finish(answer["task_id"])["request"]
    assert {name: facts["default"] for name, facts in REQUEST.items() if "default" in facts}.items() <= request.items()


def test_a_task_from_its_beginning_to_its_end(client, engine, post, finish):
    looks: list[dict[str, Any]] = []
    release = engine.pause_at(0)
    running = post()
    wait_until(engine.paused.is_set)
    task_id = post(seed=42)

    def look(_step: int) -> None:
        looks.append(client.get(f"/api/generate/{task_id}").json())

    look(0)
    assert (looks[0]["status"], looks[0]["progress"], looks[0]["current_step"]) == ("pending", 0, 0)
    release()
    finish(running)
    engine.watch = look
    looks.append(finish(task_id))

    for answer in looks:
        assert answer["total_steps"] == 9
        assert 0 <= answer["progress"] <= 100
        assert (answer["result"] is not None) == (answer["status"] == "completed") == (answer["progress"] == 100)
        assert answer["error"] is None
    progress = [answer["progress"] for answer in looks]
    assert progress == sorted(progress)


def test_a_failed_task_says_why(client, engine, post, finish):
    engine.errors[1] = RuntimeError("boom")
    task = finish(post())

    assert (task["status"], task["result"]) == ("failed", None)
    assert task["error"]
    assert task["progress"] < 100


def test_a_picture_everywhere_it_is_shown(client, post, finish):
    result = finish(post("一只红色的狐狸", seed=42))["result"]
    page = client.get("/api/history?page=1&page_size=20").json()
    latest = client.get("/api/images/latest").json()
    download = client.get(f"/api/download/{result['id']}")

    assert (page["total"], page["page"], page["page_size"]) == (1, 1, 20)
    assert page["images"] == [latest] == [result]
    assert (latest["prompt"], latest["num_inference_steps"], latest["seed"]) == ("一只红色的狐狸", 9, 42)
    assert latest["download_url"] == f"/api/download/{result['id']}"
    assert {"model", "seed", "device", "thumbnail_url"} <= set(latest)
    assert is_a_moment(latest["created_at"])
    assert download.headers["content-type"] == "image/png"
    assert len(download.content) == latest["size_bytes"]
    with Image.open(BytesIO(download.content)) as picture:
        assert (picture.format, *picture.size) == ("PNG", latest["width"], latest["height"])


# -- the configuration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGURATION)
def test_every_value_of_the_configuration_section(name):
    assert getattr(Settings(), name) == CONFIGURATION[name]


@pytest.mark.parametrize("port", [15001, 5173, 3000])
def test_the_origins_of_the_configuration_section(port):
    assert f"http://localhost:{port}" in Settings().cors_origins


def test_the_ports():
    assert (Settings().port, Settings().web_port) == (15000, 15001)
