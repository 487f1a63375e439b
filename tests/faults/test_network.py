"""Faults 21–35: whatever comes over the network, nobody gets in and nothing gets out."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from backend.models.config import Settings
from backend.models.recipe import MAX_SEED
from backend.models.schemas import GenerateRequest
from backend.services.errors import NoParameters, TooMuchWork
from backend.services.images.metadata.foreign import read_parameters
from backend.utils.log_format import TextFormatter
from tests.backend.fakes import a_picture, wait_until
from tests.backend.services.images.keeping import png_that_claims_a_size
from tests.faults.fuzz import fuzz

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"prompt": "a red apple", "height": 256, "width": 256}


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "OPTIONS"])
def test_fault_21_dns_rebinding(shared, method):
    for host in ("evil.example", "", "0.0.0.0", "127.1", "localhost.", "127.0.0.1.nip.io", "evil.example:15000"):
        assert shared.request(method, "/api/generate", headers={"host": host}).status_code == 421, host
    assert shared.request(method, "/health", headers={"host": "127.0.0.1:7"}).status_code != 421


def test_fault_22_csrf(shared):
    for headers in (
        {"origin": "null"}, {"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost:666"},
    ):  # fmt: skip
        for body in ({}, {"json": GOOD}, {"files": {"file": b"x"}}, {"data": {"prompt": "a"}}):
            assert shared.post("/api/generate", headers=headers, **body).status_code == 403, (headers, body)
    assert shared.get("/api/generate", params={"finished": True}).json() == {"tasks": []}


def test_fault_23_cors(shared):
    for origin, allowed in (("http://localhost:15001", True), ("http://localhost:15001.evil.example", False)):
        headers = shared.get("/health", headers={"origin": origin}).headers
        assert (headers.get("access-control-allow-origin") == origin) == allowed
        assert "access-control-allow-credentials" not in headers


def test_fault_24_bind(tmp_path):
    assert Settings().host == "127.0.0.1"
    for host in ("0.0.0.0", "::", "192.168.1.5", "box.example"):
        with pytest.raises(ValidationError, match="ZIMAGE_API_TOKEN"):
            Settings(host=host)
        assert Settings(host=host, api_token="0123456789abcdef").host == host


@pytest.mark.parametrize(
    "name",
    ["..", "%2e%2e", "%252e%252e%252f", "..%5c..%5cwin.ini", "%2fetc%2fpasswd", "%00", "a" * 32 + "%00", "CON", "C:",
     "....//", "%c0%ae%c0%ae", "history.json", "f" * 32],
)  # fmt: skip
def test_fault_25_path_traversal(client, settings, services, name):
    services.history.add(a_picture())
    before = sorted(settings.data_dir.rglob("*"))
    for method, path in (
        ("GET", "/api/download/{}"), ("GET", "/api/images/{}/thumbnail"), ("DELETE", "/api/history/{}"),
        ("PATCH", "/api/history/{}"), ("POST", "/api/history/{}/restore"), ("GET", "/api/generate/{}/preview"),
    ):  # fmt: skip
        response = client.request(method, path.format(name))
        assert response.status_code in (404, 405, 422), (method, path, response.status_code)
    assert sorted(settings.data_dir.rglob("*")) == before


def test_fault_26_stored_xss(client, post, finish):
    prompt = "<img src=x onerror=alert(1)>"
    image = finish(post(prompt))["result"]
    for path in ("/api/history", image["download_url"], image["thumbnail_url"]):
        response = client.get(path)
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "script-src" not in response.headers["content-security-policy"]
        assert response.headers["content-type"].split(";")[0] in ("application/json", "image/png", "image/webp")
    for upload in (b"<svg onload=alert(1)>", b"<html><script>", b"GIF89a"):
        assert client.post("/api/history/read", files={"file": ("x.svg", upload, "image/svg+xml")}).status_code == 422


def test_fault_27_uploads(shared):
    bomb = png_that_claims_a_size(50_000, 50_000) + zlib.compress(b"\0" * 1000)
    with pytest.raises(NoParameters):
        read_parameters(BytesIO(bomb))
    assert shared.post("/api/history/read", files={"file": b"\0" * (64 * 2**20 + 2**20)}).status_code == 413
    buffer = BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "TIFF")
    assert shared.post("/api/history/read", files={"file": buffer.getvalue()}).status_code == 422


def test_fault_28_bodies_headers_ranges(client, services):
    assert client.post("/api/generate", content=b"x" * 300_000).status_code == 413
    record = services.history.add(a_picture())
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000))
    response = client.get(f"/api/download/{record.id}", headers={"range": ranges})
    assert (response.status_code, len(response.content)) == (
        200,
        record.size_bytes,
    )


@pytest.mark.parametrize(
    "body",
    [b'{"prompt": "\\ud800"}', b'{"prompt": NaN}', b'{"prompt": "a", "seed": 1e999}', b'{"prompt": "a\\u0000b"}',
     b"[" * 100_000, b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}",
     b'{"prompt": "a", "seed": true}', b'{"prompt": "a", "height": "512"}', b'{"prompt": "a", "height": 512.0}',
     b'{"prompt": "\xff"}', b"", b"null"],
)  # fmt: skip
def test_fault_29_hostile_json(shared, body):
    response = shared.post("/api/generate", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.json()["error"]["code"] in ("bad_request", "validation_error")


def test_fault_29_a_byte_order_mark_is_no_harm(client):
    content = b'\xef\xbb\xbf{"prompt": "a", "height": 256, "width": 256}'
    response = client.post("/api/generate", content=content, headers={"content-type": "application/json"})
    assert response.status_code == 202


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_fault_29_any_request_that_can_be_thought_of(tmp_path, monkeypatch):
    """schemathesis; `python -m tests.faults.fuzz --cases 2000` sends more."""
    logging.disable(logging.CRITICAL)
    try:
        sent = fuzz(tmp_path, 4)
    finally:
        logging.disable(logging.NOTSET)
    assert len(sent) >= 28
    assert {"POST /v1/images/generations", "POST /v1/images/edits", "GET /v1/models"} <= sent.keys()
    assert sent.total() >= 150


@pytest.mark.parametrize(
    "values", [{"seed": MAX_SEED + 1}, {"height": 2064}, {"num_inference_steps": 51}, {"num_images": 17},
               {"prompt": "x" * 4001}],
)  # fmt: skip
def test_fault_30_work_size(values, services):
    with pytest.raises(ValidationError):
        GenerateRequest.model_validate({**GOOD, **values})
    most = {"prompt": "a", "height": 2048, "width": 2048, "num_inference_steps": 50, "num_images": 16}
    with pytest.raises(TooMuchWork):
        services.tasks.submit(GenerateRequest.model_validate(most))


def test_fault_31_weights():
    """No pickle, no code out of a model's folder: neither is anywhere in what is shipped."""
    sources = [*(ROOT / "backend").rglob("*.py"), *(ROOT / "Z-Image").rglob("*.py")]
    assert len(sources) > 50
    for source in sources:
        text = source.read_text("utf-8")
        assert not re.search(r"torch\.load\(|trust_remote_code=True|pickle\.loads?\(", text), source.name
    assert "use_safetensors=True" in (ROOT / "backend/services/generation/engines/loading.py").read_text()


