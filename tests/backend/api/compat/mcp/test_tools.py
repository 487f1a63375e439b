"""The tools as hosts of language models use them, in both eras of the protocol, over HTTP."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from collections.abc import Iterator

import httpx
import pytest
from mcp import types
from mcp.shared.exceptions import MCPError
from PIL import Image

from backend.models.config import Settings
from tests.backend.api.compat.mcp.talking import ERAS, connected, of_kind, run, serving, text_of
from tests.backend.fakes import PATIENCE_S, FakeEngine, colour_of

SMALL = {"width": 256, "height": 256}


@pytest.fixture
def address(settings: Settings, engine: FakeEngine) -> Iterator[tuple[str, str]]:
    with serving(settings, engine) as address:
        yield address


def a_png(colour: str = "red", size: tuple[int, int] = (256, 256)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(block: types.ImageContent) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(block.data)))


@pytest.mark.parametrize("mode", ERAS)
def test_an_image_is_drawn_with_progress_a_small_picture_a_link_and_data(address, engine, mode):
    first_is_told = threading.Event()
    engine.watch = lambda _step: len(engine.requests) == 2 and first_is_told.wait(PATIENCE_S)

    async def talk():
        seen: list[tuple[float, float | None, str | None]] = []

        async def progress(done: float, total: float | None, message: str | None) -> None:
            seen.append((done, total, message))
            if done == 9:
                first_is_told.set()

        async with connected(*address, mode) as client:
            wanted = {"prompt": "a red fox", "seed": 7, "num_images": 2, **SMALL}
            result = await client.call_tool("generate", wanted, progress_callback=progress)
            [first, _] = of_kind(result, types.ImageContent)
            [link, _] = of_kind(result, types.ResourceLink)
            contents = (await client.read_resource(link.uri)).contents[0]
            url = result.structured_content["images"][0]["url"]  # it opens without the token
            return seen, result, first, link, contents, await asyncio.to_thread(httpx.get, url, trust_env=False)

    seen, result, first, link, contents, answer = run(talk())
    opened = answer.raise_for_status().content
    assert not result.is_error
    assert [message.partition(";")[0] for done, _, message in seen if done == 9] == ["Picture 1 of 2: step 9 of 9"]
    steps = [done for done, _, _ in seen]
    assert steps == sorted(set(steps))
    assert steps[-1] == seen[-1][1] == 18
    data = result.structured_content
    assert [(image["seed"], image["width"], image["model"]) for image in data["images"]] == [
        (7, 256, "zimage-nano"), (8, 256, "zimage-nano"),
    ]  # fmt: skip
    assert data["status"] == "completed"
    assert first.mime_type == "image/webp"
    assert pixels(first).format == "WEBP"
    assert link.uri == data["images"][0]["uri"] == f"zimage://image/{data['images'][0]['id']}"
    png = base64.b64decode(contents.blob)
    assert (contents.mime_type, len(png)) == ("image/png", link.size)
    with Image.open(io.BytesIO(png)) as image:
        assert image.getpixel((0, 0)) == colour_of("a red fox", 7, 1, 1).getpixel((0, 0))
        assert "a red fox" in json.dumps(image.info)
    assert png == opened
    assert data["images"][0]["url"] in text_of(result)
    assert "seed 7" in text_of(result)


@pytest.mark.parametrize("mode", ERAS)
def test_a_cancelled_call_cancels_its_task(address, engine: FakeEngine, mode):
    go_on = engine.pause_at(3)

    async def talk():
        async with connected(*address, mode) as client:
            call = asyncio.ensure_future(client.call_tool("generate", {"prompt": "an owl", **SMALL}))
            await asyncio.to_thread(engine.paused.wait, 10)
            [task] = (await client.call_tool("status", {})).structured_content["tasks"]
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            for _ in range(500):
                seen = (await client.call_tool("status", {"task_id": task["task_id"]})).structured_content
                if seen["message"] == "Cancelling":
                    break
                await asyncio.sleep(0.01)
            go_on()
            return await client.call_tool("status", {"task_id": task["task_id"], "wait_seconds": 10})

    ended = run(talk())
    assert ended.structured_content["status"] == "cancelled"
    assert ended.is_error
    assert engine.decoded == []


def test_a_task_can_be_left_alone_looked_at_waited_for_and_cancelled(address, engine: FakeEngine):
    go_on = engine.pause_at(2)

    async def talk():
        async with connected(*address) as client:
            begun = await client.call_tool("generate", {"prompt": "a slow owl", "wait": False, **SMALL})
            waiting = await client.call_tool("generate", {"prompt": "another", "wait": False, **SMALL})
            await asyncio.to_thread(engine.paused.wait, 10)
            listed = await client.call_tool("status", {})
            looked = await client.call_tool("status", {"task_id": begun.structured_content["task_id"]})
            gone = await client.call_tool("cancel", {"task_id": waiting.structured_content["task_id"]})
            again = await client.call_tool("cancel", {"task_id": waiting.structured_content["task_id"]})
            go_on()
            ended = await client.call_tool(
                "status", {"task_id": begun.structured_content["task_id"], "wait_seconds": 20}
            )
            return begun, waiting.structured_content["task_id"], listed, looked, gone, again, ended

    begun, waiting, listed, looked, gone, again, ended = run(talk())
    assert begun.structured_content["images"] == []
    assert [task["status"] for task in listed.structured_content["tasks"]] == ["processing", "pending"]
    assert f"{waiting}: waits." in text_of(listed)
    assert looked.structured_content["status"] == "processing"
    assert not looked.is_error
    assert gone.structured_content["status"] == "cancelled"
    assert not gone.is_error
    assert again.is_error
    assert "cancelled already" in text_of(again)
    assert ended.structured_content["status"] == "completed"
    assert len(of_kind(ended, types.ImageContent)) == 1


@pytest.mark.parametrize("form", ["image id", "uri", "data uri", "base64"])
def test_an_image_is_edited_whatever_names_it(address, engine: FakeEngine, form):
    async def talk():
        async with connected(*address) as client:
            drawn = await client.call_tool("generate", {"prompt": "a fox", **SMALL})
            [image] = drawn.structured_content["images"]
            encoded = base64.b64encode(a_png()).decode()
            named = {
                "image id": image["id"],
                "uri": image["uri"],
                "data uri": f"data:image/png;base64,{encoded}",
                "base64": f"{encoded[:40]}\n{encoded[40:]}",
            }[form]
            mask = base64.b64encode(a_png("white")).decode()
            wanted = {"image": named, "prompt": "a wolf", "strength": 0.5, "mask": mask, "feather": 4}
            return await client.call_tool("edit", wanted)

    result = run(talk())
    assert not result.is_error, text_of(result)
    recipe = engine.requests[-1]
    assert (recipe.prompt, recipe.strength, recipe.feather) == ("a wolf", 0.5, 4)
    assert recipe.init_image is not None
    assert recipe.mask is not None


def test_an_edit_extends_and_enlarges(address, engine: FakeEngine):
    async def talk():
        async with connected(*address) as client:
            image = base64.b64encode(a_png()).decode()
            wider = await client.call_tool("edit", {"image": image, "prompt": "a valley", "left": 64, "right": 64})
            larger = await client.call_tool("edit", {"image": image, "prompt": "a valley", "upscale": 2})
            return wider, larger

    wider, larger = run(talk())
    assert not wider.is_error, text_of(wider)
    assert not larger.is_error, text_of(larger)
    outpaint, upscale = engine.requests[0].outpaint, engine.requests[1].upscale
    assert (outpaint.left, outpaint.right, outpaint.top) == (64, 64, 0)
    assert (upscale.width, upscale.height) == (512, 512)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("generate", {}, "prompt: This is required."),
        ("generate", {"prompt": "a fox", "width": 250}, "width:"),
        ("generate", {"prompt": "a fox", "width": 260}, "the nearest valid values are 256 and 272"),
        ("generate", {"prompt": " "}, "blank"),
        ("generate", {"prompt": "a fox", "model": "none"}, "none"),
        ("generate", {"prompt": "a fox", "negative_prompt": "rain"}, "takes no negative prompt"),
        ("generate", {"prompt": "a fox", "num_images": 9}, "num_images"),
        ("generate", {"prompt": "a fox", "cfg": 3}, "cfg: There is no such field."),
        ("edit", {"prompt": "a fox", "image": "no image!"}, "neither the id of an image"),
        ("edit", {"prompt": "a fox", "image": "0" * 32}, "There is no picture with this id"),
        ("edit", {"prompt": "a fox", "image": base64.b64encode(b"no image").decode()}, "PNG, JPEG, WebP"),
        ("generate", {"prompt": "a fox", "loras": ["ink"]}, "loras.0: This must be an object with name."),
        ("generate", {"prompt": "a fox", "loras": [{"name": "x", "strength": 11}]}, "less than or equal to 10"),
        ("status", {"task_id": "0" * 32}, "There is no task with this id"),
        ("status", {"task_id": "7"}, "task_id"),
        ("cancel", {"task_id": "0" * 32}, "There is no task with this id"),
    ],
)
def test_what_is_refused_is_said_to_the_model(address, tool, arguments, words):
    async def talk():
        async with connected(*address) as client:
            return await client.call_tool(tool, arguments)

    result = run(talk())
    assert result.is_error
    assert words in text_of(result)


def test_a_failed_task_is_an_error_with_its_reason(address, engine: FakeEngine):
    engine.errors = {2: RuntimeError("secret of the card")}

    async def talk():
        async with connected(*address) as client:
            return await client.call_tool("generate", {"prompt": "a fox", **SMALL})

    result = run(talk())
    assert result.is_error
    assert "unexpected error" in text_of(result)
    assert "secret" not in text_of(result)
    assert result.structured_content["status"] == "failed"


def test_the_history_is_searched_and_listed_as_resources(address):
    async def talk():
        async with connected(*address) as client:
            for prompt in ("a red fox", "a blue fox", "an owl"):
                await client.call_tool("generate", {"prompt": prompt, **SMALL})
            found = await client.call_tool("search_history", {"query": "fox", "limit": 1, "show_images": True})
            every = await client.call_tool("search_history", {})
            resources = (await client.list_resources()).resources
            templates = (await client.list_resource_templates()).resource_templates
            return found, every, resources, templates

    found, every, resources, templates = run(talk())
    assert [image["prompt"] for image in found.structured_content["images"]] == ["a blue fox"]
    assert found.structured_content["total"] == 2
    assert max(pixels(of_kind(found, types.ImageContent)[0]).size) <= 256
    assert of_kind(every, types.ImageContent) == []
    assert [resource.title for resource in resources] == ["an owl", "a blue fox", "a red fox"]
    assert templates[0].uri_template == "zimage://image/{id}"


def test_models_and_loras_are_listed(address):
    async def talk():
        async with connected(*address) as client:
            return await client.call_tool("list_models", {}), await client.call_tool("list_loras", {})

    models, loras = run(talk())
    nano = next(model for model in models.structured_content["models"] if model["id"] == "zimage-nano")
    assert (nano["installed"], nano["default"]) == (True, True)
    assert "zimage-nano (default)" in text_of(models)
    assert "Not installed" in text_of(models)
    assert loras.structured_content["loras"] == []


@pytest.mark.parametrize("uri", ["zimage://image/" + "0" * 32, "zimage://image/../tasks", "file:///etc/passwd"])
def test_what_is_no_resource_is_an_error(address, uri):
    async def talk():
        async with connected(*address) as client:
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    run(talk())


def test_a_tool_that_is_none_is_an_error_of_the_protocol(address):
    async def talk():
        async with connected(*address) as client:
            with pytest.raises(MCPError, match="generate"):
                await client.call_tool("format_disk", {})

    run(talk())
