"""`zimage generate` and `zimage edit`."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from zimage_client import Task
from zimage_client.cli import follow

from tests.backend.fakes import colour_of
from tests.client.test_client import TASK_ID, event

SMALL = ("--size", "256x256")
PNG = b"\x89PNG"


def test_an_image_is_written_where_it_is_said(zimage, on_server, here):
    ended = zimage("generate", "a fox", *SMALL, "--seed", "7", "-o", "fox.png")
    assert (ended.code, ended.lines) == (0, ["fox.png"])
    with Image.open(here / "fox.png") as image:
        assert image.size == (256, 256)
        assert image.getpixel((0, 0)) == colour_of("a fox", 7, 1, 1).getpixel((0, 0))
    assert "Completed" in ended.err
    assert "\x1b" not in ended.err + ended.out
    assert list(here.iterdir()) == [here / "fox.png"]


def test_several_are_numbered_and_told_as_json(zimage, on_server, here):
    ended = zimage("generate", "a fox", *SMALL, "-n", "3", "--seed", "5", "-o", "fox.png", "--json", "--quiet")
    told = json.loads(ended.out)
    assert (ended.code, ended.err, told["status"]) == (0, "", "completed")
    assert [(image["path"], image["seed"]) for image in told["images"]] == [
        ("fox-1.png", 5), ("fox-2.png", 6), ("fox-3.png", 7),
    ]  # fmt: skip
    assert all((here / image["path"]).read_bytes().startswith(PNG) for image in told["images"])


def test_without_a_name_it_has_the_servers(zimage, on_server, here):
    (name,) = zimage("generate", "a fox", *SMALL).lines
    assert Path(name).name == name
    assert (here / name).read_bytes().startswith(PNG)
    (inside,) = zimage("generate", "a fox", *SMALL, "-o", "new/").lines
    assert Path(inside).parent == Path("new")


def test_standard_output_takes_one_image(zimage, on_server):
    ended = zimage("generate", "-", *SMALL, "-o", "-", stdin="a fox\n")
    assert ended.code == 0
    with Image.open(BytesIO(ended.raw)) as image:
        assert json.loads(image.text["zimage"])["prompt"] == "a fox"
    assert zimage("generate", "a fox", "-o", "-", "-n", "2").code == 2
    assert zimage("generate", "a fox", "-o", "-", "--json").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a fox", "-o", "fox.jpg"], "must end in .png"),
        (["a fox", "-o", "nowhere/fox.png"], "no folder 'nowhere'"),
        (["a fox", "--preview", "nowhere/p.webp"], "no folder 'nowhere'"),
        (["a fox", "--size", "big"], "WIDTHxHEIGHT"),
        (["a fox", "--control", "kind=pose"], "image=FILE"),
        (["a fox", "--local", "--server", "localhost"], "exclude each other"),
        (["a fox", "--no-wait", "--local"], "without a server"),
        (["a fox", "--count", "0"], "--count"),
        ([], "prompt"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_drawn(zimage, on_server, engine, arguments, said):
    ended = zimage("generate", *arguments)
    assert ended.code == 2
    assert said.lower() in ended.err.lower()
    assert (ended.out, engine.requests) == ("", [])


def test_values_that_the_server_refuses_are_wrong_usage_too(zimage, on_server):
    ended = zimage("generate", "a fox", "--size", "250x256", "--steps", "99")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
    assert "width" in ended.err
    assert zimage("generate", "a fox", "--model", "nobody").code == 2


def test_a_failure_ends_with_1_and_keeps_what_was_finished(zimage, on_server, engine, here):
    def fail_at_the_second(step: int) -> None:
        if len(engine.requests) == 2 and step == 1:
            raise RuntimeError("broken card")

    engine.watch = fail_at_the_second
    ended = zimage("generate", "a fox", *SMALL, "-n", "2", "-o", "fox.png")
    assert (ended.code, ended.lines) == (1, ["fox-1.png"])
    assert "The task has failed: " in ended.err

    engine.watch = lambda step: None
    engine.errors[1] = RuntimeError("broken card")
    told = json.loads(zimage("generate", "a fox", *SMALL, "--json").out)
    assert (told["status"], told["images"]) == ("failed", [])
    assert told["error_code"]


def test_a_cancel_from_elsewhere_ends_with_1(zimage, on_server, engine, client):
    def cancel(step: int) -> None:
        if step == 1:
            client.cancel(client.queue()[0].task_id)

    engine.watch = cancel
    ended = zimage("generate", "a fox", *SMALL)
    assert (ended.code, ended.out) == (1, "")
    assert "cancelled" in ended.err


def test_ctrl_c_cancels_the_task_and_ends_with_130(zimage, on_server, engine, client, monkeypatch):
    def interrupt(view: follow.View, task: Task) -> None:
        if task.cancelling:
            go_on()
        elif task.current_step == 2:
            raise KeyboardInterrupt

    go_on = engine.pause_at(2)
    monkeypatch.setattr(follow.View, "update", interrupt)
    ended = zimage("generate", "a fox", *SMALL, "--json")
    assert ended.code == 130
    assert json.loads(ended.out)["status"] == "cancelled"
    assert client.queue() == ()
    assert engine.decoded == []


def test_the_preview_is_kept_in_a_file(zimage, answers, here):
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url.path).rpartition("/")[2])
        if request.method == "POST":
            return httpx.Response(202, json={"task_id": TASK_ID})
        if seen[-1] == "preview":
            return httpx.Response(200, content=f"webp {request.url.params['seq']}".encode())
        body = event(1, preview_seq=1) + event(2, preview_seq=1) + event(3, preview_seq=4)
        last = event(4, preview_seq=5, status="completed")
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=body + last)

    answers(answer)
    assert zimage("generate", "a fox", "--preview", "live.webp").code == 0
    assert (here / "live.webp").read_text() == "webp 4"
    assert seen.count("preview") == 2


def test_images_of_several_workers_are_numbered_by_their_seeds(zimage, answers, here):
    late, early = ({"id": digit * 32, "seed": int(digit)} for digit in "87")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(202, json={"task_id": TASK_ID})
        if "/download/" in request.url.path:
            return httpx.Response(200, content=request.url.path[-1].encode())
        body = event(1, workers=["x", "y"]) + event(2, workers=["x"], images=[late])
        last = event(3, images=[early, late], status="completed")
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=body + last)

    answers(answer)
    assert zimage("generate", "a fox", "-n", "2", "-o", "fox.png").code == 0
    assert {path.name: path.read_text() for path in here.iterdir()} == {"fox-1.png": "7", "fox-2.png": "8"}


def test_every_preview_is_kept_in_a_folder_with_its_number(zimage, answers, here):
    bodies: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            bodies.append(json.loads(request.content))
            return httpx.Response(202, json={"task_id": TASK_ID})
        if request.url.path.endswith("preview"):
            return httpx.Response(200, content=f"webp {request.url.params['seq']}".encode())
        body = event(1, preview_seq=1) + event(2, preview_seq=2) + event(4, preview_seq=3, status="completed")
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=body)

    answers(answer)
    hook = ("--callback-url", "https://hooks.example/")
    assert zimage("generate", "a fox", "--preview-dir", "live/all", "--preview", "one.webp", *hook).code == 0
    found = {path.name: path.read_text() for path in (here / "live" / "all").iterdir()}
    assert found == {f"{TASK_ID[:8]}-001.webp": "webp 1", f"{TASK_ID[:8]}-002.webp": "webp 2"}
    assert (here / "one.webp").read_text() == "webp 2"
    assert bodies[0]["callback_url"] == "https://hooks.example/"


def test_queueing_alone_prints_the_task(zimage, on_server, client):
    (task_id,) = zimage("generate", "a fox", *SMALL, "--no-wait").lines
    assert client.wait(task_id).status == "completed"
    assert json.loads(zimage("generate", "a fox", *SMALL, "--no-wait", "--json").out)["task_id"] != task_id


def test_a_token_that_cannot_be_sent_is_said_in_a_line(zimage, on_server, monkeypatch):
    monkeypatch.setenv("ZIMAGE_API_TOKEN", "口令")
    ended = zimage("generate", "a fox")
    assert (ended.code, len(ended.err.splitlines())) == (1, 1)
    assert "ZIMAGE_API_TOKEN" in ended.err
    assert zimage("doctor").code == 1


def test_a_server_elsewhere_that_is_gone_is_a_failure(zimage, monkeypatch):
    monkeypatch.setattr("zimage_client.retries.Retries.wait_s", lambda self, failures: 0.0)
    ended = zimage("generate", "a fox", "--server", "http://zimage.invalid:1")
    assert ended.code == 1
    assert "No Z-Image answers at http://zimage.invalid:1" in ended.err
    assert zimage("generate", "a fox", "--server", "ftp://box").code == 2


# -- edit --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def editing(answers):
    """A server that draws from pictures; gives the requests."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.url.path == "/api/inputs":
            return httpx.Response(201, json={"input_id": f"input{len(requests)}", "width": 8, "height": 8})
        if request.method == "POST":
            return httpx.Response(202, json={"task_id": TASK_ID})
        content = event(1, status="completed")
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=content)

    answers(answer)
    return requests


