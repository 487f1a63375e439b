"""Search, favourites, tags, many at once, archives, and pictures of other programs."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, time, timedelta
from io import BytesIO

import pytest

from tests.backend.fakes import a_picture


@pytest.fixture
def pictures(services) -> list[str]:
    """Ids of five pictures, newest first."""
    return [services.history.add(a_picture(f"picture {n}")).id for n in range(5)][::-1]


def ids(client, **query: object) -> list[str]:
    response = client.get("/api/history", params=query)
    assert response.status_code == 200, response.text
    return [image["id"] for image in response.json()["images"]]


def test_favourites_and_tags(client, pictures):
    changed = client.patch(f"/api/history/{pictures[1]}", json={"favourite": True, "tags": ["  best  of ", "狐狸"]})

    assert changed.status_code == 200
    assert (changed.json()["favourite"], changed.json()["tags"]) == (True, ["best of", "狐狸"])
    assert ids(client, favourite=True) == ids(client, tag="Best Of") == ids(client, q="狐狸") == [pictures[1]]
    unchanged = client.patch(f"/api/history/{pictures[1]}", json={}).json()
    assert unchanged == changed.json()
    assert client.patch(f"/api/history/{pictures[1]}", json={"tags": []}).json()["tags"] == []
    assert client.patch(f"/api/history/{'0' * 32}", json={"favourite": True}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"favourite": 1}, {"tags": "a"}, {"tags": [""]}, {"tags": ["a\0b"]}, {"tags": ["x" * 51]},
     {"tags": [str(n) for n in range(21)]}, {"prompt": "another"}, []],
)  # fmt: skip
def test_a_change_that_cannot_be(client, pictures, body):
    response = client.patch(f"/api/history/{pictures[0]}", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "picture 3"}, [1]),
        ({"sort": "oldest", "page_size": 2}, [4, 3]),
        ({"from": "2000-01-01", "to": "9999-12-31", "page_size": 1}, [0]),
        ({"to": "2000-01-01"}, []),
        ({"from": "2000-01-01T00:00:00Z", "min_side": 64, "max_side": 64, "page_size": 1}, [0]),
        ({"min_side": 65}, []),
        ({"model": "zimage-nano", "page_size": 1}, [0]),
        ({"model": "other"}, []),
        ({"favourite": True}, []),
    ],
)
def test_queries(client, pictures, query, found):
    assert ids(client, **query) == [pictures[n] for n in found]


@pytest.mark.parametrize(
    "query",
    [{"sort": "best"}, {"after": "x"}, {"after": "1-" + "g" * 32}, {"from": "yesterday"}, {"favourite": "maybe"},
     {"min_side": 0}, {"q": "x" * 201}, {"trash": "2"}],
)  # fmt: skip
def test_a_query_that_cannot_be(shared, query):
    response = shared.get("/api/history", params=query)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")


def test_pages_by_cursor(client, pictures):
    first = client.get("/api/history", params={"page_size": 2}).json()
    rest = client.get("/api/history", params={"page_size": 5, "after": first["next_cursor"]}).json()
    assert [image["id"] for image in first["images"] + rest["images"]] == pictures
    assert (rest["next_cursor"], rest["total"]) == (None, 5)


def test_the_last_day_of_a_query_is_included(client, services, pictures):
    day = services.history.get(pictures[0]).created_at.date()
    services.history.change(
        pictures, lambda record: record.model_copy(update={"created_at": datetime.combine(day, time(23, 59), UTC)})
    )
    assert ids(client, **{"from": str(day), "to": str(day)}) == pictures
    assert ids(client, to=str(day - timedelta(days=1))) == []
    assert ids(client, to=f"{day}T00:00:00Z") == []


# -- many at once -----------------------------------------------------------------------------------------------------


def bulk(client, picture_ids, action, **values) -> dict:
    response = client.post("/api/history/bulk", json={"ids": picture_ids, "action": action, **values})
    assert response.status_code == 200, response.text
    return response.json()


def test_many_at_once(client, pictures):
    unknown = "0" * 32

    assert bulk(client, [pictures[2], unknown, pictures[0], pictures[2]], "delete") == {
        "done": [pictures[2], pictures[0]], "missing": [unknown],
    }  # fmt: skip
    assert ids(client) == [pictures[1], pictures[3], pictures[4]]
    bulk(client, [pictures[0]], "restore")
    bulk(client, pictures[:2], "favourite")
    bulk(client, [pictures[1]], "unfavourite")
    assert ids(client, favourite=True) == [pictures[0]]
    bulk(client, pictures[:2], "tag", tag="x")
    bulk(client, [pictures[0]], "untag", tag="X")
    assert ids(client, tag="x") == [pictures[1]]
    assert bulk(client, [unknown, "nope"], "favourite") == {"done": [], "missing": [unknown, "nope"]}


@pytest.mark.parametrize(
    "body",
    [{"ids": [], "action": "delete"}, {"ids": ["x" * 101], "action": "delete"}, {"ids": ["0" * 32], "action": "burn"},
     {"ids": ["0" * 32], "action": "tag"}, {"ids": ["0" * 32], "action": "delete", "tag": "x"},
     {"ids": ["0" * 32] * 1001, "action": "delete"}, {"ids": ["0" * 32], "action": "tag", "tag": " "}],
)  # fmt: skip
def test_a_bulk_that_cannot_be(shared, body):
    response = shared.post("/api/history/bulk", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")


def test_an_archive_of_pictures(client, services, pictures):
    response = client.post("/api/history/export", json={"ids": [pictures[3], "0" * 32, pictures[1]]})

    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        paths = [services.history.image_path(pictures[n]) for n in (3, 1)]
        assert archive.namelist() == [path.name for path in paths]
        assert [archive.read(path.name) for path in paths] == [path.read_bytes() for path in paths]
    assert client.post("/api/history/export", json={"ids": ["0" * 32]}).status_code == 404


def test_an_archive_with_names(client, services, pictures):
    ids = pictures[:3]
    names = dict.fromkeys(ids[:2], "a fox.png")

    response = client.post("/api/history/export", json={"ids": ids, "names": names})

    with zipfile.ZipFile(BytesIO(response.content)) as archive:
        assert archive.namelist() == ["a fox.png", "a fox-2.png", services.history.image_path(ids[2]).name]
    refused = client.post("/api/history/export", json={"ids": ids, "names": {ids[0]: "../fox.png"}})
    assert refused.status_code == 422


# -- parameters -------------------------------------------------------------------------------------------------------


def test_our_own_picture_tells_its_parameters(client, services):
    record = services.history.add(a_picture("一只红色的狐狸", seed=9))
    content = services.history.image_path(record.id).read_bytes()

    response = client.post("/api/history/read", files={"file": ("x.png", content, "image/png")})

    assert response.status_code == 200
    assert response.json()["source"] == "zimage"
    assert response.json()["parameters"] == {
        "prompt": "一只红色的狐狸", "negative_prompt": None, "width": 64, "height": 48, "num_inference_steps": 9,
        "seed": 9, "guidance_scale": 0.0, "shift": None, "model": "zimage-nano", "loras": None,
    }  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"GIF89a" + b"\0" * 20])
def test_what_carries_none_is_422(shared, content):
    response = shared.post("/api/history/read", files={"file": ("../../x.png", content, "image/png")})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "no_parameters")
    assert response.json()["error"]["fields"][0]["field"] == "file"


def test_a_file_must_be_sent(shared):
    assert shared.post("/api/history/read").status_code == 422
    assert shared.post("/api/history/read", data={"file": "text"}).status_code == 422


# -- import -----------------------------------------------------------------------------------------------------------


def test_a_picture_is_imported_once(client, services):
    record = services.history.add(a_picture("一只红色的狐狸", seed=9))
    content = services.history.image_path(record.id).read_bytes()
    before = client.get("/api/images/latest").json()
    client.delete(f"/api/history/{record.id}")
    client.delete(f"/api/history/{record.id}", params={"permanent": True})

    first, second = (
        client.post("/api/history/import", files={"file": ("x.png", content, "image/png")}) for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == client.get("/api/images/latest").json() == before
    assert client.get(first.json()["download_url"]).status_code == 200


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"GIF89a" + b"\0" * 20])
def test_what_cannot_be_imported_is_422_at_the_file(shared, content):
    response = shared.post("/api/history/import", files={"file": ("../../x.png", content, "image/png")})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "no_parameters")
    assert response.json()["error"]["fields"][0]["field"] == "file"


@pytest.mark.parametrize("path", ["read", "import"])
def test_a_picture_may_be_larger_than_other_bodies_but_not_by_any_size(shared, path):
    def post(size: int) -> int:
        return shared.post(f"/api/history/{path}", files={"file": ("x.png", bytes(size), "image/png")}).status_code

    settings = shared.app.state.services.settings
    assert [post(settings.max_body_kb * 2**10 + 1), post(settings.max_upload_mb * 2**20)] == [422, 413]
