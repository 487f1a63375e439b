"""Which token a hub gets, and that no other host gets it.

A token belongs to one hub. `HF_TOKEN` is the default hub's, and a mirror never sees it; the token of the settings is
that of the hub which `HF_ENDPOINT` names, since whoever sets both means both. A redirect to another host, as to the
servers that the files lie on, goes there without one.
"""

from __future__ import annotations

import os
from email.message import Message
from http import HTTPStatus
from typing import IO
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request

from backend.services.errors import DownloadFailed

HEADER = "Authorization"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def choose_token(endpoint: str, own_token: str | None) -> str | None:
    """Returns the token for a hub, None for none.

    Args:
        endpoint: Address of the hub that is asked.
        own_token: What the settings name for it.

    Raises:
        DownloadFailed: A token would travel in the clear.
    """
    from huggingface_hub import constants

    is_default = origin_of(endpoint) == origin_of(constants.HUGGINGFACE_CO_URL_HOME)
    token = (own_token or (os.environ.get("HF_TOKEN", "") if is_default else "")).strip() or None
    scheme, host, _ = origin_of(endpoint)
    if token is not None and scheme != "https" and host not in _LOOPBACK:
        raise DownloadFailed("A token is not sent to a hub without TLS: let HF_ENDPOINT begin with https.")
    return token


def authorize(request: Request, token: str | None) -> None:
    """Adds a token to a request, not to what it is redirected to."""
    if token is not None:
        request.add_unredirected_header(HEADER, f"Bearer {token}")


def refusal(status: int) -> str:
    """Returns what to say of an answer that is a refusal."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return (
            f"The hub refuses with {status}: it wants a token, or another one. HF_TOKEN is for the default hub, "
            "ZIMAGE_HUB_TOKEN for the one that HF_ENDPOINT names."
        )
    return f"The hub refuses with {status}; is HF_ENDPOINT right?"


class KeepTokenAtHome(HTTPRedirectHandler):
    """Follows redirects; a token goes along on the same host only."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        """Returns the request to the new address."""
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        value = req.unredirected_hdrs.get(HEADER)
        if request is not None and value is not None and origin_of(newurl) == origin_of(req.full_url):
            request.add_unredirected_header(HEADER, value)
        return request


def origin_of(address: str) -> tuple[str, str, int | None]:
    """Returns scheme, host and port of an address."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
