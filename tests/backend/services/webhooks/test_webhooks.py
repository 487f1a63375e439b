from __future__ import annotations

import pytest

from backend.models.schemas import Status
from backend.services.errors import CallbackRefused
from backend.services.tasks.records import TaskRecord
from backend.services.webhooks.webhooks import Webhooks
from backend.utils.clock import utc_now
from tests.backend.fakes import a_request, wait_until
from tests.backend.services.webhooks.receiving import LOOPBACK, SECRETS, receiving


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def make(tmp_path):
    made: list[Webhooks] = []

    def make(secrets=SECRETS, networks=LOOPBACK, waits_s=(0.0,) * 5) -> Webhooks:
        webhooks = Webhooks(
            tmp_path / "webhooks.json", secrets, lambda task: {"task_id": task.id}, networks=networks, waits_s=waits_s
        )
        made.append(webhooks)
        webhooks.open()
        return webhooks

    yield make
    for webhooks in made:
        assert webhooks.close(5)


def a_task(url: str | None, number: int = 0, client: str = "alice", status: Status = Status.COMPLETED) -> TaskRecord:
    request = a_request(callback_url=url) if url else a_request()
    return TaskRecord(id=f"{number:032x}", request=request, client=client, status=status, created_at=utc_now())


def test_the_end_of_a_task_is_told_with_the_task(make, receiver):
    webhooks = make()
    for number, status in enumerate(status for status in Status if status.is_final):
        webhooks.on_ended(a_task(receiver.url, number, status=status))
    messages = receiver.wait_for(4)
    assert sorted(message["type"] for message in messages) == [
        "task.cancelled", "task.completed", "task.failed", "task.interrupted",
    ]  # fmt: skip
    assert all(set(message) == {"type", "timestamp", "data"} for message in messages)
    assert {message["data"]["task_id"] for message in messages} == {f"{number:032x}" for number in range(4)}


def test_each_is_signed_with_the_secret_of_its_token(make, receiver):
    webhooks = make()
    webhooks.on_ended(a_task(receiver.url, 1, client="bobby"))
    wait_until(lambda: receiver.requests)
    assert receiver.verified(0, "bobby")["data"]["task_id"].endswith("1")


def test_tasks_without_an_address_and_clients_without_a_secret_have_none(make, receiver):
    webhooks = make()
    webhooks.on_ended(a_task(None))
    webhooks.on_ended(a_task(receiver.url, client="carol"))
    assert len(webhooks) == 0


def test_without_secrets_there_is_no_thread_and_no_file(make, tmp_path):
    webhooks = make(secrets={})
    assert not webhooks.enabled
    webhooks.check(None, "alice")
    with pytest.raises(CallbackRefused, match="named access tokens"):
        webhooks.check("https://hooks.example/", "alice")
    assert list(tmp_path.iterdir()) == []


def test_what_is_hopeless_is_refused_before_the_task_is_taken(make):
    webhooks = make(networks=())
    webhooks.check("https://hooks.example/", "alice")
    for url in ("http://hooks.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://2130706433/"):
        with pytest.raises(CallbackRefused):
            webhooks.check(url, "alice")
    with pytest.raises(CallbackRefused):
        webhooks.check("https://hooks.example/", "127.0.0.1")  # a client without a token


def test_the_next_run_delivers_what_this_one_could_not(make, receiver):
    receiver.statuses = [500]
    first = make(waits_s=(3600.0,))
    first.on_ended(a_task(receiver.url))
    wait_until(lambda: first._outbox.waiting()[0].attempts == 1)
    assert first.close(5)

    second = make(waits_s=(3600.0,))
    assert len(second) == 1
    kept = second._outbox.waiting()[0]
    second._outbox.put(kept.model_copy(update={"due_at": 0.0}))  # an hour later
    second._courier.wake()
    receiver.wait_for(2)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1
    wait_until(lambda: len(second) == 0)
