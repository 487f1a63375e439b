"""Tells whoever has asked for it how a task has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson

from backend.services.errors import CallbackRefused
from backend.services.tasks.records import TaskRecord
from backend.services.webhooks.courier import Courier
from backend.services.webhooks.outbox import Delivery, Outbox
from backend.services.webhooks.reach import Reach
from backend.services.webhooks.sending import Sender
from backend.utils.network.http_address import read_http_address
from backend.utils.network.standard_webhooks import read_secret

Present = Callable[[TaskRecord], object]
"""Returns a task as the API presents it, ready for JSON."""


class Webhooks:
    """Webhooks of the tokens that have a secret; without any it does nothing and has no thread."""

    def __init__(
        self,
        file: Path,
        secrets: Mapping[str, str],
        present: Present,
        *,
        networks: tuple[str, ...] = (),
        sender: Sender | None = None,
        waits_s: tuple[float, ...] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Opens nothing yet.

        Args:
            file: Where the deliveries are kept that are not done.
            secrets: `whsec_…` by the name of the token.
            present: How a task is told.
            networks: Private networks that may be reached.
            sender: What sends, instead of the network.
            waits_s: Seconds between the attempts, instead of the usual ones.
            now: Clock of the delivery, in seconds since 1970.
        """
        self._secrets = {name: read_secret(text) for name, text in secrets.items()}
        self._present = present
        self._now = now
        self._reach = Reach(networks)
        self._outbox = Outbox(file)
        changes = {} if waits_s is None else {"waits_s": waits_s}
        self._courier = Courier(self._outbox, sender or Sender(self._reach), self._secrets, now=now, **changes)

    @property
    def enabled(self) -> bool:
        """Whether any token may have webhooks."""
        return bool(self._secrets)

    def __len__(self) -> int:
        return len(self._outbox)

    def open(self) -> None:
        """Takes up what the last run has not delivered; before the queue, which tells what has ended meanwhile.

        Raises:
            NewerFormat: A newer version of this program wrote it; nothing was touched.
        """
        if self.enabled:
            self._outbox.open()
            self._courier.start()

    def close(self, timeout_s: float = 1.0) -> bool:
        """Stops; what is not delivered is kept. Returns whether that has ended in time."""
        return self._courier.close(timeout_s)

    def check(self, url: str | None, client: str) -> None:
        """Lets a client's request pass that wants a webhook, or none.

        Raises:
            CallbackRefused: The client may have none, or not at this address.
        """
        if url is None:
            return
        if client not in self._secrets:
            raise CallbackRefused(
                "Webhooks are for named access tokens with a secret: ZIMAGE_API_TOKENS and ZIMAGE_WEBHOOK_SECRETS on "
                "the server."
            )
        self._reach.refuse_hopeless(read_http_address(url))

    def on_ended(self, task: TaskRecord) -> None:
        """Puts the message of a task that has ended into the outbox, where the task wants it."""
        url = task.request.callback_url
        if url is None or task.client not in self._secrets:
            return
        moment_s = self._now()
        event = f"task.{task.status}"
        body = {
            "type": event,
            "timestamp": datetime.fromtimestamp(moment_s, UTC).isoformat(),
            "data": self._present(task),
        }
        self._outbox.put(
            Delivery(
                id=f"{task.id}_{task.status}",
                client=task.client,
                url=url,
                event=event,
                body=orjson.dumps(body).decode(),
                created_at=moment_s,
                due_at=moment_s,
            )
        )
        self._courier.wake()
