from __future__ import annotations

import ssl
import threading

import pytest

from backend.services.webhooks import courier as module
from backend.services.webhooks.courier import Courier
from backend.services.webhooks.outbox import Delivery, Outbox
from backend.services.webhooks.reach import Reach
from backend.services.webhooks.sending import Sender
from backend.utils.network.standard_webhooks import read_secret
from tests.backend.fakes import wait_until
from tests.backend.services.webhooks.receiving import LOOPBACK, SECRETS, Receiver, receiving

AT_ONCE = (0.0, 0.0, 0.0)


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(tmp_path / "webhooks.json")
    outbox.open()
    return outbox


@pytest.fixture
def run(outbox):
    couriers: list[Courier] = []

    def run(waits_s=AT_ONCE, networks=LOOPBACK, **options) -> Courier:
        secrets = {name: read_secret(text) for name, text in SECRETS.items()}
        courier = Courier(outbox, Sender(Reach(networks)), secrets, waits_s=waits_s, **options)
        couriers.append(courier)
        courier.start()
        return courier

    yield run
    for courier in couriers:
        assert courier.close(5)


def put(outbox: Outbox, receiver: Receiver, *ids: str, client: str = "alice", url: str | None = None) -> None:
    for key in ids:
        outbox.put(
            Delivery(id=key, client=client, url=url or receiver.url, event="task.completed",
                     body=f'{{"type": "task.completed", "id": "{key}"}}', created_at=0.0, due_at=0.0)
        )  # fmt: skip


def test_a_message_is_signed_sent_and_done(outbox, receiver, run):
    put(outbox, receiver, "one")
    run()
    assert receiver.wait_for(1) == [{"type": "task.completed", "id": "one"}]
    wait_until(lambda: len(outbox) == 0)
    assert receiver.requests[0][1]["webhook-id"] == "one"
    assert receiver.requests[0][1]["content-type"] == "application/json"


def test_one_that_is_added_later_wakes_it(outbox, receiver, run):
    courier = run()
    put(outbox, receiver, "later")
    courier.wake()
    assert len(receiver.wait_for(1)) == 1


def test_each_attempt_has_the_same_id_and_a_signature_of_its_own_time(outbox, receiver, run):
    receiver.statuses = [500, 503, 302, 200]
    put(outbox, receiver, "again")
    moments = iter(range(1_000, 100_000))
    run(now=lambda: float(next(moments)))
    wait_until(lambda: len(receiver.requests) == 4 and len(outbox) == 0)
    assert {headers["webhook-id"] for _, headers, _ in receiver.requests} == {"again"}
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.requests}) == 4
    assert len({headers["webhook-signature"] for _, headers, _ in receiver.requests}) == 4


def test_it_is_given_up_after_the_last_attempt(outbox, receiver, run):
    receiver.statuses = [500] * 10
    put(outbox, receiver, "hopeless")
    run()
    wait_until(lambda: len(outbox) == 0)
    assert len(receiver.requests) == len(AT_ONCE) + 1


def test_whoever_is_gone_is_not_asked_again(outbox, receiver, run):
    receiver.statuses = [410]
    put(outbox, receiver, "gone")
    run()
    wait_until(lambda: len(outbox) == 0)
    assert len(receiver.requests) == 1


def test_a_certificate_of_another_name_may_be_mended(outbox, receiver, run, monkeypatch):
    async def refuse(*_: object) -> None:
        raise ssl.SSLCertVerificationError("Hostname mismatch")  # an OSError and a ValueError

    monkeypatch.setattr(Sender, "post", refuse)
    put(outbox, receiver, "mended")
    run(waits_s=(60.0,))
    wait_until(lambda: outbox.waiting()[0].attempts == 1)
    assert len(outbox) == 1


@pytest.mark.parametrize(("waits_s", "words"), [((), "after 1 attempt:"), ((0.0,), "after 2 attempts:")])
def test_the_log_counts_the_attempts(outbox, receiver, run, caplog, waits_s, words):
    receiver.statuses = [500] * 2
    put(outbox, receiver, "hopeless")
    run(waits_s=waits_s)
    wait_until(lambda: len(outbox) == 0)
    wait_until(lambda: words in caplog.text)


def test_retries_wait_for_longer_and_longer_and_for_as_long_as_they_are_asked(outbox, receiver, run):
    receiver.statuses, receiver.headers = [503], {"Retry-After": "500"}
    put(outbox, receiver, "patient")
    run(waits_s=(5.0, 30.0), now=lambda: 1000.0)
    wait_until(lambda: outbox.waiting()[0].attempts == 1)
    assert outbox.waiting()[0].due_at == 1500.0
    assert list(module.WAITS_S) == sorted(module.WAITS_S)


def test_an_address_of_a_private_network_is_given_up_unasked(outbox, receiver, run):
    put(outbox, receiver, "inner")
    put(outbox, receiver, "named", url=receiver.url.replace("127.0.0.1", "localhost").replace("http:", "https:"))
    run(networks=())
    wait_until(lambda: len(outbox) == 0)
    assert receiver.requests == []


def test_a_token_without_a_secret_has_no_webhooks_any_more(outbox, receiver, run):
    put(outbox, receiver, "left", client="carol")
    run()
    wait_until(lambda: len(outbox) == 0)
    assert receiver.requests == []


def test_a_hanging_server_of_one_does_not_hold_up_the_others(outbox, receiver, run):
    go_on = threading.Event()
    with receiving() as hanging:
        hanging.before_answer = lambda: go_on.wait(10)
        put(outbox, hanging, *(f"hangs {n}" for n in range(module.MAX_AT_ONCE * 2)), client="bobby")
        put(outbox, receiver, "quick")
        run()
        receiver.wait_for(1)
        assert len(hanging.requests) <= module.MAX_AT_ONCE_OF_ONE
        go_on.set()
        wait_until(lambda: len(outbox) == 0)
        assert len(hanging.requests) == module.MAX_AT_ONCE * 2


def test_what_is_cut_off_by_the_end_is_kept(outbox, receiver, run):
    go_on = threading.Event()
    receiver.before_answer = lambda: go_on.wait(10)
    put(outbox, receiver, "cut off")
    courier = run()
    wait_until(lambda: receiver.requests)
    assert courier.close(5)
    go_on.set()
    assert [one.id for one in outbox.waiting()] == ["cut off"]
    run()
    wait_until(lambda: len(outbox) == 0)
    assert len(receiver.requests) == 2


def test_a_fault_of_ours_is_one_of_the_delivery_only(outbox, receiver, run, monkeypatch):
    calls: list[str] = []
    sign = module.sign

    def fail_once(secret: bytes, message_id: str, *rest: object) -> str:
        calls.append(message_id)
        if len(calls) == 1:
            raise RuntimeError("a fault")
        return sign(secret, message_id, *rest)

    monkeypatch.setattr(module, "sign", fail_once)
    put(outbox, receiver, "one")
    run()
    wait_until(lambda: len(outbox) == 0)
    assert calls == ["one", "one"]
