"""The synchronous client against a real server, and against connections that break."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from zimage_client import (
    Client,
    Conflict,
    ConnectionFailed,
    Input,
    InvalidRequest,
    NotFound,
    Retries,
    TaskCancelled,
    TaskFailed,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    WaitTimeout,
)

from backend.embedded import Embedded
from tests.backend.fakes import FakeEngine, wait_until
from tests.backend.services.library.loras.lora_files import write_lora
from tests.client.conftest import AT_ONCE

SMALL = {"width": 256, "height": 256}
TASK_ID = "0" * 32


class Breaking(httpx.BaseTransport):
    """Network that loses answers: the server has done what was asked, and nobody hears of it."""

    def __init__(self, losses: int, error: type[httpx.TransportError] = httpx.ReadError) -> None:
        self.losses = losses
        self.error = error
        self.requests: list[httpx.Request] = []
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self._network.handle_request(request)
        if self.losses:
            self.losses -= 1
            response.close()
            raise self.error("the connection was reset", request=request)
        return response

    def close(self) -> None:
        self._network.close()


def answering(*answers: httpx.Response | type[Exception]) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A server that gives these answers, one a request."""
    left, requests = list(answers), []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        answer = left.pop(0)
        if isinstance(answer, type):
            raise answer("broken", request=request)
        return answer

    return httpx.MockTransport(handle), requests


def mocked(
    *answers: httpx.Response | type[Exception], retries: Retries = AT_ONCE
) -> tuple[Client, list[httpx.Request]]:
    transport, requests = answering(*answers)
    return Client("http://127.0.0.1:9", transport=transport, retries=retries), requests


