from __future__ import annotations

import pytest

from backend.utils.network.http_address import read_http_address


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target", "authority"),
    [
        ("https://example.org", "https", "example.org", 443, "/", "example.org"),
        ("http://example.org:5678/webhook/a?b=c", "http", "example.org", 5678, "/webhook/a?b=c", "example.org:5678"),
        ("https://EXAMPLE.org:443/A%20b", "https", "example.org", 443, "/A%20b", "example.org"),
        ("http://[::1]:8080/x", "http", "::1", 8080, "/x", "[::1]:8080"),
        ("https://203.0.113.7/?q", "https", "203.0.113.7", 443, "/?q", "203.0.113.7"),
        ("http://my_n8n:5678", "http", "my_n8n", 5678, "/", "my_n8n:5678"),
    ],
)
def test_an_address_is_read(url, scheme, host, port, target, authority):
    read = read_http_address(url)
    assert (read.scheme, read.host, read.port, read.target, read.authority) == (scheme, host, port, target, authority)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.org", "//example.org", "ftp://example.org", "file:///etc/passwd", "https://", "https:///path",
        "https://user@example.org", "https://user:secret@example.org", "https://good.example\\@evil.example",
        "https://example.org#", "https://example.org/#part", "https://exa mple.org", "https://example.org/a b",
        "https://example.org/\r\nHost: other", "https://example.org\t", "https://例え.jp", "https://example.org:0",
        "https://example.org:99999", "https://example.org:x", "https://[::1", "https://[fe80::1%25eth0]/",
        "https://[v1.x]/", "https://-a.example", "https://exa$mple.org",
    ],
)  # fmt: skip
def test_what_two_readers_might_read_differently_is_none(url):
    with pytest.raises(ValueError):
        read_http_address(url)


def test_an_empty_text_is_told_how_an_address_begins():
    with pytest.raises(ValueError, match="https://"):
        read_http_address("")


def test_the_origin_tells_no_secret_of_the_path():
    assert read_http_address("https://example.org:8443/hook/s3cret?key=1").origin == "https://example.org:8443"
