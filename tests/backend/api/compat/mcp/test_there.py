"""The studio of a server elsewhere."""

from __future__ import annotations

import asyncio

import httpx
from zimage_client import AsyncClient

from backend.api.compat.mcp.there import RemoteStudio
from tests.backend.api.compat.mcp.talking import run, serving

BODY = {"prompt": "a fox", "width": 256, "height": 256}
OWN = {"history_per_token": True}


def urls_of(address: tuple[str, str]) -> list[str | None]:
    """Draws an image and returns its address, as the task and as the history tell it."""

    async def talk() -> list[str | None]:
        async with AsyncClient(*address) as client:
            studio = RemoteStudio(client, has_lasting_address=True)
            async with studio.drawing(BODY) as changes:
                task = [change async for change in changes][-1]
            found, _ = await studio.search("", 5)
            return [picture.url for picture in (*task.images, *found)]

    urls: list[str | None] = run(talk())
    return urls


def test_the_address_of_an_image_opens_without_the_token(settings, engine):
    with serving(settings, engine) as address:
        urls = urls_of(address)
        assert len(urls) == 2
        for url in urls:
            assert httpx.get(url, trust_env=False).headers["content-type"] == "image/png"


def test_where_each_token_has_its_own_images_the_address_needs_it(settings, engine):
    with serving(settings, engine, **OWN) as address:
        [url, _] = urls_of(address)
        assert httpx.get(url, trust_env=False).status_code == 401
        with_token = {"Authorization": f"Bearer {address[1]}"}
        assert httpx.get(url, headers=with_token, trust_env=False).status_code == 200


def test_an_older_server_gives_the_plain_address(settings, engine):
    def older(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/link"):
            return httpx.Response(404, json={"error": {"code": "not_found", "message": "No route has this path."}})
        image = {"id": "a" * 32, "download_url": f"/api/download/{'a' * 32}"}
        return httpx.Response(200, json={"images": [image], "total": 1, "page": 1, "page_size": 5})

    async def talk() -> str | None:
        async with AsyncClient("http://box:1", "t" * 16, transport=httpx.MockTransport(older)) as client:
            [picture], _ = await RemoteStudio(client, has_lasting_address=True).search("", 5)
            return picture.url

    assert asyncio.run(talk()) == f"http://box:1/api/download/{'a' * 32}"
