"""`zimage doctor`."""

from __future__ import annotations

import json

import httpx
import pytest
from zimage_client.cli import local

from tests.backend.fakes import wait_until


def rows_of(ended) -> dict[str, str]:
    return {row["check"]: row["state"] for row in json.loads(ended.out)}


@pytest.fixture(autouse=True)
def a_machine_without_faults(monkeypatch):
    from backend.tools.doctor import Finding

    monkeypatch.setattr(local, "examine", lambda: [Finding("disk", "ok", "Much.")])


def test_all_is_well(zimage, on_server, client):
    wait_until(lambda: client.readiness().is_ready, "readiness")
    ended = zimage("doctor", "--json")
    assert ended.code == 0
    assert rows_of(ended) == {"python": "ok", "disk": "ok", "server": "ok", "token": "ok"}
    assert zimage("doctor").lines[1] == "   ok  disk: Much."


def test_a_wrong_token_is_a_problem(zimage, on_server, client, monkeypatch):
    wait_until(lambda: client.readiness().is_ready, "readiness")
    monkeypatch.setenv("ZIMAGE_API_TOKEN", "wrong")
    ended = zimage("doctor", "--json")
    assert ended.code == 1
    assert rows_of(ended)["token"] == "problem"
    assert "ZIMAGE_API_TOKEN" in zimage("doctor").out


def test_a_fault_of_the_machine_is_a_problem_with_help(zimage, on_server, monkeypatch):
    from backend.tools.doctor import Finding

    monkeypatch.setattr(local, "examine", lambda: [Finding("disk", "problem", "Full.", "Empty the trash.")])
    ended = zimage("doctor")
    assert ended.code == 1
    assert "WRONG  disk: Full. Empty the trash." in ended.out


def test_a_server_is_missed_only_where_one_is_named(zimage):
    assert rows_of(zimage("doctor", "--json"))["server"] in ("note", "ok")
    ended = zimage("doctor", "--json", "--server", "http://127.0.0.1:9")
    assert (ended.code, rows_of(ended)["server"]) == (1, "problem")


def test_a_server_that_takes_no_tasks_says_why(zimage, monkeypatch):
    from zimage_client import Client
    from zimage_client.cli import doctor

    body = {"status": "not ready", "checks": {"disk": False, "engine": True}}

    def open_client(url, **options):
        return Client(url, transport=httpx.MockTransport(lambda request: httpx.Response(503, json=body)), **options)

    monkeypatch.setattr(doctor, "Client", open_client)
    ended = zimage("doctor", "--server", "http://box")
    assert ended.code == 1
    assert "takes no tasks: disk. Free some space" in ended.out


def test_the_client_alone_leaves_the_machine_out(zimage, on_server, monkeypatch):
    monkeypatch.setattr(local, "has_backend", lambda: False)
    assert rows_of(zimage("doctor", "--json"))["machine"] == "note"
