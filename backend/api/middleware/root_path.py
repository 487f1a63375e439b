"""Sub-path of a reverse proxy."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class RootPath:
    """Writes a request's path as ASGI has it under a sub-path: with the prefix, and the prefix in `root_path`.

    Proxies cut the prefix off or leave it; both are understood. `route_path` is what the guards compare.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on under the sub-path."""
        if self._root_path and scope["type"] == "http":
            scope = {**scope, "root_path": self._root_path, "path": self._with_prefix(scope["path"])}
        await self._app(scope, receive, send)

    def _with_prefix(self, path: str) -> str:
        has_prefix = path == self._root_path or path.startswith(f"{self._root_path}/")
        return path if has_prefix else self._root_path + path