def body_of(requests: list[httpx.Request]) -> dict[str, object]:
    (post,) = (request for request in requests if request.url.path == "/api/generate" and request.method == "POST")
    body: dict[str, object] = json.loads(post.content)
    return body


def test_a_file_is_changed_within_a_mask(zimage, editing, here):
    (here / "fox.png").write_bytes(b"fox")
    (here / "mask.png").write_bytes(b"mask")
    ended = zimage("edit", "fox.png", "a wolf", "--strength", "0.6", "--mask", "mask.png", "--mask-mode", "only_masked",
                   "--feather", "8", "--upscale", "2", "--seed", "3")  # fmt: skip
    assert ended.code == 0, ended.err
    assert body_of(editing) == {
        "prompt": "a wolf", "init_image": {"input_id": "input1"}, "strength": 0.6, "mask": {"input_id": "input2"},
        "mask_mode": "only_masked", "feather": 8, "upscale": {"factor": 2.0}, "num_images": 1, "seed": 3,
    }  # fmt: skip


def test_an_image_of_the_history_is_extended(zimage, editing):
    ended = zimage("edit", "a" * 32, "more of it", "--outpaint", "left=64,right=32", "--size", "512x256")
    assert ended.code == 0, ended.err
    body = body_of(editing)
    assert body["init_image"] == {"image_id": "a" * 32}
    assert body["outpaint"] == {"left": 64, "right": 32}
    assert (body["width"], body["height"]) == (512, 256)


