"""Dependencies of the routes, as annotated types.

The functions are asynchronous although none of them awaits. FastAPI would call a plain one on a thread, which costs as
much as a whole poll.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from backend.api.presenters import LoraLists
from backend.models.config import Settings
from backend.models.schemas import LOCAL_CLIENT, ImageLink
from backend.services.access.access_tokens import AccessTokens
from backend.services.access.links import SignedLinks
from backend.services.access.rate_limit import rate_limit_key
from backend.services.access.sessions import Sessions
from backend.services.generation.planning.planner import Planner
from backend.services.generation.resolve import Resolver
from backend.services.images.importer import PictureImporter
from backend.services.images.inputs import InputStore
from backend.services.images.sources import SourceKeeper
from backend.services.images.store import HistoryStore
from backend.services.library.annotators import Annotators
from backend.services.library.catalogue import Catalogue
from backend.services.library.downloads import Downloads
from backend.services.library.loras.room import LoraRoom
from backend.services.library.prompt_tokens import TokenCounter
from backend.services.library.variants.removal import Removals
from backend.services.monitor import SystemMonitor
from backend.services.system.metrics import Metrics
from backend.services.task_manager import TaskManager
from backend.services.tasks.admission import Admission
from backend.services.tasks.executors.base import Executor
from backend.services.webhooks.webhooks import Webhooks

CLIENT_KEY = "zimage.client"
"""Key in a request's scope: name of its token, set by `TokenGuard`."""


@dataclass(frozen=True)
class Services:
    """Services of one application, built by `create_app`."""

    settings: Settings
    catalogue: Catalogue
    downloads: Downloads
    removals: Removals
    executor: Executor
    planner: Planner
    resolver: Resolver
    history: HistoryStore
    importer: PictureImporter
    inputs: InputStore
    sources: SourceKeeper
    annotators: Annotators
    monitor: SystemMonitor
    tasks: TaskManager
    tokens: TokenCounter
    loras: LoraRoom
    lora_lists: LoraLists
    admission: Admission
    metrics: Metrics
    webhooks: Webhooks
    access_tokens: AccessTokens
    links: SignedLinks
    sessions: Sessions


def link_to(image_id: str, services: Services) -> ImageLink:
    """Returns the address of a PNG; where everybody with a token sees all images, one that opens without a token."""
    settings = services.settings
    path = f"/download/{image_id}"
    if not services.access_tokens.required or settings.history_per_token:
        return ImageLink(url=f"{settings.api_address}{path}", expires_at=None)
    query = services.links.sign(f"{settings.api_prefix}{path}")
    return ImageLink(url=f"{settings.api_address}{path}?{query}", expires_at=services.links.end_of(query))


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


App = Annotated[Services, Depends(_services)]


async def _settings(app: App) -> Settings:
    return app.settings


async def _history(app: App) -> HistoryStore:
    return app.history


async def _monitor(app: App) -> SystemMonitor:
    return app.monitor


async def _importer(app: App) -> PictureImporter:
    return app.importer


async def _sources(app: App) -> SourceKeeper:
    return app.sources


async def _inputs(app: App) -> InputStore:
    return app.inputs


async def _tasks(app: App) -> TaskManager:
    return app.tasks


def client_address(connection: HTTPConnection) -> str:
    """Returns the rate-limit key of the client's address. A trusted proxy's header has set that address before."""
    return rate_limit_key(connection.client.host) if connection.client is not None else LOCAL_CLIENT


def session_cookie(settings: Settings) -> str:
    """Returns the cookie's name. Browsers share cookies between ports of a host, and with paths below one's own."""
    return f"zimage_session_{settings.port}{settings.root_path.replace('/', '_')}"


def client_of(connection: HTTPConnection) -> str:
    """Returns the name of the client's token, else its address."""
    return connection.scope.get(CLIENT_KEY) or client_address(connection)


async def _client(request: Request) -> str:
    return client_of(request)


Client = Annotated[str, Depends(_client)]


async def _owner(app: App, client: Client) -> str | None:
    """Returns the owner whose images and tasks a request may see; None for all."""
    return client if app.settings.history_per_token else None


Owner = Annotated[str | None, Depends(_owner)]
Config = Annotated[Settings, Depends(_settings)]
History = Annotated[HistoryStore, Depends(_history)]
Importer = Annotated[PictureImporter, Depends(_importer)]
Inputs = Annotated[InputStore, Depends(_inputs)]
Sources = Annotated[SourceKeeper, Depends(_sources)]
Monitor = Annotated[SystemMonitor, Depends(_monitor)]
Tasks = Annotated[TaskManager, Depends(_tasks)]
