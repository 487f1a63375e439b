"""A process that is killed between the end of a task and the receipt of its webhook: the next one delivers it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backend.services.webhooks.webhooks import Webhooks
from tests.backend.fakes import wait_until
from tests.backend.services.webhooks.receiving import LOOPBACK, SECRETS, receiving

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, time
from pathlib import Path
from backend.services.webhooks.webhooks import Webhooks
from tests.backend.services.webhooks.receiving import LOOPBACK, SECRETS
from tests.backend.services.webhooks.test_webhooks import a_task

webhooks = Webhooks(Path(sys.argv[1]), SECRETS, lambda task: {"task_id": task.id}, networks=LOOPBACK, waits_s=(3600.0,))
webhooks.open()
for number in range(3):
    webhooks.on_ended(a_task(sys.argv[2], number))
print("ended", flush=True)
time.sleep(60)
"""


def test_what_ended_before_a_kill_is_told_after_the_restart(tmp_path: Path):
    file = tmp_path / "webhooks.json"
    with receiving() as receiver:
        receiver.statuses = [503] * 3
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(file), receiver.url],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "ended\n"
        wait_until(lambda: len(receiver.requests) == 3, "the first attempts")
        child.kill()
        child.communicate(timeout=10)

        later = Webhooks(
            file, SECRETS, lambda task: None, networks=LOOPBACK, waits_s=(0.0,), now=lambda: 10.0**11,
        )  # fmt: skip
        later.open()
        wait_until(lambda: len(receiver.requests) >= 6, "the second attempts")
        wait_until(lambda: len(later) == 0, "their receipts")
        assert later.close(5)
    ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert set(ids[:3]) == set(ids[3:]) == {f"{number:032x}_completed" for number in range(3)}
    assert {receiver.verified(number)["data"]["task_id"] for number in range(3)} == {f"{n:032x}" for n in range(3)}
