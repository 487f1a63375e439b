"""The door of Ollama's image API, and the port on which it stands at the root as clients expect it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.compat.door import Door
from backend.api.compat.ollama.routes import PREFIX, router
from backend.api.compat.ollama.translate import translate_error
from backend.models.config import Settings

_OPENAI = "/v1/"
"""Beginning of the paths of another door, which Ollama answers, too."""


def _is_on(settings: Settings) -> bool:
    return settings.ollama > 0


OLLAMA = Door(
    name="ollama",
    prefix=PREFIX,
    router=router,
    is_on=_is_on,
    translate_error=translate_error,
    upload_paths=(f"{PREFIX}/api/generate",),
)


class OllamaPort:
    """Leads every path to the door, and so behind the guards of the API."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on under the prefix of the door."""
        path = scope.get("path", "")
        if scope["type"] == "http" and not path.startswith(_OPENAI):
            scope = {**scope, "path": f"{PREFIX}{path}"}
        await self._api(scope, receive, send)
