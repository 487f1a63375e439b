"""The client against the API's own description: paths, fields of a request, fields of the answers."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from zimage_client import calls, types
from zimage_client.calls import Call
from zimage_client.drawing import FIELDS
from zimage_client.filters import FILTERS

API: dict[str, Any] = json.loads((Path(__file__).parents[1] / "backend/openapi.json").read_text("utf-8"))
SCHEMAS = API["components"]["schemas"]
CALLS: list[Call[Any]] = [
    calls.generate({}, None), calls.estimate({}), calls.task("1"), calls.tasks(True), calls.events("1"),
    calls.preview("1", 1), calls.cancel("1"), calls.retry("1"), calls.move("1", 0, None), calls.clear(),
    calls.cancel_waiting(), calls.history({}),
    calls.latest(), calls.download("1"), calls.link("1"), calls.change(["1"], "delete"), calls.delete_for_good("1"),
    calls.import_image("", b""), calls.upload("", b""), calls.mask_of({}), calls.models(), calls.download_model("1"),
    calls.cancel_model_download("1"), calls.unload_models(), calls.loras(None), calls.add_lora("", b""),
    calls.lora_preview("1"), calls.delete_lora("1"), calls.status(), calls.capabilities(),
    calls.readiness(), calls.drain_worker("1", True),
]  # fmt: skip
ANSWERS = {
    types.Image: "ImageInfo", types.Task: "TaskStatus", types.Timings: "Timings", types.HistoryPage: "HistoryPage",
    types.BulkResult: "BulkResult", types.Model: "ModelInfo", types.ModelDownload: "ModelDownload",
    types.ModelList: "ModelList", types.Estimate: "Estimate", types.Capabilities: "Capabilities",
    types.SystemStatus: "SystemStatus", types.Readiness: "Readiness", types.Input: "InputInfo",
    types.Lora: "LoraInfo", types.LoraList: "LoraList", types.LoraSuggestion: "LoraSuggestion",
    types.Worker: "WorkerStatus", types.ImageLink: "ImageLink",
}  # fmt: skip


def test_every_call_is_looked_at():
    functions = {name for name, value in vars(calls).items() if inspect.isfunction(value) and name[0] != "_"}
    made = {name for name in functions if vars(calls)[name].__module__ == calls.__name__} - {"new_key"}
    assert len(CALLS) == len(made)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_is_a_route_with_these_parameters(call):
    request = f"{call.method} {call.path}"
    routes = {
        f"{method.upper()} {path}": route for path, methods in API["paths"].items() for method, route in methods.items()
    }
    found = [route for name, route in routes.items() if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name), request)]
    assert found, request
    known = {parameter["name"] for route in found for parameter in route.get("parameters", ())}
    assert set(call.params) <= known


def test_every_field_of_a_request_is_an_option():
    assert set(SCHEMAS["GenerateRequest"]["properties"]) - FIELDS - {"prompt"} == set()


def test_every_filter_is_a_parameter_of_the_history_and_the_other_way_round():
    known = {parameter["name"] for parameter in API["paths"]["/api/history"]["get"]["parameters"]}
    assert {{"since": "from", "until": "to"}.get(name, name) for name in FILTERS} == known


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_every_field_that_is_read_is_one_that_is_sent(kind):
    """New fields of the API may wait in `raw`; one that has gone or is called otherwise would be a default for ever."""
    assert {field.name for field in fields(kind)} - set(SCHEMAS[ANSWERS[kind]]["properties"]) == {"raw"}
