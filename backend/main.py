"""Builds the application: wiring only."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from backend import __version__
from backend.api import estimates, generate, history, inputs, loras, models, session, system
from backend.api.compat.doors import install_doors, live_with_doors, open_doors
from backend.api.deps import Services
from backend.api.errors import install_error_handlers
from backend.api.live.polls import PollRoute
from backend.api.middleware.install import install_guards
from backend.api.openapi import complete_description
from backend.api.presenters import LoraLists, present_task
from backend.models.config import Settings
from backend.services.access.access_tokens import AccessTokens
from backend.services.access.links import SignedLinks
from backend.services.access.sessions import Sessions
from backend.services.errors import StudioError
from backend.services.generation.engines.auto import AutoEngine
from backend.services.generation.engines.base import Engine
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.hardware import detect_hardware
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.engines.process_memory import held_bytes
from backend.services.generation.loras import LoraChooser
from backend.services.generation.planning.calibration import Calibration
from backend.services.generation.planning.load_plan import Hardware
from backend.services.generation.planning.planner import Planner
from backend.services.generation.resolve import Resolver
from backend.services.images.importer import PictureImporter
from backend.services.images.inputs import InputStore
from backend.services.images.sources import SourceKeeper, read_from
from backend.services.images.store import HistoryStore
from backend.services.library.catalogue import Catalogue
from backend.services.library.downloads import Downloads
from backend.services.library.hub.client import HuggingFaceHub
from backend.services.library.loras.room import LoraRoom
from backend.services.library.places import is_own, published_root
from backend.services.library.prompt_tokens import TokenCounter
from backend.services.library.variants.receipts import Receipts
from backend.services.library.variants.removal import Removals
from backend.services.monitor import SystemMonitor
from backend.services.system.metrics import Metrics
from backend.services.task_manager import TaskManager
from backend.services.tasks.admission import Admission
from backend.services.tasks.executors.base import Executor
from backend.services.tasks.executors.local import LocalExecutor
from backend.services.tasks.queue import Limits
from backend.services.tasks.records import TaskRecord
from backend.services.tasks.store import Journal
from backend.services.webhooks.webhooks import Webhooks
from backend.utils.folder_lock import FolderLock

if TYPE_CHECKING:
    from backend.services.tasks.executors.ray.executor import RayExecutor

logger = logging.getLogger(__name__)

PURGE_PERIOD_S = 3600.0
TASK_END_S = 5.0
"""Longest wait for the step of a running task."""
END_S = 7.0
"""Longest wait for everything that ends with the application; the servers' connections have had theirs before."""


def create_app(
    settings: Settings | None = None,
    make_engine: Callable[[], Engine] | None = None,
    hardware: Callable[[], Hardware] = detect_hardware,
    tasks_file: Path | None = None,
) -> FastAPI:
    """Builds an application; nothing is read, written or started before its lifespan begins.

    Args:
        settings: Values to use instead of the environment's.
        make_engine: What runs the models instead of the engine that the settings name; called once a device.
        hardware: How to find out what the machine can compute with.
        tasks_file: Where the tasks are kept; in the data folder without it.
    """
    settings = settings or Settings()
    services = build_services(settings, make_engine or partial(build_engine, settings), hardware, tasks_file)
    app = FastAPIOffline(  # its /docs loads nothing from elsewhere
        title="Z-Image API",
        version=__version__,
        lifespan=_lifespan,
        redirect_slashes=False,
        static_url="/docs/static",
        favicon_url=f"{settings.root_path}/docs/static/favicon.png",
        telemetry={"tracing": False, "metrics": False, "logs": False},  # /metrics tells all, and it costs each request
    )
    app.state.services = services
    api = APIRouter(prefix=settings.api_prefix)
    for room in (generate, history, inputs, system, models, loras, estimates, session):
        api.include_router(room.router)
    app.router.routes.insert(0, PollRoute(services))
    app.include_router(system.root_router)
    app.include_router(api)
    install_doors(app, services)
    install_error_handlers(app)
    complete_description(app, open_doors(settings))
    install_guards(app, settings)
    return app


