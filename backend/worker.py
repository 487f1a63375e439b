"""What a worker on another machine draws with: the engine, the models and the planner of that machine."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout
from PIL import Image

from backend.main import build_downloads, build_engine, download_root
from backend.models.config import Settings
from backend.services.errors import DownloadFailed, UnknownInput
from backend.services.generation.annotating import Annotator
from backend.services.generation.engines.hardware import detect_hardware
from backend.services.generation.events import Emit, IsCancelled, Loading
from backend.services.generation.job import Job
from backend.services.generation.loras import LoraChooser
from backend.services.generation.planning.calibration import Calibration
from backend.services.generation.planning.load_plan import CPU, Hardware
from backend.services.generation.planning.planner import Planner
from backend.services.generator import ImageGenerator
from backend.services.images.sources import read_from
from backend.services.library.annotators import Annotators
from backend.services.library.catalogue import Catalogue
from backend.services.library.downloads import Downloads
from backend.services.library.loras.architectures import Architectures
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.model_entry import ModelEntry
from backend.services.library.variants.receipts import Receipts
from backend.services.tasks.executors.ray.facts import Facts, read_versions
from backend.utils.torch_library import imported_for_good

DRAWING = (
    "model_name", "engine", "attention_backend", "compile", "quantization", "offload", "cpu_precision",
    "default_height", "default_width", "default_guidance_scale", "ray_download",
)  # fmt: skip
"""Settings that the queue decides for all; where weights lie is each machine's own, and no secret travels."""
FETCH_LOOK_S = 0.5
FETCH_LOCK = ".downloading"
"""File in the folder of models that is locked while something is fetched into it."""


def sent_settings(settings: Settings) -> dict[str, object]:
    """Returns the settings that a worker is sent, as plain data."""
    models_dir = {} if settings.models_dir is None else {"models_dir": str(settings.models_dir)}
    return {name: getattr(settings, name) for name in DRAWING} | models_dir


def settings_here(sent: Mapping[str, object]) -> Settings:
    """Returns a worker's settings: the queue's, and those of its own environment that say where things are."""
    own = {name: value for name, value in sent.items() if name != "models_dir" or "ZIMAGE_MODELS_DIR" not in os.environ}
    is_downloading = {"executor": "ray"}  # what refuses the settings of Ray without it
    return Settings.model_validate({"host": "127.0.0.1", "devices": None, "ray_address": None, **own, **is_downloading})


def make_workshop(sent: Mapping[str, object]) -> Workshop:
    """Builds what an actor draws with; called on its machine."""
    return Workshop(settings_here(sent))


class _NothingLearned(Calibration):
    """Costs of this process only: the plans do not depend on them."""

    def save(self) -> None:
        """Writes nothing."""


class _Sent:
    """The images that came with a job."""

    def __init__(self) -> None:
        self.images: Mapping[str, Image.Image] = {}

    def read(self, input_id: str) -> Image.Image:
        """Returns an image.

        Raises:
            UnknownInput: it did not come with the job.
        """
        if input_id not in self.images:
            raise UnknownInput
        return self.images[input_id]


class Workshop:
    """An `ImageGenerator` on the one card that this process sees, or on the processor."""

    def __init__(self, settings: Settings) -> None:
        self._catalogue = Catalogue(settings)
        self._loras = LoraCatalogue(settings)
        self._annotators = Annotators(settings)
        self._settings = settings
        self._engine = build_engine(settings)
        self._hardware: Hardware | None = None
        self._sent = _Sent()
        self._generator: ImageGenerator | None = None
        self._downloads = (
            build_downloads(settings, self._catalogue, Receipts(settings.data_dir / "downloaded.json"))
            if settings.ray_download
            else None
        )

    def prepare(self) -> None:
        """Imports the engine's libraries and looks at the hardware."""
        with imported_for_good():
            self._hardware = hardware = detect_hardware()
            self._engine.prepare()
        device = next((card.device for card in hardware.accelerators), CPU)
        find_control = self._catalogue.resolve_control
        planner = Planner(
            self._settings,
            lambda: hardware,
            _NothingLearned(Path(os.devnull) / "none"),
            lambda name: find_control(name).n_values,
        )
        find_lora = LoraChooser(self._loras, Architectures()).path_of
        read_inputs = read_from(self._sent, lambda name: find_control(name).path, find_lora)
        loading = threading.Lock()
        annotator = Annotator(self._annotators, loading)
        self._generator = ImageGenerator(
            self._catalogue, self._engine, planner, device, loading, read_inputs, annotator
        )

    def facts(self) -> Facts:
        """Looks at the machine and its weights."""
        if self._hardware is None:
            raise RuntimeError("prepare() comes first")
        contents = self._catalogue.look()
        return Facts(
            versions=read_versions(),
            hardware=self._hardware,
            models=frozenset(model.id for model in contents.models if model.installed),
            controls=frozenset(control.name for control in contents.controls),
            loras=frozenset(self._loras.names()),
            annotators=self._annotators.kinds(),
            fetches=self._downloads is not None,
        )

    def generate(self, job: Job, images: Mapping[str, Image.Image], emit: Emit, cancelled: IsCancelled) -> None:
        """Draws the images of a job; see `ImageGenerator.generate`."""
        if self._generator is None:
            raise RuntimeError("prepare() comes first")
        self._sent.images = images
        try:
            self._fetch(job.recipe.model, emit, cancelled)
            self._generator.generate(job, emit, cancelled)
        finally:
            self._sent.images = {}

    def unload(self) -> None:
        """Frees the memory of the model."""
        if self._generator is not None:
            self._generator.unload()

    def _fetch(self, model_id: str, emit: Emit, cancelled: IsCancelled) -> None:
        """Fetches a model's weights where the settings allow it and they are not here.

        Raises:
            DownloadFailed: they do not come.
        """
        if self._downloads is None or self._is_installed(model_id):
            return
        emit(Loading(model_id))
        with contextlib.suppress(Timeout), self._alone(cancelled):  # Timeout: it is cancelled
            if not self._is_installed(model_id):  # by another worker meanwhile
                self._download(self._downloads, model_id, cancelled)

    @contextlib.contextmanager
    def _alone(self, cancelled: IsCancelled) -> Iterator[None]:
        """Lets one worker at a time fetch into a folder: those of one machine share it, or those of a shared disk.

        Raises:
            Timeout: the job is cancelled.
            DownloadFailed: the folder cannot be locked.
        """
        folder = download_root(self._settings)
        lock = FileLock(folder / FETCH_LOCK, fallback_to_soft=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(poll_interval=FETCH_LOOK_S, cancel_check=cancelled)
        except Timeout:
            raise
        except OSError as error:
            raise DownloadFailed(f"The folder of this worker's models cannot be locked ({error.strerror}).") from error
        try:
            yield
        finally:
            lock.release()

    def _download(self, downloads: Downloads, model_id: str, cancelled: IsCancelled) -> None:
        downloads.start(model_id)
        while downloads.running_id is not None:
            if cancelled():
                downloads.cancel(model_id)
                return
            time.sleep(FETCH_LOOK_S)
        model = self._find(model_id)
        if model is None or not model.installed:
            why = downloads.state(model).message if model is not None else "nobody publishes it"
            raise DownloadFailed(f"The weights of {model_id} have not come to this worker: {why}")

    def _is_installed(self, model_id: str) -> bool:
        model = self._find(model_id)
        return model is not None and model.installed

    def _find(self, model_id: str) -> ModelEntry | None:
        return next((model for model in self._catalogue.models() if model.id == model_id), None)
