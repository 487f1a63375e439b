"""Requests through the proxies that the environment names, SOCKS5 ones included, which urllib does not know.

`HTTPS_PROXY`, `HTTP_PROXY` and else `ALL_PROXY` name them; hosts in `NO_PROXY` are asked directly.
"""

from __future__ import annotations

import http.client
import ssl
from functools import partial
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
    getproxies,
    proxy_bypass,
)

from backend.services.errors import DownloadFailed
from backend.utils import socks5

_SOCKS5 = ("socks5", "socks5h", "socks")
"""Schemes that programs use for the same; here, the proxy always resolves names."""


def make_opener(*handlers: BaseHandler) -> OpenerDirector:
    """Builds what opens addresses through the proxies of the environment.

    Args:
        handlers: What else takes part, as a rule for redirects.

    Raises:
        DownloadFailed: A proxy is of a kind that is not known.
    """
    named = getproxies()
    of_http: dict[str, str] = {}
    of_socks: dict[str, SplitResult] = {}
    for scheme in ("http", "https"):
        address = named.get(scheme) or named.get("all")
        if not address:
            continue
        kind = urlsplit(address).scheme.lower() if "://" in address else "http"
        if kind in _SOCKS5:
            of_socks[scheme] = urlsplit(address)
        elif kind in ("http", "https"):
            of_http[scheme] = address
        else:
            raise DownloadFailed(f"The proxy of the environment is of the kind {kind}; http and socks5 are known.")
    own = ProxyHandler(of_http), _Http(of_socks.get("http")), _Https(of_socks.get("https"))
    return build_opener(*own, *handlers)


class _Http(HTTPHandler):
    def __init__(self, proxy: SplitResult | None) -> None:
        super().__init__()
        self._proxy = proxy

    def http_open(self, req: Request) -> http.client.HTTPResponse:
        if self._proxy is None or proxy_bypass(req.host):
            return super().http_open(req)
        return self.do_open(partial(_Connection, self._proxy), req)


class _Https(HTTPSHandler):
    def __init__(self, proxy: SplitResult | None) -> None:
        super().__init__()
        self._proxy = proxy

    def https_open(self, req: Request) -> http.client.HTTPResponse:
        if self._proxy is None or proxy_bypass(req.host):
            return super().https_open(req)
        return self.do_open(partial(_TlsConnection, self._proxy), req)


class _Connection(http.client.HTTPConnection):
    def __init__(self, proxy: SplitResult, host: str, **options: Any) -> None:
        super().__init__(host, **options)
        self._proxy = proxy

    def connect(self) -> None:
        self.sock = socks5.connect(self._proxy, self.host, self.port, self.timeout)


class _TlsConnection(http.client.HTTPSConnection):
    def __init__(self, proxy: SplitResult, host: str, **options: Any) -> None:
        super().__init__(host, **options)
        self._proxy = proxy

    def connect(self) -> None:
        plain = socks5.connect(self._proxy, self.host, self.port, self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
