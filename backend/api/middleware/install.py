"""The guards around all routes, in their order."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from backend.api.compat.door import DoorErrors
from backend.api.compat.doors import open_doors
from backend.api.deps import Services, session_cookie
from backend.api.middleware.body import BodyGuard
from backend.api.middleware.faults import FaultGuard
from backend.api.middleware.head import HeadAsGet
from backend.api.middleware.headers import SecurityHeaders
from backend.api.middleware.host import HostGuard
from backend.api.middleware.metrics import RequestMeter
from backend.api.middleware.origin import OriginGuard
from backend.api.middleware.range import RangeGuard
from backend.api.middleware.root_path import RootPath
from backend.api.middleware.token import TokenGuard
from backend.api.middleware.trailing_slash import TrailingSlash
from backend.models.config import Settings, is_loopback

MCP_HEADERS = ("Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID")
"""That its clients in a browser send."""
OPENAI_HEADERS = (
    "OpenAI-Organization",
    "OpenAI-Project",
    *(
        f"X-Stainless-{what}"
        for what in ("Arch", "Lang", "OS", "Package-Version", "Retry-Count", "Runtime", "Runtime-Version", "Timeout")
    ),
)
"""That OpenAI's SDK for JavaScript sends."""
FORM_BYTES = 2**16
"""What a form adds to a file."""


def install_guards(app: FastAPI, settings: Settings) -> None:
    """Adds the middleware; the last one added is the first to see a request."""
    services: Services = app.state.services
    doors = open_doors(settings)
    uploads = [f"{settings.api_prefix}/{what}" for what in ("history/read", "history/import", "inputs")]
    app.add_middleware(HeadAsGet)
    app.add_middleware(RangeGuard)
    app.add_middleware(
        BodyGuard,
        max_bytes=settings.max_body_kb * 2**10,
        max_upload_bytes={
            **dict.fromkeys(uploads, settings.max_upload_mb * 2**20),
            **{path: settings.max_upload_mb * 2**20 for door in doors for path in door.upload_paths},
            f"{settings.api_prefix}/loras": settings.max_lora_mb * 2**20 + FORM_BYTES,
        },
    )
    if services.access_tokens.required:
        app.add_middleware(
            TokenGuard,
            access_tokens=services.access_tokens,
            sessions=services.sessions,
            session_path=f"{settings.api_prefix}/session",
            cookie=session_cookie(settings),
            links=services.links,
        )
    app.add_middleware(OriginGuard, origins=settings.cors_origins)
    if is_loopback(settings.host):
        app.add_middleware(HostGuard, has_tokens=services.access_tokens.required)
    app.add_middleware(FaultGuard)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", *MCP_HEADERS, *OPENAI_HEADERS],
        expose_headers=["Location", "Retry-After", "X-Preview-Seq", "X-ZImage-Model", "Mcp-Session-Id"],
    )
    app.add_middleware(DoorErrors, doors=doors)
    app.add_middleware(RequestMeter, metrics=services.metrics, api_prefix=settings.api_prefix)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(TrailingSlash)
    app.add_middleware(RootPath, root_path=settings.root_path)
