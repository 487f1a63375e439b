"""The package `webuiapi` against a server on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from io import BytesIO
from typing import Any

import pytest
import requests
import webuiapi
from PIL import Image

from backend.main import create_app
from backend.models.schemas import Status
from backend.services.images.metadata.foreign import read_parameters
from tests.backend.api.compat.live import listening
from tests.backend.fakes import PLAIN_CPU, colour_of, make_model_folder, wait_until

TOKEN = "0123456789abcdef"
SIZE = {"width": 256, "height": 256, "steps": 4}


@pytest.fixture
def port(app) -> Iterator[int]:
    with listening(app) as port:
        yield port


@pytest.fixture
def api(port) -> webuiapi.WebUIApi:
    return webuiapi.WebUIApi(port=port)


@pytest.fixture
def history(app):
    return app.state.services.history


def newest(history) -> Any:
    return history.latest()


def test_words_become_an_image(api, history, engine):
    result = api.txt2img(prompt="a red apple", seed=7, **SIZE)

    assert result.image.size == (256, 256)
    assert result.image.getpixel((0, 0)) == colour_of("a red apple", 7, 1, 1).getpixel((0, 0))
    assert (result.info["seed"], result.info["all_seeds"], result.info["steps"]) == (7, [7], 4)
    assert (result.info["cfg_scale"], result.info["sampler_name"]) == (1, "Euler")
    assert (newest(history).door, newest(history).seed) == ("a1111", 7)
    assert engine.requests[0].num_inference_steps == 4


def test_the_info_is_a_json_text_and_says_what_is_not_used(api):
    result = api.txt2img(prompt="a", negative_prompt="blurry", restore_faces=True, styles=["neon"], **SIZE)

    assert isinstance(result.json["info"], str)
    notes = result.info["notes"]
    for word in ("cfg_scale 7", "negative_prompt", "Euler a", "restore_faces", "styles"):
        assert any(note.startswith((word, f"sampler {word}")) for note in notes), word
    assert not any("eta" in note for note in notes)


def test_a_batch_has_seeds_that_count_up(api):
    result = api.txt2img(prompt="a", seed=40, batch_size=2, n_iter=2, **SIZE)

    assert len(result.images) == 4
    assert result.info["all_seeds"] == [40, 41, 42, 43]
    assert len(result.info["infotexts"]) == len(result.info["all_prompts"]) == 4


def test_a_seed_is_drawn_and_told(api, engine):
    result = api.txt2img(prompt="a", **SIZE)
    assert result.info["seed"] == engine.requests[0].seed >= 0
    assert f"Seed: {result.info['seed']}," in result.info["infotexts"][0]


def test_the_infotext_is_the_file_s_and_our_importer_reads_it(api):
    result = api.txt2img(prompt="two\nlines, café", seed=3, **SIZE)
    assert result.info["infotexts"] == [result.image.text["parameters"]]

    bare = BytesIO()
    text = Image.Exif()
    text.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + result.info["infotexts"][0].encode()
    result.image.convert("RGB").save(bare, "WEBP", exif=text)
    told = read_parameters(bare)
    assert (told.source, told.parameters.prompt, told.parameters.seed) == ("a1111", "two\nlines, café", 3)
    assert (told.parameters.num_inference_steps, told.parameters.guidance_scale) == (4, 0)


def test_png_info_reads_the_parameters_back(api):
    drawn = api.txt2img(prompt="a red apple", seed=9, **SIZE)
    found = api.png_info(drawn.image)

    assert found.info == drawn.info["infotexts"][0]
    assert found.parameters["Seed"] == "9"
    assert found.parameters["Prompt"] == "a red apple"
    assert (found.parameters["Size-1"], found.parameters["Sampler"]) == ("256", "Euler")
    assert api.png_info(Image.new("RGB", (8, 8))).parameters == {}


def test_an_image_and_its_mask(api, engine, app):
    image = Image.new("RGB", (320, 200), "blue")
    mask = Image.new("L", (320, 200), 0)
    mask.paste(255, (100, 60, 200, 120))

    result = api.img2img(
        images=[image], mask_image=mask, prompt="a pond", denoising_strength=0.5, mask_blur=8,
        inpaint_full_res=False, inpainting_fill=1, width=256, height=256, steps=4, seed=1,
    )  # fmt: skip

    recipe = engine.requests[0]
    assert (recipe.strength, recipe.feather, recipe.mask_mode) == (0.5, 8, "whole")
    assert (recipe.width, recipe.height) == (256, 256)
    inputs = app.state.services.inputs
    assert inputs.read(recipe.init_image).size == inputs.read(recipe.mask).size == (256, 256)
    assert inputs.read(recipe.mask).getpixel((128, 115)) == 255
    assert "Denoising strength: 0.5" in result.info["infotexts"][0]
    assert result.info["denoising_strength"] == 0.5
    assert not any("inpainting_fill" in note for note in result.info["notes"])


def test_only_what_is_masked_keeps_the_image_s_own_size(api, engine, app):
    image, mask = Image.new("RGB", (320, 200), "blue"), Image.new("L", (160, 100), 255)
    mask.paste(0, (0, 0, 40, 100))
    result = api.img2img(
        images=[image], mask_image=mask, inpainting_mask_invert=1, inpaint_full_res=True, inpaint_full_res_padding=64,
        prompt="a", width=256, height=256, steps=4,
    )  # fmt: skip

    recipe, inputs = engine.requests[0], app.state.services.inputs
    assert recipe.mask_mode == "only_masked"
    assert inputs.read(recipe.init_image).size == inputs.read(recipe.mask).size == (320, 200)
    assert inputs.read(recipe.mask).getpixel((10, 10)) == 255
    assert inputs.read(recipe.mask).getpixel((300, 10)) == 0
    assert any("inpaint_full_res_padding" in note for note in result.info["notes"])
    assert any("inpainting_fill 0" in note for note in result.info["notes"])


def test_the_second_pass_enlarges_what_the_first_has_drawn(api, engine, history):
    result = api.txt2img(prompt="a", enable_hr=True, hr_scale=1.5, denoising_strength=0.4, seed=5, n_iter=2, **SIZE)

    first, _, second, last = engine.requests
    assert first.upscale is None
    assert (second.upscale.width, second.upscale.factor, second.strength) == (384, 1.5, 0.4)
    assert [second.seed, last.seed] == result.info["all_seeds"] == [5, 6]
    assert second.init_image != last.init_image
    assert len(history) == 4
    assert any("enlarged by 1.5" in note for note in result.info["notes"])


def test_an_interrupted_second_pass_gives_what_it_has_finished(api, engine):
    reached, go_on = threading.Event(), threading.Event()

    def watch(step: int) -> None:
        if len(engine.requests) == 4 and step == 1:
            reached.set()
            assert go_on.wait(10)

    engine.watch = watch
    with ThreadPoolExecutor() as pool:
        drawing = pool.submit(api.txt2img, prompt="slow", enable_hr=True, hr_scale=1.5, n_iter=2, seed=1, **SIZE)
        assert reached.wait(10)
        api.interrupt()
        go_on.set()
        result = drawing.result(20)
    assert result.info["all_seeds"] == [1]
    assert result.image.size == (384, 384)


def test_a_larger_image_from_its_own_parameters(api, engine):
    drawn = api.txt2img(prompt="a red apple", **SIZE)
    larger = api.extra_single_image(drawn.image, upscaler_1="Z-Image", upscaling_resize=2)

    assert (engine.requests[1].prompt, engine.requests[1].upscale.factor) == ("a red apple", 2.0)
    assert larger.image is not None
    assert larger.info == ""
    both = api.extra_batch_images([drawn.image, drawn.image], upscaler_1="Z-Image")
    assert len(both.images) == 2


def test_no_upscaler_gives_the_image_back(api, engine):
    image = Image.new("RGB", (30, 20), "green")
    same = api.extra_single_image(image)
    assert (same.image.size, same.image.getpixel((3, 3))) == ((30, 20), (0, 128, 0))
    assert engine.requests == []


@pytest.mark.parametrize(
    ("ask", "word"),
    [
        (lambda api: api.txt2img(prompt=" ", **SIZE), "prompt"),
        (lambda api: api.txt2img(prompt="a", width=256, height=256, steps=150), "steps"),
        (lambda api: api.txt2img(prompt="a", n_iter=17, **SIZE), "batch_size"),
        (lambda api: api.txt2img(prompt="a", width=64, height=256), "width"),
        (lambda api: api.txt2img(prompt="a", override_settings={"sd_model_checkpoint": "sdxl"}, **SIZE), "sdxl"),
        (lambda api: api.txt2img(prompt="a", script_name="X/Y/Z plot", **SIZE), "X/Y/Z plot"),
        (lambda api: api.txt2img(prompt="a", enable_hr=True, hr_scale=8, **SIZE), "hr_scale"),
        (lambda api: api.txt2img(prompt="a", adetailer=[webuiapi.ADetailer()], alwayson_scripts={}), "ADetailer"),
        (lambda api: api.img2img(images=[], prompt="a"), "init_images"),
        (lambda api: api.img2img(images=[Image.new("RGB", (64, 64))], prompt="a", denoising_strength=0), "denoising"),
        (lambda api: api.extra_single_image(Image.new("RGB", (64, 64)), upscaler_1="Z-Image"), "prompt"),
        (lambda api: api.extra_single_image(Image.new("RGB", (64, 64)), upscaler_1="ESRGAN"), "ESRGAN"),
        (lambda api: api.interrogate(Image.new("RGB", (64, 64))), "describes"),
    ],
)
def test_what_cannot_be_is_refused_in_their_shape(api, engine, ask, word):
    with pytest.raises(RuntimeError) as raised:
        ask(api)
    status, text = raised.value.args
    error = json.loads(text)
    assert 400 <= status < 500
    assert set(error) == {"error", "detail", "body", "errors"}
    assert word in error["detail"]
    assert engine.requests == []


def test_an_unknown_route_and_a_broken_body_have_their_shape(port):
    for answer in (
        requests.get(f"http://127.0.0.1:{port}/sdapi/v1/nothing", timeout=5),
        requests.post(f"http://127.0.0.1:{port}/sdapi/v1/txt2img", data="{", timeout=5),
    ):
        assert answer.status_code in (404, 422)
        assert set(answer.json()) == {"error", "detail", "body", "errors"}


def test_lists_tell_what_there_is(api):
    assert [model["title"] for model in api.get_sd_models()] == ["zimage-nano"]
    assert api.util_get_sampler_names() == ["Euler"]
    assert api.util_get_scheduler_names() == ["automatic", "simple"]
    assert [item["name"] for item in api.get_upscalers()] == ["None", "Z-Image"]
    empty = (
        api.get_sd_vae, api.get_loras, api.get_latent_upscale_modes, api.get_hypernetworks, api.get_face_restorers,
        api.get_realesrgan_models, api.get_prompt_styles,
    )  # fmt: skip
    assert [ask() for ask in empty] == [[]] * len(empty)
    assert api.get_scripts() == {"txt2img": [], "img2img": []}
    assert api.get_embeddings() == {"loaded": {}, "skipped": {}}
    assert api.get_memory()["ram"]["total"] > 2**20
    assert api.get_cmd_flags()["api"] is True
    assert api.refresh_checkpoints() is None


def test_a_model_is_chosen_for_what_follows(api, settings, engine):
    make_model_folder(settings.base_dir / "Z-Image" / "ckpts" / "mine", {"guidance_scale": 3, "negative_prompt": True})
    api.util_set_model("mine")
    result = api.txt2img(prompt="a", negative_prompt="blurry", cfg_scale=5, **SIZE)

    assert api.util_get_current_model() == "mine"
    assert (engine.requests[0].model, engine.requests[0].guidance_scale) == ("mine", 4)
    assert engine.requests[0].negative_prompt == "blurry"
    assert (result.info["sd_model_name"], result.info["cfg_scale"]) == ("mine", 5)
    assert "CFG scale: 5," in result.info["infotexts"][0]

    api.txt2img(prompt="a", override_settings={"sd_model_checkpoint": "zimage-nano [0123456789]"}, **SIZE)
    assert engine.requests[1].model == "zimage-nano"
    assert api.util_get_current_model() == "mine"


def test_progress_is_that_of_the_client_s_task(api, engine):
    release = engine.pause_at(2)
    with ThreadPoolExecutor() as pool:
        drawing = pool.submit(api.txt2img, prompt="slow", n_iter=2, **SIZE)
        wait_until(engine.paused.is_set)
        seen = webuiapi.WebUIApi(baseurl=api.baseurl).get_progress()
        release()
        drawing.result(20)

    assert 0 < seen["progress"] < 1
    assert (seen["state"]["job_count"], seen["state"]["job_no"]) == (2, 0)
    assert (seen["state"]["sampling_step"], seen["state"]["sampling_steps"]) == (2, 4)
    assert seen["eta_relative"] >= 0
    api.util_wait_for_ready(check_interval=0.01)
    idle = api.get_progress()
    assert (idle["progress"], idle["state"]["job_count"], idle["current_image"]) == (0, 0, None)


def test_interrupt_gives_the_images_that_are_finished(api, engine):
    drawn, go_on = threading.Event(), threading.Event()

    def watch(step: int) -> None:
        if len(engine.requests) == 2 and step == 1:
            drawn.set()
            assert go_on.wait(10)

    engine.watch = watch
    with ThreadPoolExecutor() as pool:
        drawing = pool.submit(api.txt2img, prompt="slow", n_iter=3, seed=1, **SIZE)
        assert drawn.wait(10)
        assert api.interrupt() == {}
        go_on.set()
        result = drawing.result(20)
    assert result.info["all_seeds"] == [1]


def test_interrupt_before_an_image_is_an_error_and_skip_is_the_same_for_a_single_one(api, engine):
    for end in (api.interrupt, api.skip):
        release = engine.pause_at(1)
        with ThreadPoolExecutor() as pool:
            drawing = pool.submit(api.txt2img, prompt="slow", **SIZE)
            wait_until(engine.paused.is_set)
            end()
            release()
            with pytest.raises(RuntimeError) as raised:
                drawing.result(20)
        assert raised.value.args[0] == 409
        assert json.loads(raised.value.args[1])["error"] == "cancelled"
    assert api.interrupt() == {}
    assert api.skip() is None


def test_the_task_ends_with_the_connection(port, engine, app):
    release = engine.pause_at(2)
    body = json.dumps({"prompt": "slow", **SIZE})
    with contextlib.closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("POST", "/sdapi/v1/txt2img", body, {"Content-Type": "application/json"})
        wait_until(engine.paused.is_set)
    tasks = app.state.services.tasks
    wait_until(lambda: tasks.active()[0].cancelling, "the task to be cancelled")
    release()
    wait_until(lambda: tasks.finished() and tasks.finished()[0].status is Status.CANCELLED)


def test_an_image_in_the_middle_is_not_skipped(api, engine):
    release = engine.pause_at(1)
    with ThreadPoolExecutor() as pool:
        drawing = pool.submit(api.txt2img, prompt="slow", n_iter=2, **SIZE)
        wait_until(engine.paused.is_set)
        assert api.skip()["error"] == "conflict"
        release()
        assert len(drawing.result(20).images) == 2


def test_a_token_is_the_password_of_basic_authentication(settings, engine):
    app = create_app(settings.model_copy(update={"api_token": TOKEN}), lambda: engine, hardware=lambda: PLAIN_CPU)
    with listening(app) as port:
        api = webuiapi.WebUIApi(port=port, username="anybody", password=TOKEN)
        assert api.txt2img(prompt="a", **SIZE).image.size == (256, 256)
        with pytest.raises(RuntimeError) as raised:
            webuiapi.WebUIApi(port=port, username="anybody", password="wrong").txt2img(prompt="a", **SIZE)
    assert raised.value.args[0] == 401
    assert json.loads(raised.value.args[1])["error"] == "unauthorized"


def test_the_asynchronous_client(api):

    async def draw() -> list[Any]:
        return await asyncio.gather(
            api.txt2img(prompt="a", seed=1, use_async=True, **SIZE),
            api.txt2img(prompt="a", seed=2, use_async=True, **SIZE),
        )

    assert [result.info["seed"] for result in asyncio.run(draw())] == [1, 2]


def test_two_at_once_get_each_his_own(api, port):
    apis = api, webuiapi.WebUIApi(port=port)
    with ThreadPoolExecutor() as pool:
        drawing = [pool.submit(one.txt2img, prompt="a", seed=at, **SIZE) for at, one in enumerate(apis)]
        assert [draw.result(20).info["seed"] for draw in drawing] == [0, 1]


def test_no_images_are_sent_where_none_are_wanted(api, history):
    result = api.txt2img(prompt="a", send_images=False, **SIZE)
    assert result.images == []
    assert result.info["seed"] == newest(history).seed