def build_services(
    settings: Settings,
    make_engine: Callable[[], Engine],
    hardware: Callable[[], Hardware],
    tasks_file: Path | None = None,
) -> Services:
    """Builds the domain without any web framework; an engine is made for each device."""
    metrics = Metrics()
    catalogue = Catalogue(settings)
    inputs = InputStore(settings.data_dir / "inputs")
    loras = LoraRoom.build(
        settings, catalogue, lambda: [use for task in tasks.active() if task.job for use in task.job.recipe.loras or ()]
    )
    chooser = LoraChooser(loras.catalogue, loras.architectures)
    calibration = Calibration(settings.data_dir / "calibration.json")
    fleet = build_fleet(settings, catalogue, inputs, calibration, chooser)
    hardware = cache(hardware) if fleet is None else fleet.hardware
    planner = Planner(
        settings,
        hardware,
        calibration,
        lambda name: catalogue.resolve_control(name).n_values,
        chooser.count_values,
        held_bytes,
    )
    read_inputs = read_from(inputs, lambda name: catalogue.resolve_control(name).path, chooser.path_of)
    executor: Executor = fleet or LocalExecutor(settings, catalogue, make_engine, hardware, planner, read_inputs)
    resolver = Resolver(settings, catalogue, hardware, inputs, loras=chooser)
    store = HistoryStore(
        settings.images_dir,
        settings.history_file,
        trash_days=settings.trash_days,
        owners=settings.tokens if settings.history_per_token else (),
    )
    monitor = SystemMonitor(settings.data_dir)
    admission = Admission(
        catalogue,
        store.prepare,
        monitor.free_disk_bytes,
        planner,
        min_free_disk_mb=settings.min_free_disk_mb,
        max_work=settings.max_work,
    )
    limits = Limits(
        timeout_s=settings.task_timeout,
        idle_unload_s=settings.idle_unload,
        max_queued=settings.max_queued_tasks,
        max_queued_per_client=settings.max_queued_tasks_per_client,
        kept_finished=settings.kept_finished_tasks,
    )
    webhooks = Webhooks(
        settings.data_dir / "webhooks.json",
        settings.webhook_secrets,
        lambda task: present_task(task, None, None, settings.api_address).model_dump(mode="json"),
        networks=settings.webhook_networks,
    )

    def on_finished(task: TaskRecord) -> None:
        webhooks.on_ended(task)
        metrics.on_finished(task)

    tasks = TaskManager(
        executor,
        store,
        Journal(tasks_file or settings.data_dir / "tasks.json"),
        resolver,
        admit=admission.check,
        limits=limits,
        on_finished=on_finished,
        check_callback=webhooks.check,
    )
    receipts = Receipts(settings.data_dir / "downloaded.json")
    downloads = build_downloads(settings, catalogue, receipts)
    metrics.watch("zimage_tasks_waiting", "Tasks in the queue.", lambda: len(tasks.waiting_ids))
    metrics.watch("zimage_tasks_running", "Tasks that run.", lambda: len(tasks.active()) - len(tasks.waiting_ids))
    metrics.watch("zimage_engine_healthy", "0 after a fault of the device.", lambda: float(executor.healthy))
    metrics.watch("zimage_webhooks_waiting", "Webhooks that are not delivered yet.", lambda: len(webhooks))
    metrics.watch_workers(
        lambda: [
            (worker.slot, worker.node, worker.state, worker.slot in tasks.running_ids) for worker in executor.workers()
        ]
    )
    metrics.watch("zimage_history_pictures", "Pictures outside the trash.", lambda: len(store))
    return Services(
        settings=settings,
        catalogue=catalogue,
        downloads=downloads,
        removals=build_removals(settings, catalogue, downloads, receipts, executor, tasks),
        executor=executor,
        planner=planner,
        resolver=resolver,
        history=store,
        importer=PictureImporter(store),
        inputs=inputs,
        sources=SourceKeeper(inputs, store),
        monitor=monitor,
        tasks=tasks,
        tokens=TokenCounter(catalogue),
        loras=loras,
        lora_lists=LoraLists(settings),
        admission=admission,
        metrics=metrics,
        webhooks=webhooks,
        access_tokens=AccessTokens(settings.tokens),
        links=SignedLinks(),
        sessions=Sessions(settings.data_dir / "sessions.json", settings.tokens),
    )


