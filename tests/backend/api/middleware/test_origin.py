from __future__ import annotations

import pytest

HOME = "http://localhost:15001"


@pytest.mark.parametrize("origin", [HOME, "http://localhost:5173", "http://localhost:3000"])
def test_the_listed_origins_may_call(shared, origin):
    preflight = shared.options(
        "/api/generate",
        headers={"origin": origin, "access-control-request-method": "POST",
                 "access-control-request-headers": "content-type"},
    )  # fmt: skip
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin)
    answer = shared.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256}, headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Location" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:15001.evil.example", "http://localhost"]
)
def test_no_other_origin_does(shared, origin):
    preflight = shared.options("/api/generate", headers={"origin": origin, "access-control-request-method": "POST"})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in shared.get("/health", headers={"origin": origin}).headers


ORIGINS = {
    None: True, HOME: True, "http://localhost:5173": True, "http://localhost": True, "null": False,
    "http://evil.example": False, "http://localhost.evil.example": False, "https://localhost:15002": False,
}  # fmt: skip

SITES = {None: None, "same-origin": True, "none": True, "same-site": False, "cross-site": False, "strange": False}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    "body", [{}, {"json": {"ids": []}}, {"data": {"a": "b"}}, {"files": {"file": b"x"}}, {"content": b"{}"}],
    ids=["bodyless", "json", "form", "multipart", "plain"],
)  # fmt: skip
def test_csrf_matrix(shared, origin, site, body):
    """A listed origin may; else the browser's own word counts, and without one the origin must be ours or missing."""
    listed = origin in (HOME, "http://localhost:5173")
    allowed = listed or (ORIGINS[origin] if SITES[site] is None else SITES[site])
    headers = {name: value for name, value in (("origin", origin), ("sec-fetch-site", site)) if value is not None}

    for method in ("POST", "PATCH", "DELETE", "PUT") if not body else ("POST",):
        response = shared.request(method, "/api/history/bulk", headers=headers, **body)
        assert (response.status_code != 403) == allowed, (method, response.text)
        if not allowed:
            assert response.json()["error"]["code"] == "wrong_origin"
    assert body or shared.get("/api/history", headers=headers).status_code == 200


def test_gets_change_nothing(shared):
    before = shared.get("/api/generate", params={"finished": True}).json()
    for path in ("/api/generate", f"/api/generate/{'0' * 32}/retry", "/api/history/bulk", "/api/tokens"):
        shared.get(path)
    assert shared.get("/api/generate", params={"finished": True}).json() == before
