"""Whatever a client sends: a typed 4xx that does not repeat it, and never a 5xx."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from starlette.testclient import TestClient

from backend.api.errors import _STATUS_OF, present_error
from backend.services import errors

GOOD = {"prompt": "a red apple", "height": 256, "width": 256}
NAN = float("nan")


def assert_typed(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"code", "message", "fields"}
    assert error["code"] == code
    assert error["message"]
    assert all(set(field) == {"field", "message"} and all(field.values()) for field in error["fields"])
    return error


def send(client: TestClient, content: bytes, content_type: str | None = "application/json") -> Any:
    headers = {"content-type": content_type} if content_type else {}
    return client.post("/api/generate", content=content, headers=headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("height", "width", "num_inference_steps")
          for value in ("8", "512", True, 512.0, 8.5, None, [], {}, -512, 0, 10**30, NAN, float("inf"))],
        *[("height", value) for value in (255, 257, 240, 2049, 2064)],
        *[("num_inference_steps", value) for value in (51,)],
        *[("seed", value) for value in ("42", True, 42.0, -2, 2**53, 10**4000, NAN, [1])],
        *[("use_gpu", value) for value in ("true", 1, 0, None, "yes")],
        *[("prompt", value) for value in ("", "   \n\t ", None, 5, True, ["a"], "a\0b", "a\x1bb", "a\x7fb", "a\x85b",
                                          "x" * 4001, "x" * 10_000, "\r")],
        *[("model", value) for value in ("", None, 3, "x" * 101)],
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_a_field_that_cannot_be_is_named(shared, name, value):
    response = send(shared, json.dumps({**GOOD, name: value}).encode())

    error = assert_typed(response, 422, "validation_error")
    assert [field["field"] for field in error["fields"]] == [name]
    assert shared.get("/api/generate", params={"finished": True}).json() == {"tasks": []}


def test_the_nearest_sizes_are_told(shared):
    error = assert_typed(send(shared, json.dumps({**GOOD, "height": 1000}).encode()), 422, "validation_error")
    assert "992" in error["message"]
    assert "1008" in error["message"]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"loras": ["ink"]}, "loras.0", "This must be an object with name."),
        ({"upscale": "2"}, "upscale", "This must be an object with factor."),
        ({"outpaint": 64}, "outpaint", "This must be an object with top, "),
        ({"control": [5]}, "control.0", "This must be an object with "),
    ],
)
def test_where_an_object_belongs_its_fields_are_told(shared, values, field, words):
    error = assert_typed(send(shared, json.dumps({**GOOD, **values}).encode()), 422, "validation_error")
    assert [problem["field"] for problem in error["fields"]] == [field]
    assert error["fields"][0]["message"].startswith(words)
    assert "JSON" not in error["message"]


def test_a_body_that_is_no_object_is_told_the_header(shared):
    error = assert_typed(send(shared, b'{"prompt": "a"}', "text/plain"), 422, "validation_error")
    assert "Content-Type: application/json" in error["message"]


@pytest.mark.parametrize("prompt", ["字" * 4000, "x" * 4000, "a\nb\tc", "🦊", "á\u200b\u202e", "‮", "'; DROP TABLE--"])
def test_long_and_strange_prompts_are_prompts(client, finish, prompt):
    response = client.post("/api/generate", json={**GOOD, "prompt": prompt})
    assert finish(response.json()["task_id"])["result"]["prompt"] == prompt


def test_every_wrong_field_is_named_at_once(shared):
    body = {"prompt": "", "height": 1, "width": "x", "num_inference_steps": 0, "use_gpu": 1, "seed": -2, "foo": 1}
    error = assert_typed(shared.post("/api/generate", json=body), 422, "validation_error")
    assert {field["field"] for field in error["fields"]} == set(body)


@pytest.mark.parametrize("name", ["guidance", "Prompt", "__class__", "steps", "<b>", "x\ud800"])
def test_an_unknown_field_is_refused(shared, name):
    assert_typed(send(shared, json.dumps({**GOOD, name: 1}).encode()), 422, "validation_error")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "validation_error"),
        (b"{", 422, "validation_error"),
        (b"null", 422, "validation_error"),
        (b"[]", 422, "validation_error"),
        (b'"a"', 422, "validation_error"),
        (b"{}", 422, "validation_error"),
        (b"\xff\xfe\x00", 400, "bad_request"),
        (b'{"prompt": "\xff"}', 400, "bad_request"),
        (b'{"prompt": "a\\ud800b"}', 422, "validation_error"),
        (b'{"prompt": "a", "seed": ' + b"9" * 5000 + b"}", 400, "bad_request"),
        (b'{"prompt": "a", "seed": 1e999}', 422, "validation_error"),
        (b'{"prompt": "a", "seed": -Infinity}', 422, "validation_error"),
        (b"[" * 100_000, 400, "bad_request"),
        (b'{"prompt": "a", "model": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "bad_request"),
        (b'{"a":' * 50_000, 400, "bad_request"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_body_that_is_none(shared, content, status, code):
    assert_typed(send(shared, content), status, code)


@pytest.mark.parametrize("charset", ["", "; charset=iso-8859-1", "; charset=nonsense"])
@pytest.mark.parametrize("prompt", ["ein Füchslein".encode("latin-1"), "狐狸".encode("gb18030"), b"\xc3"])
def test_a_body_that_is_not_utf_8_says_so(shared, prompt, charset):
    error = assert_typed(send(shared, b'{"prompt": "%s"}' % prompt, f"application/json{charset}"), 400, "bad_request")
    assert "UTF-8" in error["message"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate, gzip", "GZIP", "nonsense"])
@pytest.mark.parametrize("path", ["/api/generate", "/api/history/read", "/api/history/bulk"])
def test_a_compressed_body_is_refused_as_such(shared, path, encoding):
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    response = shared.post(path, content=gzip.compress(json.dumps(GOOD).encode()), headers=headers)
    assert "Content-Encoding" in assert_typed(response, 415, "unsupported_media_type")["message"]
    assert response.headers["accept-encoding"] == "identity"


def test_a_body_that_says_that_it_is_not_compressed_is_read(client):
    headers = {"content-encoding": "identity", "content-type": "application/json"}
    assert client.post("/api/generate", content=json.dumps(GOOD), headers=headers).status_code == 202


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_of_another_type_is_refused_with_the_right_one(shared, content_type):
    """What a foreign web page may send without asking the browser's leave is none of these requests."""
    error = assert_typed(send(shared, json.dumps(GOOD).encode(), content_type), 422, "validation_error")
    assert "Content-Type: application/json" in error["message"]


