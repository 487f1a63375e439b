from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import contextmanager
from urllib.request import getproxies

import pytest

from backend.services.errors import DownloadFailed
from backend.services.library.hub.client import HuggingFaceHub, Unreachable
from backend.services.library.hub.proxies import make_opener
from tests.backend.fakes import make_model_folder
from tests.backend.hub_server import HubServer, published

REPOSITORY = "some/model"
HOST = "hub.invalid"  # a name that only the proxy knows


class _Socks(socketserver.BaseRequestHandler):
    """A SOCKS5 proxy, which passes on to one place whatever is asked for."""

    def handle(self):
        server = self.server
        _, count = self.request.recv(2)
        methods = self.request.recv(count)
        if server.login:
            if 2 not in methods:
                self.request.sendall(b"\x05\xff")
                return
            self.request.sendall(b"\x05\x02")
            user = self.request.recv(self.request.recv(2)[1])
            password = self.request.recv(self.request.recv(1)[0])
            good = (user, password) == server.login
            self.request.sendall(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                return
        else:
            self.request.sendall(b"\x05\x00")
        kind = self.request.recv(4)[3]
        name = self.request.recv({1: 4, 4: 16}.get(kind) or self.request.recv(1)[0])
        self.request.recv(2)
        server.asked.append(name.decode() if kind == 3 else socket.inet_ntoa(name))
        if server.refusal:
            self.request.sendall(bytes((5, server.refusal, 0, 1)) + bytes(6))
            return
        self.request.sendall(b"\x05\x00\x00\x03\x05proxy\x00\x50")
        with socket.create_connection(server.target) as onward:
            threading.Thread(target=self.pass_on, args=(self.request, onward), daemon=True).start()
            self.pass_on(onward, self.request)

    @staticmethod
    def pass_on(source, sink):
        try:
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        except OSError:
            pass


@contextmanager
def running_proxy(target):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Socks)
    server.daemon_threads = True
    server.asked, server.target, server.login, server.refusal = [], target, None, 0
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("all_proxy", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    from huggingface_hub import constants

    with published(HubServer(make_model_folder(tmp_path / "published"), REPOSITORY), monkeypatch) as hub:
        hub.port = int(constants.ENDPOINT.rpartition(":")[2])
        monkeypatch.setattr(constants, "ENDPOINT", f"http://{HOST}:{hub.port}")
        yield hub


@pytest.fixture
def proxy(hub):
    with running_proxy(("127.0.0.1", hub.port)) as server:
        yield server


def address_of(proxy, scheme="socks5h", login=""):
    return f"{scheme}://{login}127.0.0.1:{proxy.server_address[1]}"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks", "SOCKS5"])
@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"])
def test_downloads_go_through_a_socks_proxy(hub, proxy, monkeypatch, tmp_path, name, scheme):
    monkeypatch.setenv(name, address_of(proxy, scheme))
    source = HuggingFaceHub(silence_s=5)
    listing = source.list_files(REPOSITORY)
    target = tmp_path / "target"
    source.fetch(REPOSITORY, listing.commit, listing.files[0], target, lambda _: None)
    assert target.read_bytes() == (hub.folder / listing.files[0].path).read_bytes()
    assert proxy.asked == [HOST, HOST, HOST]  # the list, the file, and where its redirect leads


def test_a_name_and_password_are_given(hub, proxy, monkeypatch):
    proxy.login = (b"me@home", b"p:ss")
    monkeypatch.setenv("ALL_PROXY", address_of(proxy, login="me%40home:p%3Ass@"))
    assert HuggingFaceHub(silence_s=5).list_files(REPOSITORY).files


@pytest.mark.parametrize("login", ["", "me:wrong@"])
def test_a_refused_log_in_is_unreachable(hub, proxy, monkeypatch, login):
    proxy.login = (b"me", b"right")
    monkeypatch.setenv("ALL_PROXY", address_of(proxy, login=login))
    with pytest.raises(Unreachable):
        HuggingFaceHub(silence_s=5).list_files(REPOSITORY)


@pytest.mark.parametrize("refusal", [1, 4, 99])
def test_a_refused_host_is_unreachable(hub, proxy, monkeypatch, refusal):
    proxy.refusal = refusal
    monkeypatch.setenv("ALL_PROXY", address_of(proxy))
    with pytest.raises(Unreachable):
        HuggingFaceHub(silence_s=5).list_files(REPOSITORY)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_hosts_of_no_proxy_are_asked_directly(hub, proxy, monkeypatch, name):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{hub.port}")
    monkeypatch.setenv("ALL_PROXY", address_of(proxy))
    monkeypatch.setenv(name, "example.org,127.0.0.1")
    assert HuggingFaceHub(silence_s=5).list_files(REPOSITORY).files
    assert proxy.asked == []


def test_the_nearer_name_wins_over_all_proxy(hub, proxy, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", address_of(proxy))
    assert HuggingFaceHub(silence_s=5).list_files(REPOSITORY).files


def test_an_address_is_passed_on_as_one(hub, proxy, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://192.0.2.1")
    monkeypatch.setenv("ALL_PROXY", address_of(proxy))
    assert HuggingFaceHub(silence_s=5).list_files(REPOSITORY).files
    assert proxy.asked == ["192.0.2.1"]


def test_https_goes_through_it_too(hub, proxy, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", f"https://{HOST}")
    monkeypatch.setenv("HTTPS_PROXY", address_of(proxy))
    with pytest.raises(Unreachable):  # behind the proxy nobody speaks TLS
        HuggingFaceHub(silence_s=5).list_files(REPOSITORY)
    assert proxy.asked == [HOST]


def test_an_unknown_kind_is_named(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1080")
    assert getproxies() == {"all": "socks4://127.0.0.1:1080"}
    with pytest.raises(DownloadFailed, match="kind socks4"):
        make_opener()