def refusal(status: int, code: str = "queue_full", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": "No.", "position": 3}}, headers=headers)


# -- drawing ---------------------------------------------------------------------------------------------------------


def test_drawing_gives_the_images_with_their_records(client, tmp_path):
    seen: list[str] = []
    drawn = client.draw("a fox", num_images=2, seed=7, on_change=lambda task: seen.append(task.status), **SMALL)

    assert [one.image.seed for one in drawn] == [7, 8]
    assert [one.image.prompt for one in drawn] == ["a fox", "a fox"]
    assert drawn[0].save(tmp_path / "fox.png").read_bytes() == client.download(drawn[0].image) == drawn[0].png
    assert drawn[0].png.startswith(b"\x89PNG")
    assert seen[-1] == "completed"


def test_a_task_that_fails_tells_why(client, engine):
    engine.errors[2] = RuntimeError("broken card")
    with pytest.raises(TaskFailed) as failed:
        client.draw("a fox", **SMALL)
    assert failed.value.task.status == "failed"
    assert failed.value.code == failed.value.task.error_code != "error"
    assert str(failed.value) == failed.value.task.error


def test_a_cancelled_task_is_no_failure(client, engine):
    go_on = engine.pause_at(1)
    task_id = client.generate("a fox", **SMALL)
    assert engine.paused.wait(10)
    assert client.cancel(task_id).cancelling
    go_on()
    assert client.wait(task_id).status == "cancelled"
    with pytest.raises(Conflict) as refused:
        client.cancel(task_id)
    assert refused.value.status == 409
    go_on = engine.pause_at(1)

    def cancel(task):
        if task.current_step and not task.cancelling and not task.is_final:
            client.cancel(task.task_id)
            go_on()

    with pytest.raises(TaskCancelled):
        client.draw("another", on_change=cancel, **SMALL)


def test_what_interrupts_a_drawing_cancels_it(client, engine):
    go_on = engine.pause_at(1)

    def interrupt(task):
        if task.current_step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.draw("a fox", on_change=interrupt, **SMALL)
    go_on()
    (task,) = client.queue(finished=True)
    assert client.wait(task.task_id).status == "cancelled"


def test_a_request_that_is_interrupted_leaves_no_task_behind(server: Embedded, engine: FakeEngine):
    class Interrupted(Breaking):
        """Somebody presses Ctrl-C when the server has the request and the answer is on its way."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if len(self.requests) == 1:
                response.close()
                raise KeyboardInterrupt
            return response

    go_on = engine.pause_at(1)
    with Client(server.url, server.token, retries=AT_ONCE, transport=Interrupted(0)) as client:
        with pytest.raises(KeyboardInterrupt):
            client.draw("a fox", **SMALL)
        (task,) = client.queue(finished=True)
        assert task.cancelling or task.status == "cancelled"
        go_on()
        assert client.wait(task.task_id).status == "cancelled"


def test_a_wait_has_a_limit_and_the_task_goes_on(client, engine):
    go_on = engine.pause_at(1)
    task_id = client.generate("a fox", **SMALL)
    with pytest.raises(WaitTimeout, match=r"0\.05 s"):
        client.wait(task_id, timeout_s=0.05)
    go_on()
    assert client.wait(task_id, timeout_s=30).status == "completed"


def test_wrong_fields_are_named(client):
    with pytest.raises(InvalidRequest) as refused:
        client.generate("a fox", width=250, num_inference_steps=99)
    assert refused.value.code == "validation_error"
    assert [problem.field for problem in refused.value.fields] == ["width", "num_inference_steps"]
    with pytest.raises(TypeError, match=r"hight.*extra"):
        client.generate("a fox", hight=256)


def test_options_that_are_none_are_the_servers_own(client):
    task = client.wait(client.generate("a fox", seed=None, model=None, **SMALL))
    assert task.request["num_inference_steps"] == 9


def test_a_preview_comes_or_does_not(client):
    task_id = client.generate("a fox", **SMALL)
    client.wait(task_id)
    assert client.preview(task_id) is None


def test_an_estimate_says_whether_it_fits(client):
    estimate = client.estimate("a fox", **SMALL)
    assert (estimate.model, estimate.width, estimate.fits) == ("zimage-nano", 256, True)


# -- pictures that are sent --------------------------------------------------------------------------------------------


def test_pictures_are_sent_before_the_request_that_names_them(tmp_path):
    (tmp_path / "fox.png").write_bytes(b"fox")
    answers = [httpx.Response(201, json={"input_id": name, "width": 8, "height": 8}) for name in ("in1", "in2", "in3")]
    client, requests = mocked(*answers, httpx.Response(202, json={"task_id": TASK_ID}))
    control = {"image": b"pose", "kind": "pose", "scale": 0.7}
    options = {"strength": 0.6, "mask_mode": "only_masked", "feather": 8, "upscale": 2, "outpaint": {"top": 64}}

    client.generate("a wolf", init_image=tmp_path / "fox.png", mask=b"mask", control=[control], **options)

    assert [request.url.path for request in requests] == ["/api/inputs"] * 3 + ["/api/generate"]
    assert b'filename="fox.png"' in requests[0].content
    assert b"fox" in requests[0].content
    body = httpx.Response(200, content=requests[-1].content).json()
    assert body == {
        "prompt": "a wolf", "init_image": {"input_id": "in1"}, "mask": {"input_id": "in2"},
        "control": [{"image": {"input_id": "in3"}, "kind": "pose", "scale": 0.7}], **options, "upscale": {"factor": 2},
    }  # fmt: skip


def test_references_are_sent_in_their_order_and_a_control_may_have_no_picture():
    answers = [httpx.Response(201, json={"input_id": name, "width": 8, "height": 8}) for name in ("in1", "in2")]
    client, requests = mocked(*answers, httpx.Response(202, json={"task_id": TASK_ID}))
    client.generate("a wolf", references=[b"fox", b"forest"], control=[{"kind": "inpaint", "scale": 0.5}])
    body = httpx.Response(200, content=requests[-1].content).json()
    assert body["references"] == [{"input_id": "in1"}, {"input_id": "in2"}]
    assert body["control"] == [{"kind": "inpaint", "scale": 0.5}]


def test_a_mask_is_made_of_what_is_transparent_in_a_picture():
    answers = [httpx.Response(201, json={"input_id": name, "width": 8, "height": 8}) for name in ("in1", "in2")]
    client, requests = mocked(*answers)
    assert client.mask_of(b"logo").input_id == "in2"
    assert [request.url.path for request in requests] == ["/api/inputs", "/api/inputs/mask"]
    assert httpx.Response(200, content=requests[1].content).json() == {"image": {"input_id": "in1"}}


def test_pictures_of_the_history_and_sent_ones_are_named(client):
    image = client.draw("a fox", **SMALL)[0].image
    mock, requests = mocked(httpx.Response(202, json={"task_id": TASK_ID}))
    mock.generate("a wolf", init_image=image, mask=Input(input_id="in1"), base=image, extra={"newer": True})
    body = httpx.Response(200, content=requests[0].content).json()
    assert body == {
        "prompt": "a wolf",
        "init_image": {"image_id": image.id},
        "mask": {"input_id": "in1"},
        "base": {"image_id": image.id},
        "newer": True,
    }


def test_what_is_no_picture_is_refused():
    client, requests = mocked()
    with pytest.raises(TypeError, match="not int"):
        client.upload(3)
    with pytest.raises(FileNotFoundError):
        client.upload("no-such-file.png")
    assert requests == []


# -- the queue, the history, the models --------------------------------------------------------------------------------


def test_the_queue_is_listed_moved_and_cleared(client, engine):
    go_on = engine.pause_at(1)
    first, second, third = (client.generate(name, **SMALL) for name in ("one", "two", "three"))
    assert engine.paused.wait(10)
    assert [task.task_id for task in client.queue()] == [first, second, third]
    assert client.move(third, 0).queue_position is not None
    assert [task.task_id for task in client.queue()] == [first, third, second]
    client.move(third, by=1)
    assert [task.task_id for task in client.queue()] == [first, second, third]
    with pytest.raises(ValueError, match="either position or by"):
        client.move(third)
    fourth = client.generate("four", **SMALL)
    client.move(fourth, 0)
    assert [task.task_id for task in client.cancel_waiting()] == [fourth, second, third]
    second, third = client.retry(second), client.retry(third)
    go_on()
    for task_id in (first, second, third):
        client.wait(task_id)
    assert client.queue() == ()
    assert len(client.queue(finished=True)) == 6
    client.clear()
    assert client.queue(finished=True) == ()


def test_a_task_is_tried_again_as_a_new_one(client, engine):
    engine.errors[1] = RuntimeError("once")
    first = client.generate("a fox", **SMALL)
    assert client.wait(first).status == "failed"
    second = client.retry(first)
    assert second != first
    assert client.wait(second).status == "completed"


def test_the_history_is_walked_searched_and_changed(client):
    images = [client.draw(f"fox number {number}", seed=number, **SMALL)[0].image for number in range(5)]
    ids = [image.id for image in reversed(images)]
    assert client.latest().id == ids[0]
    assert client.has_token
    assert httpx.get(client.link(ids[0]), trust_env=False).content == client.download(ids[0])
    assert [image.id for image in client.images(page_size=2)] == ids
    page = client.history(page_size=2, sort="oldest")
    assert (page.total, [image.id for image in page.images]) == (5, ids[:-3:-1])
    assert [image.id for image in client.images(q="number 3")] == [images[3].id]
    with pytest.raises(TypeError, match="no such filter: query"):
        client.history(query="fox")

    assert client.mark([ids[0]]).done == (ids[0],)
    assert client.tag(ids[:2], "animals").done == tuple(ids[:2])
    assert [image.id for image in client.images(favourite=True)] == [ids[0]]
    assert next(iter(client.images(tag="animals"))).tags == ("animals",)
    assert client.delete(ids[0], "f" * 32).missing == ("f" * 32,)
    assert client.restore(ids[0]).done == (ids[0],)
    client.delete(ids[0])
    client.delete_for_good(ids[0])
    with pytest.raises(NotFound):
        client.download(ids[0])


def test_an_image_is_imported_once(client):
    drawn = client.draw("a fox", **SMALL)[0]
    assert client.import_image(drawn.png).id == drawn.image.id


def test_models_and_the_machine(client):
    models = client.models()
    assert models.default == "zimage-nano"
    assert next(model for model in models.models if model.id == "zimage-nano").installed
    with pytest.raises(NotFound):
        client.download_model("no-such-model")
    assert client.capabilities().limits["max_pictures"] == 16
    assert client.status().memory["total_gb"] > 0
    wait_until(lambda: client.readiness().is_ready, "readiness")
    client.unload_models()


# -- connections that break --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout])
def test_a_request_whose_answer_was_lost_draws_once(server: Embedded, engine: FakeEngine, error):
    network = Breaking(2, error)
    with Client(server.url, server.token, retries=AT_ONCE, transport=network) as client:
        task_id = client.generate("a fox", **SMALL)
        assert client.wait(task_id).status == "completed"
        assert [task.task_id for task in client.queue(finished=True)] == [task_id]
    posts = [request for request in network.requests if request.method == "POST"]
    assert len(posts) == 3
    assert len({request.headers["Idempotency-Key"] for request in posts}) == 1
    assert len(engine.requests) == 1


def test_two_requests_have_two_keys(client, engine):
    assert client.generate("a fox", **SMALL) != client.generate("a fox", **SMALL)
    first = client.generate("a wolf", idempotency_key="mine", **SMALL)
    assert client.generate("a wolf", idempotency_key="mine", **SMALL) == first


def test_what_would_be_done_twice_is_not_sent_again(server: Embedded, engine: FakeEngine):
    engine.errors[1] = RuntimeError("once")
    network = Breaking(0)
    with Client(server.url, server.token, retries=AT_ONCE, transport=network) as client:
        task_id = client.generate("a fox", **SMALL)
        client.wait(task_id)
        network.losses = 1
        with pytest.raises(ConnectionFailed, match="not known"):
            client.retry(task_id)
        assert len(client.queue(finished=True)) == 2


def test_a_request_that_never_left_is_sent_again_whatever_it_is():
    client, requests = mocked(httpx.ConnectError, httpx.ConnectTimeout, httpx.Response(202, json={"task_id": TASK_ID}))
    assert client.retry(TASK_ID) == TASK_ID
    assert len(requests) == 3


def test_patience_ends():
    client, requests = mocked(*[httpx.ConnectError] * 9)
    with pytest.raises(ConnectionFailed, match=r"No Z-Image answers at http://127\.0\.0\.1:9: broken"):
        client.models()
    assert len(requests) == AT_ONCE.attempts


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(status):
    client, requests = mocked(refusal(status, **{"Retry-After": "0"}), httpx.Response(202, json={"task_id": TASK_ID}))
    assert client.generate("a fox") == TASK_ID
    assert requests[0].headers["Idempotency-Key"] == requests[1].headers["Idempotency-Key"]


def test_a_server_that_asks_for_too_much_patience_is_not():
    client, requests = mocked(refusal(429, **{"Retry-After": "3600"}))
    with pytest.raises(Unavailable) as refused:
        client.generate("a fox")
    assert (refused.value.retry_after_s, refused.value.position, refused.value.code) == (3600, 3, "queue_full")
    assert len(requests) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 507])
def test_a_refusal_is_final(status):
    client, requests = mocked(refusal(status))
    with pytest.raises(Exception, match=r"No\."):
        client.generate("a fox")
    assert len(requests) == 1


def test_not_ready_is_an_answer():
    client, _ = mocked(httpx.Response(503, json={"status": "not ready", "checks": {"disk": False}}))
    readiness = client.readiness()
    assert (readiness.is_ready, readiness.checks) == (False, {"disk": False})


def test_a_wrong_token_is_said(server: Embedded):
    with Client(server.url, "wrong", retries=AT_ONCE) as client, pytest.raises(Unauthorized) as refused:
        client.models()
    assert refused.value.status == 401
    assert "The token was not accepted" in str(refused.value)
    assert "ZIMAGE_API_TOKEN" in str(refused.value)


def test_a_missing_token_is_said(server: Embedded, monkeypatch):
    monkeypatch.delenv("ZIMAGE_API_TOKEN", raising=False)
    with Client(server.url, retries=AT_ONCE) as client, pytest.raises(Unauthorized, match="needs a token") as refused:
        client.models()
    assert "ZIMAGE_API_TOKEN" in str(refused.value)


def test_another_kind_of_server_is_noticed():
    client, _ = mocked(httpx.Response(200, text="<html>"), httpx.Response(200, json={"hello": 1}), httpx.Response(301))
    with pytest.raises(UnexpectedAnswer, match="JSON"):
        client.models()
    with pytest.raises(UnexpectedAnswer, match="task_id is missing"):
        client.task(TASK_ID)
    with pytest.raises(Exception, match="not by Z-Image"):
        client.task(TASK_ID)


# -- events ------------------------------------------------------------------------------------------------------------


def event(number: int, **values: object) -> bytes:
    data = {"task_id": TASK_ID, "status": "processing", "current_step": number, **values}
    body = httpx.Response(200, json=data).text
    return f"event: status\nid: e{number}\ndata: {body}\n\n".encode()


class Pieces(httpx.SyncByteStream):
    """Body that comes in pieces and may break."""

    def __init__(self, *pieces: bytes, error: type[httpx.TransportError] | None = None) -> None:
        self.pieces = pieces
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.error is not None:
            raise self.error("broken")


def stream(
    *pieces: bytes, error: type[httpx.TransportError] | None = None, kind: str = "text/event-stream"
) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": kind}, stream=Pieces(*pieces, error=error))


def steps(client: Client) -> list[int]:
    return [task.current_step for task in client.events(TASK_ID)]


def test_events_go_on_where_they_broke():
    whole = event(3)
    client, requests = mocked(
        stream(event(1), event(2), whole[:20], error=httpx.ReadError),
        httpx.ConnectError,
        stream(b": keep-alive\n\n", whole, event(4, status="completed"), event(5)),
    )
    assert steps(client) == [1, 2, 3, 4]
    assert [request.headers.get("Last-Event-ID") for request in requests] == [None, "e2", "e2"]


def test_events_that_end_quietly_are_asked_for_again():
    client, requests = mocked(stream(event(1)), httpx.Response(204))
    assert steps(client) == [1]
    assert requests[1].headers["Last-Event-ID"] == "e1"


def test_events_that_nobody_passes_on_are_polled():
    def task(number: int, status: str) -> httpx.Response:
        return httpx.Response(200, json={"task_id": TASK_ID, "status": status, "current_step": number})

    client, requests = mocked(stream(error=httpx.ReadTimeout), stream(b": nothing\n\n", error=httpx.ReadTimeout),
                              task(1, "processing"), task(2, "completed"))  # fmt: skip
    assert steps(client) == [1, 2]
    assert [request.url.path.endswith("/events") for request in requests] == [True, True, False, False]

    client, requests = mocked(stream(kind="text/html"), task(1, "completed"))
    assert steps(client) == [1]


def test_a_busy_server_is_listened_to_later():
    client, requests = mocked(refusal(503), httpx.Response(502), stream(event(1, status="completed")))
    assert steps(client) == [1]
    assert len(requests) == 3


def test_a_server_that_stays_away_ends_the_events():
    client, requests = mocked(stream(event(1), error=httpx.ReadError), *[httpx.ConnectError] * 9)
    with pytest.raises(ConnectionFailed):
        steps(client)
    assert len(requests) == AT_ONCE.attempts


def test_events_of_an_unknown_task(client):
    with pytest.raises(NotFound):
        next(client.events(TASK_ID))


def test_an_event_of_something_else_is_noticed():
    client, _ = mocked(stream(b"event: status\ndata: {}\n\n"))
    with pytest.raises(UnexpectedAnswer, match="task_id is missing"):
        steps(client)


def test_events_are_watched_by_many(client, engine):
    go_on = engine.pause_at(1)
    task_id = client.generate("a fox\u2028on a line of its own", **SMALL)
    ends: list[str] = []
    threads = [threading.Thread(target=lambda: ends.append(list(client.events(task_id))[-1].status)) for _ in range(3)]
    for thread in threads:
        thread.start()
    go_on()
    for thread in threads:
        thread.join(20)
    assert ends == ["completed"] * 3


def test_a_sub_path_of_a_proxy_is_kept():
    transport, requests = answering(httpx.Response(200, json={"models": []}), stream(event(1, status="completed")))
    with Client("https://example.org/zimage/", transport=transport, retries=AT_ONCE) as client:
        client.models()
        assert steps(client) == [1]
    assert [str(request.url) for request in requests] == [
        "https://example.org/zimage/api/models",
        f"https://example.org/zimage/api/generate/{TASK_ID}/events",
    ]


def test_the_address_and_the_token_come_from_the_environment(monkeypatch, server: Embedded):
    monkeypatch.setenv("ZIMAGE_URL", f"{server.url}/api/")
    monkeypatch.setenv("ZIMAGE_API_TOKEN", server.token)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with Client() as client:
        assert client.models().default == "zimage-nano"


def test_loras_are_sent_listed_and_deleted(client, tmp_path):
    file = write_lora(tmp_path / "ink.safetensors", {"modelspec.trigger_phrase": "inky"}, rank=64)
    lora = client.add_lora(file)
    assert (lora.name, lora.trigger_words, lora.is_own, lora.problem) == ("ink", ("inky",), True, None)
    assert client.add_lora(file.read_bytes(), "other.safetensors").name == "ink"
    found = client.loras("z-image-turbo")
    assert [one.name for one in found.loras] == ["ink"]
    assert found.max_upload_bytes == 2**31
    image = client.draw("a fox", **SMALL, loras=[{"name": "ink", "strength": 0.5}])[0].image
    assert image.loras[0]["name"] == "ink"
    assert [one.id for one in client.images(lora="ink")] == [image.id]
    assert client.draw("a fox", **SMALL, loras=image.loras)[0].image.loras == image.loras
    for name in (lora, "ink"):
        with pytest.raises(NotFound):
            client.lora_preview(name)
    client.delete_lora(lora)
    with pytest.raises(NotFound):
        client.delete_lora("ink")


def test_what_is_no_lora(client, tmp_path):
    with pytest.raises(InvalidRequest, match="pickled"):
        client.add_lora(b"PK\x03\x04 and more", "a.safetensors")
    with pytest.raises(TypeError, match="name"):
        client.add_lora(b"x")
    with pytest.raises(TypeError, match="path or bytes"):
        client.add_lora(3)
    with pytest.raises(OSError, match="nowhere"):
        client.add_lora(tmp_path / "nowhere.safetensors")
