"""A hub on the loopback, which publishes one folder and fails in the ways that the real one can."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

COMMIT = "0123abcd" * 5


class HubServer:
    """What the hub has, how it misbehaves, and what it was asked."""

    def __init__(self, folder: Path, *repositories: str) -> None:
        self.folder = folder
        self.repositories = repositories
        """Which all have the same files."""
        self.asked: list[tuple[str, str | None]] = []
        self.tokens: list[str | None] = []
        """What came as `Authorization`, of each request."""
        self.files_at = ""
        """Address of the server that the files lie on; this one when empty."""
        self.moved = False
        """Whether the list of files lies behind a redirect on this server."""
        self.cut_after: dict[str, int] = {}
        """Path → bytes of its next answer; then the line is cut."""
        self.statuses: list[int] = []
        """Of the next answers, whatever is asked for."""
        self.knows_ranges = True
        self.damaged: set[str] = set()
        self.extra: list[str] = []
        """Names that the list of files has, too."""
        self.hold: threading.Event | None = None
        """Every file waits for it after its first half."""
        self.held = threading.Event()

    @property
    def paths(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def lists(self) -> set[str]:
        return {f"/api/models/{name}/revision/main?blobs=true" for name in self.repositories}

    def listing(self) -> dict[str, Any]:
        siblings = []
        for path in self.paths:
            content = (self.folder / path).read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            entry: dict[str, Any] = {"rfilename": path, "size": len(content), "blobId": blob}
            if path.endswith((".safetensors", ".gguf")):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 9}
            siblings.append(entry)
        siblings += [{"rfilename": name, "size": 1, "blobId": "0" * 40} for name in self.extra]
        return {"sha": COMMIT, "siblings": siblings}


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        hub = self.hub
        hub.asked.append((self.path, self.headers.get("Range")))
        hub.tokens.append(self.headers.get("Authorization"))
        if hub.statuses and (status := hub.statuses.pop(0)) != 200:
            self.answer(status, b"")
        elif hub.moved and self.path.startswith("/api/"):
            self.redirect(f"/new{self.path}")
        elif self.path.removeprefix("/new") in hub.lists():
            self.answer(200, json.dumps(hub.listing()).encode())
        elif self.path.startswith(tuple(f"/{name}/resolve/{COMMIT}/" for name in hub.repositories)):
            self.redirect(f"{hub.files_at}/cdn/{self.path.split('/', 5)[5]}")  # large files lie elsewhere
        elif self.path.startswith("/cdn/") and self.path.removeprefix("/cdn/") in hub.paths:
            self.send_file(self.path.removeprefix("/cdn/"))
        else:
            self.answer(404, b"")

    def redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_file(self, path: str) -> None:
        hub = self.hub
        content = (hub.folder / path).read_bytes()
        if path in hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if hub.knows_ranges else 0
        self.answer(206 if start else 200, content[start:], hub.cut_after.pop(path, None))

    def answer(self, status: int, content: bytes, cut_after: int | None = None) -> None:
        hub = self.hub
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if hub.hold is not None and self.path.startswith("/cdn/"):
            half = len(content) // 2
            self.wfile.write(content[:half])
            hub.held.set()
            hub.hold.wait(10)
            content = content[half:]
        self.wfile.write(content[:cut_after])
        self.close_connection = True


@contextmanager
def published(hub: HubServer, patch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Runs a hub in place of the real one, for a library that may go online."""
    from huggingface_hub import constants

    with serving(hub) as address:
        patch.setattr(constants, "ENDPOINT", address)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield hub


@contextmanager
def serving(hub: HubServer) -> Iterator[str]:
    """Runs a hub; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        if hub.hold is not None:
            hub.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
