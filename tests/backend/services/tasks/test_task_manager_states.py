"""Any order of submitting, cancelling, finishing, failing and restarting, against a model of five lines."""

from __future__ import annotations

import queue
import tempfile
import threading
from pathlib import Path

from hypothesis import Phase as Stage
from hypothesis import settings as limits
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PIL import Image

from backend.models.schemas import GenerateRequest, Status
from backend.services.errors import TaskAlreadyFinished
from backend.services.generation.events import Emit, Ended, IsCancelled, Step
from backend.services.generation.job import Job
from backend.services.task_manager import TaskManager
from backend.services.tasks.queue import Limits
from backend.services.tasks.store import Journal
from tests.backend.fakes import PATIENCE_S, FakeExecutor, a_job, a_picture, a_request, wait_until
from tests.backend.services.tasks.managing import FakeStore, is_told_to_close


class ByCommand(FakeExecutor):
    """An executor that does one step, finishes or fails when it is told to."""

    def __init__(self) -> None:
        self.commands: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.running: str | None = None
        self.steps_done = 0

    def prepare(self) -> tuple[str, ...]:
        return ("cpu",)

    def fits(self, slot: str, job: Job) -> bool:
        return True

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        self.running = job.recipe.prompt
        end = self._obey(job, emit, cancelled)
        self.running = None
        emit(end)

    def _obey(self, job: Job, emit: Emit, cancelled: IsCancelled) -> Ended:
        for step in range(1, 10**6):
            command = self.commands.get(timeout=PATIENCE_S)
            if command == "fail":
                return Ended("out_of_memory", "It does not fit.")
            emit(Step(step, 10**6))
            self.steps_done += 1
            if cancelled():
                return Ended()
            if command == "finish":
                emit(a_picture(job.recipe.prompt, image=Image.new("RGB", (1, 1))))
                return Ended()
        raise AssertionError("unreachable")


class Plain:
    """Resolves requests without a catalogue."""

    def complete(self, request: GenerateRequest) -> GenerateRequest:
        return request

    def resolve(self, request: GenerateRequest) -> Job:
        return a_job(request.prompt)


class Queue(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = FakeStore()
        self.expected: dict[str, Status] = {}
        self.prompts: dict[str, str] = {}
        self.saved: list[str] = []
        self.start_manager()

    def start_manager(self) -> None:
        self.executor = ByCommand()
        self.manager = TaskManager(
            self.executor, self.store, Journal(Path(self.folder.name) / "tasks.json"), Plain(),
            admit=lambda request, job: None, limits=Limits(),
        )  # fmt: skip
        self.manager.start()
        self.take_next()

    def take_next(self) -> None:
        """The first waiting task starts when nothing runs."""
        if Status.PROCESSING in self.expected.values():
            return
        for task_id, status in self.expected.items():
            if status is Status.PENDING:
                self.expected[task_id] = Status.PROCESSING
                prompt = self.prompts[task_id]
                break
        else:
            return
        wait_until(lambda: self.executor.running == prompt, "the next task")

    def ended(self, status: Status) -> str:
        [running] = [task_id for task_id, status in self.expected.items() if status is Status.PROCESSING]
        wait_until(lambda: self.manager.get(running).status.is_final)
        self.expected[running] = status
        self.take_next()
        return running

    def runs(self) -> bool:
        return Status.PROCESSING in self.expected.values()

    @rule()
    def submit(self) -> None:
        prompt = f"picture {len(self.expected)}"
        task_id = self.manager.submit(a_request(prompt))
        self.expected[task_id], self.prompts[task_id] = Status.PENDING, prompt
        self.take_next()

    @precondition(runs)
    @rule()
    def step(self) -> None:
        before = self.executor.steps_done
        self.executor.commands.put("step")
        wait_until(lambda: self.executor.steps_done > before, "the step")

    @precondition(runs)
    @rule()
    def finish(self) -> None:
        self.executor.commands.put("finish")
        self.saved.append(self.prompts[self.ended(Status.COMPLETED)])

    @precondition(runs)
    @rule()
    def fail(self) -> None:
        self.executor.commands.put("fail")
        self.ended(Status.FAILED)

    @precondition(runs)
    @rule()
    def cancel_running(self) -> None:
        [running] = [task_id for task_id, status in self.expected.items() if status is Status.PROCESSING]
        assert self.manager.cancel(running).cancelling
        self.executor.commands.put("finish")
        self.ended(Status.CANCELLED)

    @precondition(lambda self: Status.PENDING in self.expected.values())
    @rule()
    def cancel_last_waiting(self) -> None:
        waiting = [task_id for task_id, status in self.expected.items() if status is Status.PENDING][-1]
        assert self.manager.cancel(waiting).status is Status.CANCELLED
        self.expected[waiting] = Status.CANCELLED

    @precondition(lambda self: any(status.is_final for status in self.expected.values()))
    @rule()
    def cancel_finished(self) -> None:
        finished = next(task_id for task_id, status in self.expected.items() if status.is_final)
        try:
            self.manager.cancel(finished)
        except TaskAlreadyFinished:
            return
        raise AssertionError("a finished task was cancelled")

    @rule()
    def restart(self) -> None:
        self.stop_manager()
        for task_id, status in self.expected.items():
            if status is Status.PROCESSING:
                self.expected[task_id] = Status.INTERRUPTED
        self.start_manager()

    def stop_manager(self) -> None:
        closing = threading.Thread(target=self.manager.close)
        closing.start()
        wait_until(lambda: is_told_to_close(self.manager))
        self.executor.commands.put("finish")  # whoever waits for a command meets the reason to stop instead
        closing.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in self.manager._workers._threads)

    @invariant()
    def statuses_are_as_expected(self) -> None:
        for task_id, status in getattr(self, "expected", {}).items():
            assert self.manager.get(task_id).status is status

    @invariant()
    def pictures_are_saved_once_and_in_order(self) -> None:
        if hasattr(self, "saved"):
            assert self.store.prompts == self.saved

    def teardown(self) -> None:
        if hasattr(self, "manager"):
            self.stop_manager()
            self.folder.cleanup()


TestQueue = Queue.TestCase
TestQueue.settings = limits(
    max_examples=15, stateful_step_count=20, deadline=None, derandomize=True,
    phases=[Stage.explicit, Stage.generate],  # a failure costs patience: shrinking it would take minutes
)  # fmt: skip