def test_fault_32_no_address_and_no_path_is_taken(shared):
    text = json.dumps(shared.get("/openapi.json").json()["components"]["schemas"])
    assert '"format": "uri"' not in text
    for model in ("http://169.254.169.254/", "file:///etc/passwd", "../zimage-nano", "/etc", "a/b"):
        response = shared.post("/api/generate", json={**GOOD, "model": model})
        assert response.json()["error"]["code"] == "unknown_model"


def test_fault_33_streams_end(client, post, finish):
    """Only finished streams free one of a browser's six connections."""
    task_id = post()
    finish(task_id)
    text = client.get(f"/api/generate/{task_id}/events").text
    assert text.count("event: status") == 1


def test_fault_34_leaks(client, engine, post, finish, settings, caplog):
    secret, prompt = str(settings.data_dir), "a very private prompt"
    engine.errors[1] = RuntimeError(f"{secret} {prompt}")
    task = finish(post(prompt))
    shown = json.dumps({**task, "request": None})
    assert secret not in shown
    assert prompt not in shown
    for path in ("/api/nothing", f"/api/generate/{'0' * 32}", "/api/history?page=x"):
        assert secret not in client.get(path).text
    refused = client.post("/api/generate", json={"prompt": prompt, "width": 3})
    assert prompt not in refused.text
    logger = logging.LogRecord("backend", logging.INFO, "x", 1, "a\nb\r\x1b[31m", (), None)
    assert TextFormatter().format(logger).isprintable()


def test_fault_35_double_submit(client, engine):
    """The rest of this fault is the UI's, and tested there: down, slow, 429, restart, unmount."""
    release = engine.pause_at(1)
    bodies = [client.post("/api/generate", json=GOOD, headers={"Idempotency-Key": "click"}).json() for _ in range(2)]
    wait_until(engine.paused.is_set)
    assert bodies[0] == bodies[1]
    assert len(client.get("/api/generate").json()["tasks"]) == 1
    release()


def test_every_fault_has_its_test():
    names = " ".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert sorted(set(map(int, re.findall(r"def test_fault_(\d\d)_", names)))) == list(range(1, 36))


@pytest.mark.slow
def test_the_programs_of_the_long_runs_start():
    for name in ("fuzz", "kill_loop"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"tests.faults.{name}", "--help"],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
