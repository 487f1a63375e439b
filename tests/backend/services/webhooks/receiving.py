"""A server of somebody who receives webhooks, on the loopback."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from tests.backend.fakes import wait_until

SECRETS = {name: f"whsec_{base64.b64encode(name.encode() * 8).decode()}" for name in ("alice", "bobby")}
LOOPBACK = ("127.0.0.0/8",)


class Receiver:
    """Keeps what has come, and answers what a test wants; 204 without a wish."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.statuses: list[int] = []
        self.headers: dict[str, str] = {}
        self.url = ""
        self.before_answer: Callable[[], object] = lambda: None

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """Returns the verified messages, when there are so many."""
        wait_until(lambda: len(self.requests) >= count, f"webhook {count}")
        return [self.verified(number) for number in range(count)]

    def verified(self, number: int, name: str = "alice") -> dict[str, Any]:
        _, headers, body = self.requests[number]
        return Webhook(SECRETS[name]).verify(body, headers)


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            receiver.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            receiver.before_answer()
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None  # who does not trust it hangs up
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
