from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.backend.fakes import a_picture

PAGE_NUMBERS_THAT_ARE_NONE = ["0", "-1", "x", "1.5", "", "9" * 5000, "1e3", "\0", "10000000000"]


@pytest.fixture
def pictures(services) -> list[str]:
    """Ids of 25 pictures, newest first."""
    return [services.history.add(a_picture(f"picture {n}")).id for n in range(25)][::-1]


def test_an_empty_history(client):
    assert client.get("/api/history").json() == {
        "images": [],
        "total": 0,
        "page": 1,
        "page_size": 20,
        "next_cursor": None,
    }
    response = client.get("/api/images/latest")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_twenty_a_page_newest_first(client, pictures):
    first, second = (client.get("/api/history", params={"page": page}).json() for page in (1, 2))

    assert [image["id"] for image in first["images"]] == pictures[:20]
    assert [image["id"] for image in second["images"]] == pictures[20:]
    assert (second["total"], second["page"], second["page_size"]) == (25, 2, 20)


@pytest.mark.parametrize(("page_size", "sizes"), [(1, [1, 1, 1]), (10, [10, 10, 5]), (100, [25, 0, 0])])
def test_page_sizes(client, pictures, page_size, sizes):
    pages = [client.get("/api/history", params={"page": n, "page_size": page_size}).json() for n in (1, 2, 3)]
    assert [len(page["images"]) for page in pages] == sizes
    assert {page["total"] for page in pages} == {25}


@pytest.mark.parametrize("value", PAGE_NUMBERS_THAT_ARE_NONE)
@pytest.mark.parametrize("name", ["page", "page_size"])
def test_a_page_that_is_none(shared, name, value):
    response = shared.get("/api/history", params={name: value})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")
    assert response.json()["error"]["fields"][0]["field"] == name


def test_at_most_a_hundred_a_page(client):
    assert client.get("/api/history", params={"page_size": 100}).status_code == 200
    assert client.get("/api/history", params={"page_size": 101}).status_code == 422


def test_the_latest(client, pictures):
    latest = client.get("/api/images/latest").json()
    assert latest["id"] == pictures[0]
    assert latest["download_url"] == f"/api/download/{pictures[0]}"
    assert latest["thumbnail_url"] == f"/api/images/{pictures[0]}/thumbnail"


def test_a_download_is_the_png_with_its_parameters(client, services):
    record = services.history.add(a_picture("一只红色的狐狸", seed=9))

    response = client.get(f"/api/download/{record.id}")

    assert response.headers["content-type"] == "image/png"
    assert record.filename in response.headers["content-disposition"]
    assert "immutable" in response.headers["cache-control"]
    assert len(response.content) == record.size_bytes
    with Image.open(BytesIO(response.content)) as picture:
        assert picture.info["parameters"].startswith("一只红色的狐狸\n")
        assert "Seed: 9" in picture.info["parameters"]


def test_a_link_is_the_plain_address_where_no_token_is_needed(client, pictures):
    response = client.get(f"/api/download/{pictures[0]}/link")

    assert response.json() == {"url": f"/api/download/{pictures[0]}", "expires_at": None}
    assert response.headers["cache-control"] == "no-store"
    assert client.get(f"/api/download/{'0' * 32}/link").status_code == 404


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a fox.png", 'filename*=utf-8\'\'a%20fox.png'), ("狐狸.png", "filename*=utf-8''%E7%8B%90%E7%8B%B8.png"),
     ("fox-9.png", 'filename="fox-9.png"')],
)  # fmt: skip
def test_a_download_has_the_name_that_is_wanted(client, pictures, name, expected):
    response = client.get(f"/api/download/{pictures[0]}", params={"name": name})
    assert response.headers["content-disposition"] == f"attachment; {expected}"


@pytest.mark.parametrize(
    "name", ["", ".png", "fox.exe", "a/fox.png", 'a".png', "a\nb.png", "..\\fox.png", "x" * 200 + ".png"]
)
def test_a_name_that_no_file_can_have(client, pictures, name):
    assert client.get(f"/api/download/{pictures[0]}", params={"name": name}).status_code == 422


def test_a_thumbnail_is_a_webp(client, pictures):
    response = client.get(f"/api/images/{pictures[0]}/thumbnail")

    assert response.headers["content-type"] == "image/webp"
    assert "immutable" in response.headers["cache-control"]
    with Image.open(BytesIO(response.content)) as thumbnail:
        assert thumbnail.format == "WEBP"


