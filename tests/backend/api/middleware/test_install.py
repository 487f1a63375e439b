"""What pages of other origins may send, those of the settings and no others."""

from __future__ import annotations

import pytest


@pytest.fixture
def ask(client):
    def ask(origin: str, method: str, *headers: str):
        named = {"Access-Control-Request-Headers": ", ".join(headers)} if headers else {}
        asked = {"Origin": origin, "Access-Control-Request-Method": method, **named}
        return client.options("/v1/images/generations", headers=asked)

    return ask


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_of_the_api_is_allowed(ask, settings, method):
    assert ask(settings.cors_origins[0], method).status_code == 200


@pytest.mark.parametrize("header", ["authorization", "idempotency-key", "mcp-session-id", "x-stainless-lang"])
def test_headers_of_clients_in_a_browser_are_allowed(ask, settings, header):
    assert ask(settings.cors_origins[0], "POST", "content-type", header).status_code == 200


def test_other_headers_and_other_origins_are_not(ask, settings):
    assert ask(settings.cors_origins[0], "POST", "x-secret").status_code == 400
    assert "access-control-allow-origin" not in ask("http://evil.example", "POST").headers
