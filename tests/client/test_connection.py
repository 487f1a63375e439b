"""Addresses of servers."""

from __future__ import annotations

import pytest
from zimage_client.connection import http_options, read_address


@pytest.mark.parametrize(
    ("url", "environ", "address", "is_local"),
    [
        (None, {}, "http://127.0.0.1:15000", True),
        (None, {"ZIMAGE_PORT": "16000"}, "http://127.0.0.1:16000", True),
        (None, {"ZIMAGE_URL": "http://box:1/", "ZIMAGE_PORT": "2"}, "http://box:1", False),
        ("localhost:15000", {"ZIMAGE_URL": "http://box"}, "http://localhost:15000", True),
        ("http://[::1]:15000/api", {}, "http://[::1]:15000", True),
        ("https://example.org/zimage/api/", {}, "https://example.org/zimage", False),
        ("https://example.org/apiary", {}, "https://example.org/apiary", False),
    ],
)
def test_addresses(url, environ, address, is_local):
    read = read_address(url, environ)
    assert (str(read), read.is_local) == (address, is_local)


@pytest.mark.parametrize("url", ["ftp://box", "http://", "http://box?x=1", "http://user:secret@box", "http://:80"])
def test_what_is_no_address(url):
    with pytest.raises(ValueError, match="no address of a server"):
        read_address(url, {})


def test_the_environments_proxies_count_for_others_only():
    assert http_options(read_address("https://example.org"), None, None)["trust_env"]
    assert not http_options(read_address("localhost"), None, None)["trust_env"]


def test_a_token_is_sent_if_there_is_one(monkeypatch):
    address = read_address("localhost")
    assert "Authorization" not in http_options(address, None, None)["headers"]
    monkeypatch.setenv("ZIMAGE_API_TOKEN", "of the environment")
    assert http_options(address, None, None)["headers"]["Authorization"] == "Bearer of the environment"
    assert http_options(address, "mine", None)["headers"]["Authorization"] == "Bearer mine"
    assert "Authorization" not in http_options(address, "", None)["headers"]
    assert http_options(address, " from a file\n", None)["headers"]["Authorization"] == "Bearer from a file"
    for token in ("口令", "two\nlines"):
        with pytest.raises(ValueError, match="ZIMAGE_API_TOKEN"):
            http_options(address, token, None)
