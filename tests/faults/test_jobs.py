"""Faults 10–20: whatever happens to a task or the device, the queue goes on and tells the truth."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
import weakref

import pytest

from backend.models.schemas import MAX_SIDE_PX, Status
from backend.services.errors import BlankPicture, OutOfMemory, TaskAlreadyFinished
from backend.services.library.model_folder import find_fault
from backend.services.tasks.store import Journal
from tests.backend.fakes import a_request, make_model_folder, wait_until
from tests.backend.services.tasks.managing import end, run_into_pause


def test_fault_10_process_dies_while_running(make, engine, store):
    crashed = make()
    crashed.start()
    running, release = run_into_pause(crashed, engine, 2)
    waiting = [crashed.submit(a_request(f"waiting {n}")) for n in range(3)]
    crashed._table._journal.write = lambda tasks: None  # dead to the disk, and about to end
    crashed._workers.closing = True

    restarted = make()
    restarted.start()
    assert restarted.get(running).status is Status.INTERRUPTED
    release()
    end(restarted, *waiting)
    assert [prompt for prompt in store.prompts if prompt.startswith("waiting")] == [f"waiting {n}" for n in range(3)]
    assert restarted.get(running).status is Status.INTERRUPTED
    assert end(restarted, restarted.retry(running))[0].status is Status.COMPLETED


def test_fault_11_poison_job(manager, engine):
    engine.errors[1] = RuntimeError("poison")
    [task] = end(manager, manager.submit(a_request()))
    assert (task.status, len(engine.requests)) == (Status.FAILED, 1)


def test_fault_12_out_of_memory(manager, engine, monkeypatch):
    monkeypatch.setattr(
        logging.root.manager, "disable", logging.CRITICAL
    )  # pytest keeps what is logged, with its frames

    class Tensor:
        """Stands for what a failed forward held."""

    held: list[weakref.ref[Tensor]] = []

    def fail(step: int) -> None:
        if step == 2 and not held:
            tensor = Tensor()
            held.append(weakref.ref(tensor))
            raise OutOfMemory("It does not fit.")

    engine.watch = fail
    [task] = end(manager, manager.submit(a_request(width=1024)))
    assert (task.status, task.error_code) == (Status.FAILED, "out_of_memory")
    assert "should fit" in task.error
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED
    gc.collect()
    assert held[0]() is None


def test_fault_13_device_error_that_happens_once(client, engine, post, finish):
    engine.errors[1] = RuntimeError("CUDA error: device-side assert triggered")
    assert finish(post())["error_code"] == "device_error"
    assert client.get("/health").status_code == 503
    assert len(engine.requests) == 1  # not retried in place
    assert finish(post())["status"] == "completed"
    assert len(engine.loads) == 2
    assert client.get("/health").status_code == 200


def test_fault_13_sticky_device_error(client, services, engine, post, finish):
    """The device takes two tasks with it; the others wait for a restart."""

    def fail(step: int) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    engine.watch = fail
    first, second, *others = [post(f"{n}") for n in range(20)]
    assert [finish(task)["error_code"] for task in (first, second)] == ["device_error"] * 2
    assert "Restart" in finish(second)["error"]
    health = client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    assert "restart" in health.json()["message"]
    others.append(post("later"))
    assert {client.get(f"/api/generate/{task}").json()["status"] for task in others} == {"pending"}
    assert len(engine.requests) == 2

    services.tasks.close()
    kept = Journal(services.settings.data_dir / "tasks.json").read()
    assert [task.id for task in kept if task.status is Status.PENDING] == others


def test_fault_13_sides_beyond_the_tables(repository_root):
    """The largest side has no more tokens than the embedded model has positions along an axis."""
    parts = repository_root / "Z-Image/ckpts/zimage-nano"
    model, vae = (json.loads((parts / part / "config.json").read_text("utf-8")) for part in ("transformer", "vae"))
    token_px = min(model["all_patch_size"]) * 2 ** (len(vae["block_out_channels"]) - 1)
    assert MAX_SIDE_PX // token_px <= min(model["axes_lens"][1:])


def test_fault_14_cancel(manager, engine, store):
    running, release = run_into_pause(manager, engine, 3)
    queued, following = manager.submit(a_request("queued")), manager.submit(a_request("following"))
    manager.cancel(queued)
    manager.cancel(running)
    manager.cancel(running)  # twice
    release()
    first, second, third = end(manager, running, queued, following)
    assert (first.status, first.current_step) == (Status.CANCELLED, 3)  # within the step
    assert (second.status, third.status) == (Status.CANCELLED, Status.COMPLETED)  # the signal is not stale
    assert engine.decoded == store.prompts == ["following"]
    for task_id in (running, queued, following):
        with pytest.raises(TaskAlreadyFinished):
            manager.cancel(task_id)


def test_fault_15_queue_limit(client, services, engine, post):
    from backend.services.tasks.queue import Limits

    services.tasks._limits, services.tasks._table._kept_finished = Limits(max_queued=2), 3
    release = engine.pause_at(1)
    post()
    wait_until(engine.paused.is_set)
    ids = [post() for _ in range(2)]
    full = client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256})
    assert (full.status_code, full.json()["error"]["position"]) == (429, 2)
    assert int(full.headers["retry-after"]) >= 1
    for task_id in ids * 3:
        client.delete(f"/api/generate/{task_id}")
    release()
    for _ in range(4):
        client.delete(f"/api/generate/{post()}")
    wait_until(lambda: not services.tasks.active())
    assert len(services.tasks.finished()) <= 3


def test_fault_16_lost_response(client, finish):
    body, key = {"prompt": "once", "height": 256, "width": 256}, {"Idempotency-Key": "7f3c"}
    first, again = (client.post("/api/generate", json=body, headers=key).json()["task_id"] for _ in range(2))
    assert first == again
    finish(first)
    assert client.get("/api/history").json()["total"] == 1


def test_fault_17_event_loop_never_blocked(app, client, engine, post):
    release = engine.pause_at(1)
    post()
    wait_until(engine.paused.is_set)
    assert client.get("/health").status_code == 200

    async def lag() -> float:
        """The longest that the loop was held up while it served a status, by its own processor time."""
        from starlette.testclient import TestClient

        worst = 0.0
        for _ in range(5):
            began = time.thread_time()
            await asyncio.to_thread(TestClient(app, base_url="http://localhost").get, "/api/generate")
            worst = max(worst, time.thread_time() - began)
        return worst

    assert asyncio.run(lag()) < 0.1
    release()


def test_fault_18_closing(make, engine):
    """The process with its signals and an attached client is tested in tests/backend/test_server.py."""
    from threading import Thread

    manager = make()
    manager.start()
    running, release = run_into_pause(manager, engine, 2)
    waiting = manager.submit(a_request("waiting"))
    closers = [Thread(target=manager.close) for _ in range(2)]  # a second signal is safe
    for closer in closers:
        closer.start()
    wait_until(lambda: manager.closing)
    release()
    for closer in closers:
        closer.join(10)
    assert manager.get(running).status is Status.INTERRUPTED
    assert manager.get(waiting).status is Status.PENDING
    assert engine.decoded == []


def test_fault_19_model_faults(settings, tmp_path, manager, engine):
    """Strict loading by name is tested with the engines; a folder that lacks a shard is no model at all."""
    folder = make_model_folder(tmp_path / "model")
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (folder / "transformer" / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "transformer" / "model.safetensors").rename(folder / "transformer" / "one.safetensors")
    assert find_fault(folder) is not None

    engine.errors[8] = BlankPicture("The model produced invalid numbers (NaN) instead of a picture.")
    [task] = end(manager, manager.submit(a_request()))
    assert (task.status, task.error_code, task.images) == (Status.FAILED, "invalid_output", ())


def test_fault_20_numerics(manager, engine, store):
    """One after the other, together, and after a cancel: the same seed is the same picture."""
    end(manager, manager.submit(a_request(seed=5)), manager.submit(a_request(seed=6)))
    end(manager, manager.submit(a_request(seed=5, num_images=2)))
    running, release = run_into_pause(manager, engine, 2, "a red apple")
    manager.cancel(running)
    release()
    end(manager, running, manager.submit(a_request(seed=5)))
    pixels = [picture.image.tobytes() for picture in store.pictures]
    assert pixels[0] == pixels[2] == pixels[4]
    assert pixels[1] == pixels[3] != pixels[0]
