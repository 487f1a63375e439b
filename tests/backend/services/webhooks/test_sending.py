from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from backend.services.errors import CallbackRefused
from backend.services.webhooks import sending
from backend.services.webhooks.reach import Address, Reach
from backend.services.webhooks.sending import Answer, BadAnswer, Sender
from backend.utils.network.http_address import read_http_address
from tests.backend.services.webhooks.receiving import LOOPBACK, receiving


def post(url: str, sender: Sender | None = None, body: bytes = b"{}") -> Answer:
    sender = sender or Sender(Reach(LOOPBACK))
    return asyncio.run(sender.post(read_http_address(url), {"X-Test": "yes"}, body))


def resolving_to(*addresses: str) -> tuple[list[str], sending.Resolve]:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [ip_address(address) for address in addresses]

    return asked, resolve


def answering(answer: bytes) -> tuple[str, threading.Thread]:
    """Starts a server that says a thing to one caller, and nothing more."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/", thread


def test_a_post_arrives_as_it_was_sent():
    with receiving() as receiver:
        receiver.headers = {"Retry-After": "7"}
        receiver.statuses = [429]
        assert post(f"{receiver.url}?a=b", body='{"a": "狐"}'.encode()) == Answer(429, 7.0)
    [(path, headers, body)] = receiver.requests
    assert (path, body, headers["x-test"]) == ("/hook?a=b", '{"a": "狐"}', "yes")
    assert headers["host"] == receiver.url.split("/")[2]


def test_redirects_are_not_followed():
    with receiving() as receiver:
        receiver.statuses, receiver.headers = [302], {"Location": receiver.url}
        assert post(receiver.url).status == 302
        assert len(receiver.requests) == 1


def test_the_connection_goes_to_the_address_that_was_checked():
    """A name that means another address a moment later (DNS rebinding) is asked for once."""
    with receiving() as receiver:
        asked, resolve = resolving_to("127.0.0.1")
        port = receiver.url.split(":")[2]
        url = f"http://rebinding.example:{port}"
        assert post(url, Sender(Reach(LOOPBACK), resolve)).status == 204
        assert asked == ["rebinding.example"]
        assert receiver.requests[0][1]["host"] == f"rebinding.example:{port.split('/')[0]}"


def test_a_name_of_this_machine_or_a_private_network_is_not_connected_to():
    with receiving() as receiver:
        _, resolve = resolving_to("1.1.1.1", "127.0.0.1")
        port = receiver.url.split(":")[2]
        with pytest.raises(CallbackRefused):
            post(f"https://inner.example:{port}", Sender(Reach(), resolve))
        with pytest.raises(CallbackRefused):
            post(f"https://localhost:{port}", Sender(Reach()))
        assert receiver.requests == []


def test_the_next_address_of_a_name_is_tried():
    with receiving() as receiver:
        _, resolve = resolving_to("127.255.255.1", "127.0.0.1")
        assert post(f"http://two.example:{receiver.url.split(':')[2]}", Sender(Reach(LOOPBACK), resolve)).status == 204


def test_the_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving() as receiver:
        assert post(receiver.url).status == 204


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.0 200\r\nA: b\r\n\r\nbody", 200),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", 202),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"endless" * 100_000, 200),
    ],
)
def test_the_head_of_an_answer_is_all_that_is_read(answer, status):
    url, thread = answering(answer)
    assert post(url).status == status
    thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 999 What\r\n\r\n", b"\r\n\r\n",
     b"HTTP/1.1 100 Continue\r\n\r\n" * 20, b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_answer_is_a_fault(answer):
    url, _ = answering(answer)
    with pytest.raises((BadAnswer, ConnectionError)):
        post(url)


def test_whoever_says_nothing_is_left(monkeypatch):
    monkeypatch.setattr(sending, "WHOLE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        post(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError):
        post(f"http://127.0.0.1:{port}/")


def test_a_name_that_does_not_exist_is_an_error_of_the_connection():
    with pytest.raises(OSError):
        post("http://no-such-host.invalid/")


def test_tls_is_needed_for_https():
    with receiving() as receiver, pytest.raises(OSError):
        post(receiver.url.replace("http:", "https:"))
    assert receiver.requests == []


@pytest.mark.parametrize(("host", "is_served"), [("hooks.example", True), ("other.example", False)])
def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(tmp_path, host, is_served):
    certificate = make_certificate(tmp_path, "hooks.example")
    trusting = ssl.create_default_context(cafile=str(certificate))
    _, resolve = resolving_to("127.0.0.1")
    with receiving(certificate) as receiver:
        url = f"https://{host}:{receiver.url.split(':')[2]}"
        if is_served:
            assert post(url, Sender(Reach(LOOPBACK), resolve, trusting)).status == 204
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                post(url, Sender(Reach(LOOPBACK), resolve, trusting))
        with pytest.raises(ssl.SSLCertVerificationError):  # by those whom the system trusts
            post(url, Sender(Reach(LOOPBACK), resolve))


def make_certificate(folder: Path, name: str) -> Path:
    """Writes a key and a certificate of its own for a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file
