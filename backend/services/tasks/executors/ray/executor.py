"""Runs jobs on the machines of a Ray cluster: a slot a worker, a worker a card."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from backend.models.system import Fault
from backend.services.errors import ExecutorUnusable, StudioError, WorkerLost
from backend.services.generation.events import Drawn, Emit, Ended, IsCancelled, JobEvent
from backend.services.generation.inputs import ReadInputs
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import Accelerator, Hardware
from backend.services.generation.stopwatch import Stopwatch
from backend.services.tasks.executors.base import OnSlots, Worker, WorkerState
from backend.services.tasks.executors.ray.actor import MakeWorkshop
from backend.services.tasks.executors.ray.cluster import Cluster, Unanswered
from backend.services.tasks.executors.ray.facts import Facts, read_versions
from backend.services.tasks.executors.ray.fitting import Fitting
from backend.services.tasks.executors.ray.placement import Place, find_places
from backend.services.tasks.executors.ray.remote import RemoteWorker
from backend.services.tasks.executors.ray.wire import pack_image

logger = logging.getLogger(__name__)

TEND_EVERY_S = 0.25
LOOK_AT_NODES_EVERY_S = 1.0
CONNECT_AGAIN_S = 5.0
HARDWARE_S = 30.0
"""How long requests wait for the first worker to tell what it has, all of them together."""
END_S = 5.0
ANY_CARD = Hardware(2**40, cpu_has_bf16=True, accelerators=(Accelerator("cuda", 2**40, has_bf16=True),))
"""What is assumed while no worker has told: a job must not be made smaller for want of an answer."""


class RayExecutor:
    """Workers come and go with the machines; the queue is told."""

    is_elastic = True

    def __init__(
        self,
        cluster: Cluster,
        make_workshop: MakeWorkshop,
        read_inputs: ReadInputs,
        fitting: Fitting,
        *,
        cpu_nodes: bool,
        versions: Callable[[], Mapping[str, str]] = read_versions,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects to nothing yet.

        Args:
            cluster: where the workers are.
            make_workshop: makes what an actor draws with, on its machine.
            read_inputs: reads the images that a recipe names, here.
            fitting: which model fits which worker, and what images take there.
            cpu_nodes: whether a machine without a card gets a worker.
            versions: of what must be the same there as here.
            monotonic: clock.
        """
        self._cluster = cluster
        self._make_workshop = make_workshop
        self._read_inputs = read_inputs
        self._fitting = fitting
        self._cpu_nodes = cpu_nodes
        self._versions = versions
        self._monotonic = monotonic
        self._preparing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing, self._known = threading.Event(), threading.Event()
        self._patience_until: float | None = None
        """When no request waits for facts any more; counted from the first that does."""
        self._workers: dict[str, RemoteWorker] = {}
        self._on_slots: OnSlots | None = None
        self._is_mixed = False
        """Whether there are cards and processors, so that each kind of job has its own and waits for it."""
        self._told: tuple[bool, dict[str, tuple[WorkerState, Facts | None]]] = (False, {})
        """What the queue knows of all this."""
        self._trouble = ""
        """Why there is no cluster; empty when there is one."""

    # -- the protocol ------------------------------------------------------------------------------------------------

    def prepare(self) -> tuple[str, ...]:
        """Imports Ray and begins to connect; the slots come later.

        Raises:
            ExecutorUnusable: Ray is not installed.
        """
        with self._preparing:
            if self._thread is None:
                self._cluster.load()
                self._thread = threading.Thread(target=self._tend_always, name="ray", daemon=True)
                self._thread.start()
        return ()

    def watch(self, on_slots: OnSlots) -> None:
        """Tells of every change of the slots; see `Executor.watch`."""
        self._on_slots = on_slots
        on_slots(self._slots())

    def fits(self, slot: str, job: Job) -> bool:
        """Tells whether a job may run in a slot now: it is ready, has the model and the memory."""
        worker = self._workers.get(slot)
        if worker is None:
            return self._thread is None  # the slot of a queue that is not prepared, where the reason is told
        if not worker.is_ready or worker.facts is None:
            return False
        if self._is_mixed and worker.has_card != job.use_gpu:
            return False
        return self._fitting.fits(worker.facts, job)

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        """Runs a job; see `Executor.run`."""
        emit(self._outcome(slot, job, emit, cancelled))

    def unload(self, slot: str) -> None:
        """Frees a worker's memory."""
        worker = self._workers.get(slot)
        if worker is not None and worker.is_ready:
            worker.unload()

    def workers(self) -> tuple[Worker, ...]:
        """Returns the workers, those that are refused or out too."""
        return tuple(
            worker.describe(self._fitting.lacks(worker.facts) if worker.facts is not None else "")
            for worker in self._workers.values()
        )

    def close(self) -> None:
        """Ends the workers, and a Ray of our own."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(END_S)

    @property
    def healthy(self) -> bool:
        """Whether a worker can draw."""
        return any(worker.is_ready for worker in self._workers.values())

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the cluster or its workers, and what helps."""
        if self._trouble:
            return Fault(code="cluster_lost", message=f"{self._trouble} Waiting tasks are kept.")
        out = [slot for slot, worker in self._workers.items() if worker.standing.is_out]
        if not self._cluster.is_connected:
            return Fault(code="cluster_lost", message="The Ray cluster has not answered yet. Waiting tasks are kept.")
        if not self.healthy:
            notes = "; ".join(f"{slot}: {self._workers[slot].standing.note}" for slot in out[:3])
            message = notes or "No worker is there: the cluster has no card that is free, or its workers still start."
            return Fault(code="no_workers", message=f"{message} Waiting tasks are kept.")
        if out:
            message = f"Taken out: {', '.join(out[:10])}. The other workers go on; restart those machines."
            return Fault(code="device_given_up", message=message, partial=True)
        return None

    @property
    def loaded_models(self) -> tuple[str, ...]:
        """Ids of the models in memory, in the order of the workers."""
        return tuple(dict.fromkeys(worker.model for worker in self._workers.values() if worker.model is not None))

    def hardware(self) -> Hardware:
        """Returns the best that a worker has, which decides what a request may ask for; waits for the first worker."""
        self._wait_for_facts()
        known = [worker.facts.hardware for worker in self._workers.values() if worker.facts is not None]
        if not known:
            return ANY_CARD
        return max(known, key=lambda hardware: (max(_memories(hardware), default=0), hardware.memory_bytes))

    def _wait_for_facts(self) -> None:
        """Waits for the first worker's facts; not while there is nobody who could tell them."""
        while self._thread is not None and not self._trouble and not self._known.is_set():
            if self._patience_until is None:
                self._patience_until = self._monotonic() + HARDWARE_S
            left_s = self._patience_until - self._monotonic()
            if left_s <= 0:
                return
            self._known.wait(min(left_s, TEND_EVERY_S))

    def _outcome(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> Ended:
        try:
            self.prepare()  # again, when it has failed before
            worker = self._workers.get(slot)
            if worker is None:
                raise WorkerLost(f"There is no worker {slot} any more.")
            images = {key: pack_image(image) for key, image in self._read_inputs(job.recipe).images.items()}
            watch = Stopwatch(emit, self._monotonic)

            def take_in(event: JobEvent) -> None:
                watch(event)
                if isinstance(event, Drawn) and not job.partial_images:
                    self._learn(worker, event, watch.forwards_s)

            return worker.run(job, images, take_in, cancelled)
        except StudioError as error:
            return Ended(error.code, str(error))
        except Exception as error:  # a fault of ours: the queue goes on, the log has the traceback
            logger.exception("the job failed")
            return Ended(StudioError.code, str(StudioError.unexpected(error)))

    def _learn(self, worker: RemoteWorker, drawn: Drawn, forwards_s: float) -> None:
        """Learns of the hardware that the estimates are for."""
        if worker.facts is not None and worker.facts.hardware == self.hardware():
            self._fitting.learn(worker.facts, drawn, forwards_s)

    def _slots(self) -> tuple[str, ...]:
        return tuple(slot for slot, worker in self._workers.items() if worker.standing.state != "refused")

    # -- the thread that tends the workers -----------------------------------------------------------------------------

    def _tend_always(self) -> None:
        try:
            while not self._closing.is_set():
                try:
                    pause_s = self._tend()
                except Exception:  # a fault of ours must not leave the workers untended
                    logger.exception("the workers are tended again")
                    pause_s = CONNECT_AGAIN_S
                self._closing.wait(pause_s)
        finally:
            self._leave("Everything ends.")

    def _tend(self) -> float:
        """Does what is due; returns the seconds until the next time."""
        try:
            if not self._cluster.is_connected:
                self._cluster.connect()
                logger.info("connected to the cluster")
            nodes = self._cluster.nodes()
        except (Unanswered, ExecutorUnusable) as error:
            self._lose_cluster(str(error))
            return CONNECT_AGAIN_S
        self._trouble = ""
        self._place(nodes)
        until = self._monotonic() + LOOK_AT_NODES_EVERY_S
        while True:
            for worker in self._workers.values():
                worker.tend()
            self._is_mixed = (
                len({worker.has_card for worker in self._workers.values() if not worker.standing.is_out}) > 1
            )
            if any(worker.facts is not None for worker in self._workers.values()):
                self._known.set()
            self._tell()
            if self._monotonic() > until or self._closing.wait(TEND_EVERY_S):
                return 0.0

    def _lose_cluster(self, why: str) -> None:
        if not self._trouble:
            logger.error("the cluster is not there: %s", why)
        self._trouble = (
            f"The Ray cluster does not answer ({why.strip().splitlines()[0] if why.strip() else 'no reason'})."
        )
        self._leave("The cluster is gone.")
        self._tell()

    def _tell(self) -> None:
        """Tells the queue when workers stand otherwise than it was told, on whatever thread that has come about."""
        standing = {slot: (worker.standing.state, worker.facts) for slot, worker in self._workers.items()}
        if self._told != (self._is_mixed, standing):
            self._told = self._is_mixed, standing
            if self._on_slots is not None:
                self._on_slots(self._slots())

    def _leave(self, why: str) -> None:
        """Ends all workers before the connection, so that their jobs know why."""
        workers, self._workers = self._workers, {}
        for worker in workers.values():
            worker.leave(why)
        self._cluster.disconnect()

    def _place(self, nodes: Any) -> None:
        """Starts workers on machines that are new, and lets go those of machines that are gone."""
        places = {place.slot: place for place in find_places(nodes, cpu_nodes=self._cpu_nodes)}
        gone = self._workers.keys() - places.keys()
        new = [place for slot, place in places.items() if slot not in self._workers]
        for slot in gone:
            logger.warning("the machine of the worker %s is gone", slot)
            self._workers[slot].leave("Its machine is gone.")
        kept = {slot: worker for slot, worker in self._workers.items() if slot not in gone}
        self._workers = kept | {place.slot: self._start(place) for place in new}  # new: others read it without a lock

    def _start(self, place: Place) -> RemoteWorker:
        return RemoteWorker(self._cluster, place, self._make_workshop, self._versions(), self._monotonic)


def _memories(hardware: Hardware) -> list[int]:
    return [card.memory_bytes for card in hardware.accelerators]
