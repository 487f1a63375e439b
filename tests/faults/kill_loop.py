"""Kills a writing process again and again; nothing that it had acknowledged may be lost, and no file may be torn.

python -m tests.faults.kill_loop --rounds 200

Each round forks a child that queues tasks, draws (a coloured square) and saves, and writes a line into a pipe whenever
the service has acknowledged something. It is killed with SIGKILL after a random time. Then everything acknowledged must
be found by a fresh start on the same folder.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from backend.models.schemas import Status
from backend.services.generation.events import Ended
from backend.services.images import history_file
from backend.services.images.index import HistoryQuery
from backend.services.images.store import HistoryStore
from backend.services.task_manager import TaskManager
from backend.services.tasks.queue import Limits
from backend.services.tasks.store import Journal
from tests.backend.fakes import FakeExecutor, a_job, a_picture, a_request

ROUNDS_A_FOLDER = 20
LONGEST_LIFE_S = 0.3
LIMITS = Limits(max_queued=10**6, max_queued_per_client=10**6, kept_finished=10**6)


class Squares(FakeExecutor):
    """An executor that is done at once."""

    def prepare(self) -> tuple[str, ...]:
        return ("cpu",)

    def fits(self, slot, job) -> bool:
        return True

    def run(self, slot, job, emit, cancelled) -> None:
        emit(a_picture(job.recipe.prompt, job.recipe.seed))
        emit(Ended())


class Plain:
    """Resolves requests without a catalogue."""

    def complete(self, request):
        return request

    def resolve(self, request):
        return a_job(request.prompt, seed=request.seed)


def live(folder: Path, pipe: int) -> None:
    """What the child does until it is killed."""
    store = open_store(folder)
    journal = Journal(folder / "tasks.json")
    manager = TaskManager(Squares(), store, journal, Plain(), admit=lambda request, job: None, limits=LIMITS)
    manager.start()
    told: set[str] = {task.id for task in manager.finished()}
    while True:
        os.write(pipe, f"queued {manager.submit(a_request(seed=len(told)))}\n".encode())
        for task in manager.finished():
            if task.id not in told and task.status is Status.COMPLETED:
                told.add(task.id)
                os.write(pipe, f"saved {task.result.id}\n".encode())
        newest = store.find(HistoryQuery(page_size=1)).records
        if newest and len(told) % 3 == 0:
            store.trash([newest[0].id])
            os.write(pipe, f"trashed {newest[0].id}\n".encode())


def open_store(folder: Path) -> HistoryStore:
    store = HistoryStore(folder / "images", folder / "history.json")
    store.open()
    return store


def kill_one(folder: Path, dice: random.Random) -> list[list[str]]:
    """Runs a child for a random time; returns what it was told."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            live(folder, writer)
        finally:
            os._exit(1)  # only reached by a fault
    os.close(writer)
    first = os.read(reader, 65536)  # it is at work
    time.sleep(dice.uniform(0, LONGEST_LIFE_S))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("the child ended by itself")
    told = first
    while piece := os.read(reader, 65536):
        told += piece
    os.close(reader)
    return [line.split() for line in told.decode().split("\n")[:-1]]


def check(folder: Path, told: list[list[str]]) -> None:
    """A fresh start finds everything; every file is whole."""
    tasks = {task.id for task in Journal(folder / "tasks.json").read()}
    store = open_store(folder)
    live_ids = {record.id for record in store.find(HistoryQuery(page_size=10**6)).records}
    trash = {record.id for record in store.find(HistoryQuery(page_size=10**6, trash=True)).records}
    for what, name in told:
        found = {"queued": tasks, "saved": live_ids | trash, "trashed": trash}[what]
        if name not in found:
            raise RuntimeError(f"{what} {name} was acknowledged and is lost")
    for image_id in live_ids | trash:
        with Image.open(store.image_path(image_id)) as picture:
            picture.load()
    left = [path.name for path in folder.rglob("*") if path.name.startswith(".tmp-") or ".corrupt" in path.name]
    if left or len(live_ids | trash) != len(list((folder / "images").iterdir())):
        raise RuntimeError(f"left over: {left}")


def kill_loop(rounds: int, seed: int = 1) -> int:
    """Returns how many acknowledgements were checked.

    Raises:
        RuntimeError: something acknowledged is lost.
    """
    dice, acknowledged = random.Random(seed), 0
    while rounds > 0:
        history_file.SMALL = dice.choice((5, 1000))  # with and without the log
        with tempfile.TemporaryDirectory() as name:
            told: list[list[str]] = []
            for _ in range(min(rounds, ROUNDS_A_FOLDER)):
                told += kill_one(Path(name), dice)
                check(Path(name), told)
            acknowledged += len(told)
        rounds -= ROUNDS_A_FOLDER
    return acknowledged


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    acknowledged = kill_loop(options.rounds, options.seed)
    print(f"killed {options.rounds} times; {acknowledged} acknowledged changes, none lost, no torn file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
