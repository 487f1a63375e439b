"""Images by the package `openai`."""

from __future__ import annotations

import asyncio
import base64
from io import BytesIO

import httpx
import openai
import pytest
from PIL import Image

from backend.models.schemas import Status
from backend.services.errors import OutOfMemory
from tests.backend.fakes import colour_of, wait_until

SMALL = {"prompt": "a red apple", "size": "256x256"}


def decoded(text: str | None) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(text or "")))


def test_an_image_is_the_file_of_the_history_and_names_its_door(steady):
    answer = steady.client().images.generate(**SMALL, extra_body={"seed": 5})

    image = steady.records()[0]
    data = base64.b64decode(answer.data[0].b64_json)
    assert data == steady.services.history.image_path(image.id).read_bytes()
    assert (image.door, image.seed, image.width, image.height) == ("openai", 5, 256, 256)
    assert answer.created == int(image.created_at.timestamp())
    assert (answer.background, answer.output_format, answer.quality, answer.size) == (
        "opaque",
        "png",
        "high",
        "256x256",
    )
    assert answer.data[0].url is None


def test_tokens_are_those_of_the_prompt_and_the_patches(steady):
    answer = steady.client().images.generate(**SMALL, n=2)
    tokens = steady.services.tokens.count(SMALL["prompt"], "auto").tokens
    patches = 2 * (256 // 32) ** 2
    assert answer.usage.input_tokens == answer.usage.input_tokens_details.text_tokens == tokens > 0
    assert answer.usage.output_tokens == answer.usage.output_tokens_details.image_tokens == patches
    assert answer.usage.total_tokens == tokens + patches


@pytest.mark.parametrize(("name", "kind"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
def test_formats_as_data_and_as_addresses(steady, name, kind):
    client = steady.client()
    whole = client.images.generate(**SMALL, output_format=name, response_format="url")
    fetched = httpx.get(whole.data[0].url)
    data = client.images.generate(**SMALL, output_format=name, extra_body={"seed": 3})
    assert fetched.headers["content-type"] == f"image/{name}"
    assert Image.open(BytesIO(fetched.content)).format == decoded(data.data[0].b64_json).format == kind
    assert whole.data[0].b64_json is None
    assert data.output_format == name


def test_less_compression_is_more_bytes(real):
    client, values = real.client(), {**SMALL, "output_format": "jpeg", "extra_body": {"seed": 1}}
    sizes = [len(client.images.generate(**values, output_compression=c).data[0].b64_json) for c in (10, 60, 100)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


def test_all_that_is_asked_for_reaches_the_engine(steady):
    extra = {"seed": 2**53 - 1, "steps": 4, "shift": 2.5, "guidance_scale": 0}
    steady.client().images.generate(prompt="狐狸", n=2, size="512x256", model="zimage-nano", extra_body=extra)
    first, second = steady.engine.requests[-2:]
    assert (first.prompt, first.width, first.height) == ("狐狸", 512, 256)
    assert (first.num_inference_steps, first.shift, first.guidance_scale) == (4, 2.5, 0)
    assert (first.seed, second.seed) == (2**53 - 1, 0)


@pytest.mark.parametrize("size", ["auto", None])
def test_auto_is_the_size_of_the_settings(steady, size):
    values = {} if size is None else {"size": size}
    answer = steady.client().images.generate(prompt="a", **values)
    assert answer.size == "512x512"  # what the processor draws of 1024x1024


@pytest.mark.parametrize(
    ("quality", "answered"), [("standard", "medium"), ("hd", "high"), ("auto", "high"), ("low", "low"), ("max", "max")]
)
def test_fields_without_effect_are_taken(steady, quality, answered):
    answer = steady.client().images.generate(
        **SMALL, quality=quality, style="vivid", moderation="low", background="auto", user="me",
        extra_body={"prompt_rewriter": {"mode": "off"}, "complexity": "low"},
    )  # fmt: skip
    assert (answer.quality, answer.safety_identifier) == (answered, "me")


@pytest.mark.parametrize("model", ["gpt-image-2", "dall-e-3", "auto", "zimage-nano", None])
def test_a_header_says_which_model_was_used(steady, model):
    values = {} if model is None else {"model": model}
    response = steady.client().images.with_raw_response.generate(**SMALL, **values)
    assert response.headers["x-zimage-model"] == "zimage-nano"


def test_the_async_client(steady):
    async def draw():
        async with steady.async_client() as client:
            both = [client.images.generate(**SMALL, extra_body={"seed": seed}) for seed in (1, 2)]
            return await asyncio.gather(*both)

    images = [decoded(answer.data[0].b64_json) for answer in asyncio.run(draw())]
    assert [image.getpixel((0, 0)) for image in images] == [
        colour_of(SMALL["prompt"], seed, 1, 1).getpixel((0, 0)) for seed in (1, 2)
    ]


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "param", "words"),
    [
        ({"size": "1000x1000"}, "size", "992x992"),
        ({"size": "4096x64"}, "size", "2048x256"),
        ({"size": "large"}, "size", "WIDTHxHEIGHT"),
        ({"n": 17}, "n", "16"),
        ({"n": 0}, "n", "1"),
        ({"background": "transparent"}, "background", "'opaque' or 'auto'"),
        ({"output_format": "gif"}, "output_format", "'png', 'webp' or 'jpeg'"),
        ({"output_format": "svg"}, "output_format", "'png', 'webp' or 'jpeg'"),
        ({"output_compression": 50}, "output_compression", "lossless"),
        ({"prompt": ""}, "prompt", "empty"),
        ({"prompt": "a" * 4001}, "prompt", "4000"),
        ({"extra_body": {"steps": 51}}, "steps", "50"),
        ({"extra_body": {"num_inference_steps": 0}}, "num_inference_steps", "1"),
        ({"extra_body": {"width": 512, "height": 512}}, "width", "`size`"),
        ({"extra_body": {"height": 512}}, "height", "`size`"),
        ({"extra_body": {"num_images": 2}}, "num_images", "`n`"),
        ({"extra_body": {"steps": 4, "num_inference_steps": 9}}, "steps", "9"),
        ({"extra_body": {"loras": ["ink"]}}, "loras.0", "an object with name."),
        ({"extra_body": {"sampler": "euler"}}, "sampler", "no such field"),
        ({"extra_body": {"guidance_scale": 5}}, "guidance_scale", "not guided"),
        ({"stream": True, "partial_images": 4}, "partial_images", "3"),
        ({"stream": True, "response_format": "url"}, "response_format", "b64_json"),
        ({"model": "z-image"}, "model", "not installed"),
    ],
)
def test_what_cannot_be_is_refused_with_the_parameter_and_what_can(steady, values, param, words):
    drawn = len(steady.engine.requests)
    with pytest.raises(openai.BadRequestError if param != "model" else openai.NotFoundError) as caught:
        steady.client().images.generate(**{**SMALL, **values})
    error = caught.value
    assert (error.param, error.type) == (param, "invalid_request_error")
    assert words in error.message
    assert len(steady.engine.requests) == drawn


def test_a_missing_prompt_and_a_body_that_is_none(steady):
    url = f"{steady.url}/v1/images/generations"
    for answer in (httpx.post(url, json={"size": "auto"}), httpx.post(url, content=b"{"), httpx.post(url, json=[])):
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/images/generations", 405), ("GET", "/v1/x", 404)])
def test_other_paths_and_methods(steady, method, path, status):
    answer = httpx.request(method, steady.url + path)
    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_other_models_can_be_refused(tmp_path):
    from tests.backend.api.compat.openai.conftest import serve
    from tests.backend.conftest import make_settings

    with serve(make_settings(tmp_path).model_copy(update={"openai_any_model": False})) as live:
        with pytest.raises(openai.NotFoundError) as caught:
            live.client().images.generate(**SMALL, model="dall-e-3")
        assert caught.value.code == "model_not_found"


def test_the_door_can_be_closed(tmp_path):
    from tests.backend.api.compat.openai.conftest import serve
    from tests.backend.conftest import make_settings

    with serve(make_settings(tmp_path).model_copy(update={"openai": False})) as live:
        assert httpx.get(f"{live.url}/v1/models").status_code == 404
        assert httpx.get(f"{live.url}/v1/models").json()["error"]["code"] == "not_found"


def test_a_failed_task_is_not_repeated(live):
    live.engine.errors[2] = OutOfMemory("The picture does not fit into memory.")
    with pytest.raises(openai.InternalServerError) as caught:
        live.client(max_retries=3).images.generate(**SMALL)
    assert "does not fit" in caught.value.message
    assert caught.value.code == "out_of_memory"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(live.engine.requests) == 1


def test_a_full_queue_says_when_to_come_again_and_the_client_does(tmp_path):
    from tests.backend.api.compat.openai.conftest import serve
    from tests.backend.conftest import make_settings
    from tests.backend.fakes import a_request

    with serve(make_settings(tmp_path).model_copy(update={"max_queued_tasks": 1})) as live:
        release = live.engine.pause_at(1)
        live.services.tasks.submit(a_request())
        wait_until(live.engine.paused.is_set)
        waiting = live.services.tasks.submit(a_request())
        with pytest.raises(openai.RateLimitError) as caught:
            live.client().images.generate(**SMALL)
        assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "rate_limit_error")
        assert int(caught.value.response.headers["retry-after"]) >= 1

        waits = []

        def free(request, *_):
            waits.append(request)
            if len(waits) == 2:  # the second try
                live.services.tasks.cancel(waiting)
                release()

        client = live.client(max_retries=2, http_client=openai.DefaultHttpxClient(event_hooks={"request": [free]}))
        assert client.images.generate(**SMALL).data
        assert len(waits) == 2


def test_a_server_that_is_about_to_restart_is_asked_again(live):
    live.services.tasks.draining = True
    with pytest.raises(openai.InternalServerError) as caught:
        live.client().images.generate(**SMALL)
    assert (caught.value.status_code, caught.value.code, caught.value.type) == (503, "draining", "server_error")
    tries = []

    def reopen(request, *_):
        tries.append(request)
        live.services.tasks.draining = len(tries) < 3

    client = live.client(max_retries=2, http_client=openai.DefaultHttpxClient(event_hooks={"request": [reopen]}))
    assert client.images.generate(**SMALL).data
    assert len(tries) == 3


def test_a_client_that_goes_takes_its_task_with_it(live):
    release = live.engine.pause_at(2)
    with pytest.raises(openai.APITimeoutError):
        live.client(timeout=1).images.generate(**SMALL)
    wait_until(lambda: live.services.tasks.active()[0].cancelling)
    release()
    wait_until(lambda: live.services.tasks.finished())
    assert live.services.tasks.finished()[0].status is Status.CANCELLED


def test_a_task_that_is_cancelled_in_the_studio_is_an_error(live):
    release = live.engine.pause_at(2)

    async def draw():
        async with live.async_client(max_retries=2) as client:
            drawing = asyncio.create_task(client.images.generate(**SMALL))
            await asyncio.to_thread(live.engine.paused.wait, 20)
            live.services.tasks.cancel(live.services.tasks.active()[0].id)
            release()
            return await drawing

    with pytest.raises(openai.ConflictError, match="ancelled"):
        asyncio.run(draw())
    assert len(live.engine.requests) == 1


def test_the_same_key_gives_the_same_images(live):
    headers = {"Idempotency-Key": "once"}
    client = live.client()
    first, second = (client.images.generate(**SMALL, extra_headers=headers) for _ in range(2))
    assert first.data == second.data
    assert len(live.engine.requests) == 1
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(prompt="another", extra_headers=headers)
    assert caught.value.code == "idempotency_mismatch"


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_the_key_is_the_token(guarded):
    from tests.backend.api.compat.openai.conftest import TOKEN

    with pytest.raises(openai.AuthenticationError) as caught:
        guarded.client("wrong").images.generate(**SMALL)
    assert (caught.value.code, caught.value.type) == ("invalid_api_key", "authentication_error")
    assert guarded.client(TOKEN).images.generate(**SMALL).data


def test_an_address_opens_its_image_only(guarded):
    from tests.backend.api.compat.openai.conftest import TOKEN

    client = guarded.client(TOKEN)
    answers = [client.images.generate(**SMALL, response_format="url", output_format="webp") for _ in range(2)]
    first, second = (answer.data[0].url for answer in answers)
    assert httpx.get(first).headers["content-type"] == "image/webp"
    assert httpx.head(first).status_code == 200
    assert httpx.get(first.partition("?")[0]).status_code == 401
    assert httpx.get(f"{second.partition('?')[0]}?{first.partition('?')[2]}").status_code == 401
    assert httpx.get(f"{guarded.url}/v1/models?{first.partition('?')[2]}").status_code == 401
    assert httpx.get(first.replace("/v1/images/files", "/api/download")).status_code == 401


def test_pages_of_other_origins_draw_nothing(steady):
    answer = httpx.post(f"{steady.url}/v1/images/generations", json=SMALL, headers={"Origin": "http://evil.example"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error")
    answer = httpx.get(f"{steady.url}/v1/models", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "wrong_host")


def test_a_body_that_is_too_large(steady):
    answer = httpx.post(f"{steady.url}/v1/images/generations", json={"prompt": "a" * 300_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


# -- models -----------------------------------------------------------------------------------------------------------


def test_models(steady):
    client = steady.client()
    assert [model.id for model in client.models.list()] == ["auto", "zimage-nano"]
    assert client.models.retrieve("zimage-nano").owned_by == "zimage"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-image-2")
    assert caught.value.code == "model_not_found"


# -- programs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"size": "512x512"}, {"size": "512x512", "quality": "hd", "style": "natural"}])
def test_what_open_webui_sends(steady, more):
    """Its engine `openai`: open-webui@02530d5, routers/images.py."""
    body = {"model": "dall-e-2", "prompt": "a cat", "n": 1, "response_format": "b64_json", **more}
    headers = {"Authorization": "Bearer none", "Content-Type": "application/json"}
    answer = httpx.post(f"{steady.url}/v1/images/generations", json=body, headers=headers)
    assert answer.status_code == 200
    [image] = answer.json()["data"]
    assert decoded(image["b64_json"]).format == "PNG"