@pytest.mark.parametrize("width", [256, 512])
def test_a_thumbnail_of_a_width_that_is_offered(client, services, width):
    assert width in client.get("/api/capabilities").json()["thumbnail_widths"]
    url = f"/api/images/{services.history.add(a_picture(width=1024, height=512)).id}/thumbnail"

    response = client.get(url, params={"w": width})

    assert response.headers["cache-control"] == client.get(url).headers["cache-control"]
    with Image.open(BytesIO(response.content)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (width, width // 2))


@pytest.mark.parametrize("width", ["384", "0", "-256", "256.5", "x", ""])
def test_a_width_that_is_not_offered_is_told_which_are(client, pictures, width):
    response = client.get(f"/api/images/{pictures[0]}/thumbnail", params={"w": width})
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")
    assert "256 or 512" in response.json()["error"]["fields"][0]["message"]


def test_delete_moves_to_the_trash_and_restore_takes_it_back(client, pictures):
    before = client.get("/api/history", params={"page_size": 100}).json()
    for _ in range(2):  # the second one changes nothing
        response = client.delete(f"/api/history/{pictures[0]}")
        assert (response.status_code, response.content) == (204, b"")
    assert client.get("/api/images/latest").json()["id"] == pictures[1]
    assert client.get("/api/history").json()["total"] == 24
    trash = client.get("/api/history", params={"trash": True}).json()
    assert ([image["id"] for image in trash["images"]], trash["total"]) == ([pictures[0]], 1)
    assert trash["images"][0]["deleted_at"]
    assert client.get(f"/api/images/{pictures[0]}/thumbnail").status_code == 200

    restored = client.post(f"/api/history/{pictures[0]}/restore")

    assert (restored.status_code, restored.json()) == (200, before["images"][0])
    assert client.get("/api/history", params={"page_size": 100}).json() == before
    assert client.get("/api/history", params={"trash": True}).json()["total"] == 0


def test_only_the_trash_is_deleted_for_good(client, services, pictures):
    path = services.history.image_path(pictures[0])
    response = client.delete(f"/api/history/{pictures[0]}", params={"permanent": True})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "conflict")
    assert path.exists()

    client.delete(f"/api/history/{pictures[0]}")
    assert client.delete(f"/api/history/{pictures[0]}", params={"permanent": True}).status_code == 204

    assert not path.exists()
    for method, path in (
        ("DELETE", "/api/history/{}"), ("GET", "/api/download/{}"), ("GET", "/api/images/{}/thumbnail"),
        ("POST", "/api/history/{}/restore"), ("DELETE", "/api/history/{}?permanent=true"),
    ):  # fmt: skip
        response = client.request(method, path.format(pictures[0]))
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/history/{}", "/api/download/{}", "/api/images/{}/thumbnail"])
@pytest.mark.parametrize(
    "name",
    ["history.json", "..", "%2e%2e", "%252e%252e%252f", "..%5c..%5cwin.ini", "%00", "C:", "CON", "A" * 32, "g" * 32,
     "0" * 31, "0" * 33, "latest%0a", "a.png", "~root", "%e4%b8%80"],
)  # fmt: skip
def test_only_ids_reach_the_disk(shared, path, name):
    method = "DELETE" if path.startswith("/api/history") else "GET"
    response = shared.request(method, path.format(name))
    assert response.status_code in (404, 405, 422)
    assert response.json()["error"]["code"]


def test_a_picture_whose_file_is_gone_is_404_and_the_list_still_answers(client, services, pictures):
    services.history.image_path(pictures[0]).unlink()

    assert client.get(f"/api/download/{pictures[0]}").status_code == 404
    assert client.get("/api/history").status_code == 200


def test_a_delete_that_the_disk_refuses_is_507_and_keeps_the_picture(client, pictures, monkeypatch):
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        response = client.delete(f"/api/history/{pictures[3]}")

    assert (response.status_code, response.json()["error"]["code"]) == (507, "insufficient_storage")
    assert [image["id"] for image in client.get("/api/history").json()["images"]] == pictures[:20]
    assert client.get(f"/api/download/{pictures[3]}").status_code == 200


def test_ten_thousand_ranges_are_not_served_one_by_one(client, pictures):
    ranges = ",".join(f"{n}-{n}" for n in range(10_000))
    response = client.get(f"/api/download/{pictures[0]}", headers={"range": f"bytes={ranges}"})
    assert response.status_code in (200, 206, 400, 416)
    assert len(response.content) < 3_000_000
