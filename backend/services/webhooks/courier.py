"""Sends what waits in the outbox, on a thread of its own, until it is received or given up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from backend import __version__
from backend.services.errors import CallbackRefused
from backend.services.webhooks.outbox import Delivery, Outbox
from backend.services.webhooks.sending import Answer, BadAnswer, Sender
from backend.utils.network.http_address import read_http_address
from backend.utils.network.standard_webhooks import sign

logger = logging.getLogger(__name__)

WAITS_S = (5.0, 30.0, 120.0, 600.0, 3600.0, 3 * 3600.0, 8 * 3600.0)
"""Before the second attempt, the third …; after the last one a delivery is given up."""
MAX_WAIT_S = 24 * 3600.0
LOOK_S = 60.0
"""Longest sleep, for a machine that was suspended or whose clock was set."""
MAX_AT_ONCE = 8
MAX_AT_ONCE_OF_ONE = 2
"""Of one client, whose server may hang."""
GONE = 410
"""Whoever answers so wants no more of it."""


class Courier:
    """One thread with an event loop, and a bounded number of requests at once."""

    def __init__(
        self,
        outbox: Outbox,
        sender: Sender,
        secrets: Mapping[str, bytes],
        *,
        waits_s: tuple[float, ...] = WAITS_S,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._secrets = secrets
        self._waits_s = waits_s
        self._now = now
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._sending: dict[str, str] = {}
        """Clients of what is being sent, by the ids of the deliveries."""
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = threading.Event()

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def wake(self) -> None:
        """Makes it look into the outbox."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._changed.set)

    def close(self, timeout_s: float) -> bool:
        """Cuts off what is being sent, which the next start sends again; returns whether that has ended in time."""
        self._closing.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                asyncio.run(self._work())
            except Exception:  # a fault of ours must not silence all webhooks
                logger.exception("the webhooks go on")
                self._closing.wait(self._waits_s[0])

    async def _work(self) -> None:
        self._changed, self._loop = asyncio.Event(), asyncio.get_running_loop()
        requests: set[asyncio.Task[None]] = set()
        while not self._closing.is_set():
            self._changed.clear()
            now = self._now()
            for delivery in self._due(now):
                self._sending[delivery.id] = delivery.client
                request = asyncio.create_task(self._deliver(delivery))
                requests.add(request)
                request.add_done_callback(requests.discard)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self._seconds_to_next(now))
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    def _due(self, now: float) -> list[Delivery]:
        """Returns what is to be sent now, as much as may be sent at once."""
        due: list[Delivery] = []
        of_client = Counter(self._sending.values())
        for delivery in self._outbox.waiting(without=self._sending):
            if delivery.due_at > now or len(self._sending) + len(due) >= MAX_AT_ONCE:
                break
            if of_client[delivery.client] < MAX_AT_ONCE_OF_ONE:
                of_client[delivery.client] += 1
                due.append(delivery)
        return due

    def _seconds_to_next(self, now: float) -> float:
        """Returns the longest sleep; the end of a request wakes it, too, for what was due and had to wait for that."""
        later = [one.due_at - now for one in self._outbox.waiting(without=self._sending) if one.due_at > now]
        return min([*later, LOOK_S])

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._attempt(delivery)
        except Exception:  # a fault of ours: as if nobody had answered
            logger.exception("webhook %s", delivery.id)
            self._try_later(delivery, "a fault of this server", None)
        finally:
            self._sending.pop(delivery.id, None)
            self._changed.set()

    async def _attempt(self, delivery: Delivery) -> None:
        secret = self._secrets.get(delivery.client)
        if secret is None:
            self._give_up(delivery, f"there is no secret of {delivery.client} any more")
            return
        try:
            target = read_http_address(delivery.url)
        except ValueError as error:
            self._give_up(delivery, str(error))
            return
        try:
            answer = await self._sender.post(target, self._headers(delivery, secret), delivery.body.encode())
        except CallbackRefused as error:
            self._give_up(delivery, str(error))
        except TimeoutError:
            self._try_later(delivery, "it takes too long", None)
        except (OSError, BadAnswer) as error:
            self._try_later(delivery, str(error) or type(error).__name__, None)
        else:
            self._take(delivery, answer)

    def _headers(self, delivery: Delivery, secret: bytes) -> dict[str, str]:
        moment_s = int(self._now())
        return {
            "User-Agent": f"Z-Image/{__version__}",
            "Content-Type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(moment_s),
            "webhook-signature": sign(secret, delivery.id, moment_s, delivery.body.encode()),
        }

    def _take(self, delivery: Delivery, answer: Answer) -> None:
        if 200 <= answer.status < 300:
            self._outbox.remove(delivery.id)
            logger.info("webhook %s was received", delivery.id)
        elif answer.status == GONE:
            self._give_up(delivery, f"it answers {GONE}")
        else:
            self._try_later(delivery, f"it answers {answer.status}", answer.retry_after_s)

    def _try_later(self, delivery: Delivery, why: str, asked_s: float | None) -> None:
        if delivery.attempts >= len(self._waits_s):
            self._give_up(delivery, why)
            return
        wait_s = self._waits_s[delivery.attempts] * random.uniform(0.8, 1.2)
        wait_s = min(max(wait_s, asked_s or 0.0), MAX_WAIT_S)
        self._outbox.put(
            delivery.model_copy(update={"attempts": delivery.attempts + 1, "due_at": self._now() + wait_s})
        )
        logger.warning("webhook %s was not received (%s); again in %.0f s", delivery.id, why, wait_s)

    def _give_up(self, delivery: Delivery, why: str) -> None:
        self._outbox.remove(delivery.id)
        n_attempts = delivery.attempts + 1
        words = f"{n_attempts} attempt{'s' if n_attempts > 1 else ''}"
        logger.error("webhook %s is given up after %s: %s", delivery.id, words, why)
