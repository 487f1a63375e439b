from __future__ import annotations

import pytest
from pydantic import ValidationError

from backend.models.loras import LoraRequest
from backend.models.recipe import LoraUse
from tests.backend.fakes import a_request

SHA256 = "5d" * 32


def test_what_a_record_has_can_be_sent_back():
    use = LoraUse(name="ink", strength=-0.5, start=0.1, end=0.9, sha256=SHA256, short_hash="0c4199e1bfdc")
    assert LoraRequest.model_validate(use.model_dump()).model_dump() == use.model_dump()
    assert LoraRequest.model_validate(LoraUse(name="ink").model_dump()) == LoraRequest(name="ink")


def test_a_request_without_any_is_as_it_was():
    assert "loras" not in a_request().model_dump()
    assert a_request(loras=[{"name": "ink"}]).model_dump()["loras"] == [
        {"name": "ink", "strength": 1.0, "start": 0.0, "end": 1.0}
    ]


@pytest.mark.parametrize(
    "values",
    [
        {}, {"name": ""}, {"name": "x" * 256}, {"name": 3}, {"name": "a", "strength": "1"},
        {"name": "a", "strength": 11},
        {"name": "a", "strength": float("nan")}, {"name": "a", "start": 1}, {"name": "a", "end": 0},
        {"name": "a", "start": 0.6, "end": 0.5}, {"name": "a", "sha256": "x"}, {"name": "a", "sha256": SHA256.upper()},
        {"name": "a", "short_hash": "0c41"}, {"name": "a", "weight": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(values):
    with pytest.raises(ValidationError):
        LoraRequest.model_validate(values)
