"""Runs jobs in this process: a slot a device, an engine a slot."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable

from backend.models.config import Settings
from backend.models.system import Fault
from backend.services.errors import StudioError
from backend.services.generation.engines.base import Engine
from backend.services.generation.events import Emit, Ended, IsCancelled
from backend.services.generation.inputs import ReadInputs, read_none
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import CPU, Hardware, choose_devices
from backend.services.generation.planning.planner import Planner
from backend.services.generator import ImageGenerator
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.base import OnSlots, Worker, WorkerState
from backend.utils.torch_library import imported_for_good

logger = logging.getLogger(__name__)


class LocalExecutor:
    """One `ImageGenerator` a device, built when the hardware is known."""

    is_elastic = False

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        make_engine: Callable[[], Engine],
        hardware: Callable[[], Hardware],
        planner: Planner,
        read_inputs: ReadInputs = read_none,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._make_engine = make_engine
        self._hardware = hardware
        self._planner = planner
        self._read_inputs = read_inputs
        self._preparing = threading.Lock()
        self._generators: dict[str, ImageGenerator] = {}

    @property
    def healthy(self) -> bool:
        """Whether no device is at fault."""
        return all(generator.healthy for generator in self._generators.values())

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the devices, and what helps; see `Executor.fault`."""
        given_up = [device for device, generator in self._generators.items() if generator.is_given_up]
        if given_up:
            names = ", ".join(given_up)
            message = f"Failed twice in a row and given up: {names}. Waiting tasks are kept; restart Z-Image."
            return Fault(code="device_given_up", message=message)
        if self.healthy:
            return None
        message = "A device has failed; the model is loaded anew for the next task."
        return Fault(code="device_failed", message=message)

    @property
    def loaded_models(self) -> tuple[str, ...]:
        """Ids of the models in memory, in the order of the slots."""
        loaded = (generator.loaded_model for generator in self._generators.values())
        return tuple(dict.fromkeys(model for model in loaded if model is not None))

    def prepare(self) -> tuple[str, ...]:
        """Finds the devices, imports the engines' libraries and loads the demo model; see `Executor.prepare`.

        Raises:
            UnknownDevice: the settings name a device that is not here.
        """
        with self._preparing:
            if not self._generators:
                with imported_for_good():
                    devices = choose_devices(self._hardware(), self._settings.devices)
                    engines = {device: self._make_engine() for device in devices}
                    engines[devices[0]].prepare()
                loading = threading.Lock()
                self._generators = {
                    device: ImageGenerator(self._catalogue, engine, self._planner, device, loading, self._read_inputs)
                    for device, engine in engines.items()
                }
                self._generators[devices[0]].preload()
        return tuple(self._generators)

    def watch(self, on_slots: OnSlots) -> None:
        """Tells nothing: the devices of a machine stay."""

    def close(self) -> None:
        """Ends nothing: the models go with the process."""

    def workers(self) -> tuple[Worker, ...]:
        """Returns a worker a device; none before the devices are known."""
        return tuple(self._worker(device, generator) for device, generator in self._generators.items())

    def fits(self, slot: str, job: Job) -> bool:
        """Tells whether a job may run in a slot; see `Executor.fits`.

        With a slot for the processor, each job has its own kind of slot: one for the processor would take the model out
        of a card's memory. Where the processor is all there is, it also draws for a card that is gone.
        """
        generator = self._generators.get(slot)
        if generator is not None and generator.is_given_up:
            return False
        if CPU not in self._generators or len(self._generators) == 1:
            return True
        return (slot == CPU) != job.use_gpu

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        """Runs a job; see `Executor.run`."""
        emit(self._outcome(slot, job, emit, cancelled))

    def unload(self, slot: str) -> None:
        """Frees a slot's memory; see `Executor.unload`."""
        if slot in self._generators:
            self._generators[slot].unload()

    def _worker(self, device: str, generator: ImageGenerator) -> Worker:
        hardware = self._hardware()
        card = next((card for card in hardware.accelerators if card.device == device), None)
        state: WorkerState = "ready" if generator.healthy else "given_up" if generator.is_given_up else "failed"
        return Worker(
            slot=device,
            node=socket.gethostname(),
            device=device,
            card=card.name if card is not None else "",
            memory_bytes=card.memory_bytes if card is not None else hardware.memory_bytes,
            state=state,
            model=generator.loaded_model,
        )

    def _outcome(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> Ended:
        try:
            slots = self.prepare()  # again, when it has failed before
            self._generators[slot if slot in slots else slots[0]].generate(job, emit, cancelled)
        except StudioError as error:
            # as text: whoever keeps the log's records must not keep the tensors that an error's traceback holds
            logger.warning("the job failed (%s): %s", error.code, str(error), exc_info=error.__cause__)
            return Ended(error.code, str(error))
        except Exception as error:  # a fault of ours: the queue goes on, the log has the traceback
            logger.exception("the job failed")
            return Ended(StudioError.code, str(StudioError.unexpected(error)))
        return Ended()
