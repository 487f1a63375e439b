"""State of the machine and the process, capabilities, links."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from backend import __version__
from backend.api.compat.doors import door_addresses
from backend.api.deps import App, Monitor, Owner, Services, Tasks
from backend.api.errors import documented
from backend.api.presenters import present_worker
from backend.models.capabilities import Capabilities, DrainRequest, Readiness, describe_capabilities
from backend.models.system import Fault, Health, Root, SystemStatus, WorkerStatus
from backend.services.errors import StudioError, UnknownTask, UnknownWorker
from backend.services.tasks.records import is_seen_by

root_router = APIRouter(tags=["system"])
router = APIRouter(tags=["system"])

DEAD = Fault(code="worker_ended", message="A thread that runs tasks has ended; restart Z-Image.")
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@root_router.get(
    "/health",
    response_model_exclude_none=True,
    responses={503: {"model": Health, "description": "A device is at fault; `message` says what helps."}},
)
async def get_health(app: App, response: Response) -> Health:
    """Liveness check. Answered on the event loop, so it shows that the loop is free, too."""
    fault = _fault_of(app)
    if fault is None:
        return Health()
    if fault.partial:
        return Health(status="degraded", message=fault.message)
    response.status_code = 503
    return Health(status="unhealthy", message=fault.message)


@root_router.get("/health/ready", responses={503: {"model": Readiness, "description": "Not now."}})
def get_readiness(app: App, response: Response) -> Readiness:
    """Readiness check: whether a new task would be accepted, and if not, why."""
    checks = {
        "engine": app.executor.healthy and app.tasks.alive,
        "accepting": not (app.tasks.draining or app.tasks.closing),
    }
    try:
        app.admission.check_machine()
        checks |= {"model": True, "disk": True}
    except StudioError as error:
        checks |= {"model": error.code != "model_not_installed", "disk": error.code != "insufficient_storage"}
    checks["disk"] &= app.tasks.can_store()
    ready = all(checks.values())
    response.status_code = 200 if ready else 503
    return Readiness(status="ready" if ready else "not ready", checks=checks)


@root_router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Metrics in Prometheus' text format."}},
)
def get_metrics(app: App) -> Response:
    """Returns metrics for Prometheus: queue, steps, images, failures, requests, memory."""
    return Response(app.metrics.render(), media_type=METRICS_TYPE)


@root_router.get("/")
async def get_root(app: App) -> Root:
    """Returns links to the API's documentation and its health."""
    root_path = app.settings.root_path
    return Root(version=__version__, docs=f"{root_path}/docs", health=f"{root_path}/health")


@router.get("/system/status")
def get_status(app: App, monitor: Monitor, owner: Owner) -> SystemStatus:
    """Returns the latest sample of CPU, memory, GPU and disk, and the workers. `gpu` is null where there is none."""
    return monitor.status().model_copy(update={"fault": _fault_of(app), "workers": _workers_of(app, owner)})


@router.post("/system/drain", responses=documented(400, 413, 422))
def drain(request: DrainRequest, tasks: Tasks) -> DrainRequest:
    """Starts or ends draining: no new tasks are accepted while waiting ones still run."""
    tasks.draining = request.drain
    return request


@router.post("/system/workers/{worker_id}/drain", responses=documented(400, 404, 413, 422))
def drain_worker(
    worker_id: Annotated[str, Path(description="Of the workers in /api/system/status.")],
    request: DrainRequest,
    app: App,
    owner: Owner,
) -> WorkerStatus:
    """Starts or ends draining one worker: it takes no more tasks, and what it runs goes on."""
    app.tasks.drain_worker(worker_id, is_drained=request.drain)
    worker = next((worker for worker in _workers_of(app, owner) if worker.id == worker_id), None)
    if worker is None:  # gone since
        raise UnknownWorker
    return worker


@router.get("/capabilities")
def get_capabilities(app: App) -> Capabilities:
    """Returns limits, sizes and features, from which a client can build its form."""
    return describe_capabilities(app.settings, __version__, door_addresses(app.settings), app.annotators.remark)


def _workers_of(app: Services, owner: str | None) -> list[WorkerStatus]:
    tasks, running, drained = app.tasks, app.tasks.running_ids, app.tasks.drained_workers

    def seen(task_id: str | None) -> str | None:
        try:
            return task_id if task_id and is_seen_by(tasks.get(task_id), owner, app.settings.tokens) else None
        except UnknownTask:  # ended and forgotten since
            return None

    return [
        present_worker(
            worker,
            is_drained=worker.slot in drained,
            is_busy=worker.slot in running,
            task_id=seen(running.get(worker.slot)),
        )
        for worker in app.executor.workers()
    ]


def _fault_of(app: App) -> Fault | None:
    return app.executor.fault or (None if app.tasks.alive else DEAD)
