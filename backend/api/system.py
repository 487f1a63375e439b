"""State of the machine and the process, capabilities, links."""

from __future__ import annotations

from fastapi import APIRouter, Response

from backend import __version__
from backend.api.compat.doors import door_addresses
from backend.api.deps import App, Monitor, Tasks
from backend.api.errors import documented
from backend.models.capabilities import Capabilities, DrainRequest, Readiness, describe_capabilities
from backend.models.system import Fault, Health, Root, SystemStatus
from backend.services.errors import StudioError

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
def get_status(app: App, monitor: Monitor) -> SystemStatus:
    """Returns the latest sample of CPU, memory, GPU and disk. `gpu` is null where there is none."""
    return monitor.status().model_copy(update={"fault": _fault_of(app)})


@router.post("/system/drain", responses=documented(400, 413, 422))
def drain(request: DrainRequest, tasks: Tasks) -> DrainRequest:
    """Starts or ends draining: no new tasks are accepted while waiting ones still run."""
    tasks.draining = request.drain
    return request


@router.get("/capabilities")
def get_capabilities(app: App) -> Capabilities:
    """Returns limits, sizes and features, from which a client can build its form."""
    return describe_capabilities(app.settings, __version__, door_addresses(app.settings))


def _fault_of(app: App) -> Fault | None:
    return app.executor.fault or (None if app.tasks.alive else DEAD)