def build_fleet(
    settings: Settings, catalogue: Catalogue, inputs: InputStore, calibration: Calibration, loras: LoraChooser
) -> RayExecutor | None:
    """Returns the workers of a Ray cluster; None when the settings name none, and then nothing of it is imported."""
    if settings.executor != "ray":
        return None
    from backend.fleet import build_ray_executor

    def count_control(name: str) -> int:
        return catalogue.resolve_control(name).n_values

    return build_ray_executor(settings, catalogue, inputs, calibration, count_control, loras.count_values)


def build_downloads(settings: Settings, catalogue: Catalogue, receipts: Receipts) -> Downloads:
    """Returns what fetches models."""
    return Downloads(
        catalogue,
        download_root(settings),
        HuggingFaceHub(token=settings.hub_token),
        lambda folder: shutil.disk_usage(folder).free,
        receipts,
        min_free_disk_mb=settings.min_free_disk_mb,
    )


def build_removals(
    settings: Settings,
    catalogue: Catalogue,
    downloads: Downloads,
    receipts: Receipts,
    executor: Executor,
    tasks: TaskManager,
) -> Removals:
    """Returns what deletes models."""
    own = [settings.base_dir / "Z-Image" / "ckpts"]
    return Removals(
        catalogue,
        downloads,
        receipts,
        download_root=download_root(settings),
        own_roots=lambda: own + [folder for folder in (settings.models_dir,) if folder and is_own(folder)],
        loaded=lambda: executor.loaded_models,
        wanted=lambda: {task.job.recipe.model if task.job else task.request.model for task in tasks.active()},
    )


def download_root(settings: Settings) -> Path:
    """Returns where models are fetched to: the folder of the settings, else that of the embedded model."""
    return (settings.models_dir and published_root(settings.models_dir)) or settings.base_dir / "Z-Image" / "ckpts"


def build_engine(settings: Settings) -> Engine:
    """Returns the engine that the settings name; `auto` is the native one, and diffusers for what it cannot run."""
    native = NativeEngine(attention_backend=settings.attention_backend, compile_blocks=settings.compile)
    diffusers = DiffusersEngine(attention_backend=settings.attention_backend, compile_blocks=settings.compile)
    if settings.engine == "auto":
        return AutoEngine(native, diffusers)
    return native if settings.engine == "native" else diffusers


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    services.settings.data_dir.mkdir(parents=True, exist_ok=True)
    with FolderLock(services.settings.data_dir):
        services.history.open()
        services.inputs.open()
        services.loras.uploads.open()
        services.sessions.open()
        services.webhooks.open()  # before the tasks, of which some have ended with the last run
        services.tasks.start()
        services.monitor.start()
        purging = asyncio.create_task(_purge_now_and_then(services))
        try:
            async with live_with_doors(app, services.settings):
                yield
        finally:
            purging.cancel()
            await close_services(services)


async def close_services(services: Services, end_s: float = END_S) -> None:
    """Ends what runs, within a time that all of it shares; what is stuck is left to the end of the process.

    Whatever is cut off by that (a disk that hangs, a card that does not answer) is put right at the next start.
    """
    deadline = asyncio.get_running_loop().time() + end_s
    for what, close in (
        ("the running task", lambda: services.tasks.close(TASK_END_S)),
        ("the webhooks", services.webhooks.close),
        ("the download", services.downloads.close),
        ("the workers", services.executor.close),
        ("what images took", services.planner.save),
        ("the LoRAs", services.loras.close),
        ("the monitor", services.monitor.close),
        ("the history", services.history.close),
    ):
        ended: object = False
        with anyio.move_on_at(deadline):
            ended = await anyio.to_thread.run_sync(close, abandon_on_cancel=True)
        if ended is False:
            logger.warning("%s did not end in time", what)


async def _purge_now_and_then(services: Services) -> None:
    """Empties the trash of what is old, and removes inputs that nothing refers to, on a thread of its own."""

    def purge() -> None:
        services.history.purge()
        services.inputs.collect(services.history.inputs_in_use() | services.tasks.inputs_in_use)

    while True:
        try:
            await anyio.to_thread.run_sync(purge, abandon_on_cancel=True)
        except (StudioError, OSError) as error:
            logger.warning("the trash could not be emptied: %s", error)
        await asyncio.sleep(PURGE_PERIOD_S)


def __getattr__(name: str) -> FastAPI:
    """Builds `app` when it is asked for, so that `uvicorn backend.main:app` works and importing does nothing."""
    if name == "app":
        return create_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