def test_a_picture_guides(zimage, editing, here):
    (here / "pose.png").write_bytes(b"pose")
    ended = zimage("generate", "a dancer", "--control", "image=pose.png,kind=pose,scale=0.7,end=0.5")
    assert ended.code == 0, ended.err
    assert body_of(editing)["control"] == [{"image": {"input_id": "input1"}, "kind": "pose", "scale": 0.7, "end": 0.5}]


def test_what_cannot_be_edited(zimage, editing, on_server):
    for arguments in (
        ["no-such-file", "x"],
        ["a" * 32, "x", "--strength", "2"],
        ["a" * 32, "x", "--mask-mode", "some"],
    ):
        assert zimage("edit", *arguments).code == 2
    assert editing == []


def test_an_older_server_says_that_it_does_not_edit(zimage, answers, here):
    (here / "fox.png").write_bytes(b"fox")
    error = {"error": {"code": "not_found", "message": "No route has this path."}}
    answers(lambda request: httpx.Response(404, json=error))
    ended = zimage("edit", "fox.png", "a wolf")
    assert ended.code == 1
    assert "does not draw from pictures yet" in ended.err


def test_ctrl_c_before_the_answer_takes_the_request_back(zimage, answers):
    requests: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append((request.method, request.headers.get("Idempotency-Key", "")))
        if len(requests) == 1:
            raise KeyboardInterrupt
        if request.method == "POST":
            return httpx.Response(202, json={"task_id": TASK_ID})
        return httpx.Response(202, json={"task_id": TASK_ID, "status": "cancelled"})

    answers(answer)
    ended = zimage("generate", "a fox")
    assert (ended.code, ended.out) == (130, "")
    assert [method for method, _ in requests] == ["POST", "POST", "DELETE"]
    assert requests[0][1] == requests[1][1]