def test_of_duplicate_keys_the_last_one_counts(client, finish):
    response = send(client, b'{"prompt": "first", "height": 256, "width": 256, "prompt": "last"}')
    assert finish(response.json()["task_id"])["request"]["prompt"] == "last"


def test_a_byte_order_mark_is_passed_over(client, finish):
    response = send(client, b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert finish(response.json()["task_id"])["status"] == "completed"


SECRET = "sesame-0815"


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "height": SECRET},
        {**GOOD, "seed": [SECRET]},
        {**GOOD, "prompt": SECRET + "\0"},
        {**GOOD, "prompt": SECRET * 1000},
        {**GOOD, "unknown": SECRET},
        [SECRET],
        SECRET,
    ],
)
def test_what_was_sent_is_not_repeated(shared, body):
    response = shared.post("/api/generate", json=body)
    assert response.status_code == 422
    assert SECRET not in response.text


def test_a_long_name_of_a_field_is_cut(shared):
    response = shared.post("/api/generate", json={**GOOD, "x" * 100_000: 1})
    assert_typed(response, 422, "validation_error")
    assert len(response.content) < 1000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["prompt", "height", "width", "num_inference_steps", "use_gpu", "seed", "model"]


@limits(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=7) | JSON)
def test_any_json_is_accepted_or_refused_with_a_reason(shared, body):
    response = send(shared, json.dumps(body).encode())
    if response.status_code != 202:
        assert_typed(response, 422, response.json()["error"]["code"])


@limits(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_with_a_reason(shared, content):
    response = send(shared, content)
    assert response.status_code in (400, 422)
    assert_typed(response, response.status_code, response.json()["error"]["code"])


# -- other addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/nothing", "/api/v1/models", "/api/download/a/b", "/..%2fetc"]
)
def test_an_address_that_is_none(shared, path):
    assert_typed(shared.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/generate"),
        ("POST", "/api/history"),
        ("PATCH", "/health"),
        ("POST", "/"),
        ("DELETE", "/api/models"),
    ],
)
def test_a_method_that_is_none(shared, method, path):
    response = shared.request(method, path)
    assert_typed(response, 405, "method_not_allowed")
    assert response.headers["allow"]


def test_a_fault_of_ours_is_a_typed_500_without_details(app, monkeypatch):
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        monkeypatch.setattr(app.state.services.history, "find", lambda *_: 1 / 0)
        response = client.get("/api/history")
    error = assert_typed(response, 500, "internal_error")
    assert "Zero" not in error["message"]


# -- the table --------------------------------------------------------------------------------------------------------

STATUS = {
    "UnknownTask": 404, "UnknownImage": 404, "TaskAlreadyFinished": 409, "QueueFull": 429, "DiskFull": 507,
    "UnknownAnnotator": 422,
    "UnknownModel": 422, "ModelNotInstalled": 422, "TaskNotRetryable": 409, "TaskNotWaiting": 409,
    "IdempotencyMismatch": 422, "TooMuchWork": 422, "NotInTrash": 409, "NoParameters": 422, "Draining": 503,
    "GuidanceUnused": 422, "NegativePromptUnused": 422, "UnknownDownload": 404, "UnknownWorker": 404,
    "ModelNotFound": 404, "DoesNotFit": 422, "UnknownPart": 422, "DownloadConflict": 409,
    "UnknownInput": 404, "UnreadableImage": 422, "InputRefused": 422,
    "UnknownControl": 422, "ControlUnusable": 422, "LoraUnusable": 422, "InputUnusable": 422, "CallbackRefused": 422,
    "LoraNotFound": 404, "LoraDamaged": 422, "LoraInUse": 409, "NameTaken": 409,
    "ModelInUse": 409, "NotOurs": 409, "RemovalFailed": 409,
    "WrongToken": 401, "TooManyAttempts": 429,
}  # fmt: skip


def test_every_status_of_the_domains_errors():
    assert {kind.__name__: status for kind, status in _STATUS_OF} == STATUS


@pytest.mark.parametrize(("code", "status"), [("lora_unusable", 422), ("input_unusable", 422), ("out_of_memory", 500)])
def test_an_error_with_which_a_task_ended_has_the_status_of_its_code(code, status):
    assert present_error(errors.StudioError.of(code, "It cannot be used.")).status_code == status


def test_every_error_of_the_domain_has_a_code_and_words():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.StudioError)]
    assert len(kinds) >= 14
    assert all(kind.code and kind.__doc__ for kind in kinds)
