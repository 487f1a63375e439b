"""How many ranges one request may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from backend.api.middleware.range import RangeGuard
from tests.backend.api.middleware.running import run
from tests.backend.fakes import a_picture


@pytest.mark.parametrize(("count", "kept"), [(1, True), (8, True), (9, False), (10_000, False)])
def test_many_ranges_are_none(count, kept):
    seen: list[Any] = []

    async def app(scope, receive, send) -> None:
        seen.append(dict(scope["headers"]).get(b"range"))

    header = "bytes=" + ",".join(f"{n}-{n}" for n in range(count))
    run(RangeGuard(app), [], {"range": header})
    assert seen == [header.encode() if kept else None]


def test_one_range_of_a_picture_is_served(client, services):
    record = services.history.add(a_picture())
    response = client.get(f"/api/download/{record.id}", headers={"range": "bytes=1-3"})
    assert (response.status_code, response.content) == (206, b"PNG")
