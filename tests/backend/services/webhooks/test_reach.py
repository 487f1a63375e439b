from __future__ import annotations

from ipaddress import ip_address

import pytest

from backend.services.errors import CallbackRefused
from backend.services.webhooks.reach import Reach, is_public, read_literal
from backend.utils.network.http_address import read_http_address

INNER = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fec0::1",
    "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001:0:7f00:1::1", "100::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1",
          "2002:808:808::1", "64:ff9b::808:808"]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_addresses_that_are_not_the_internet_s(address):
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(CallbackRefused, match="private network"):
        Reach().refuse_hopeless(read_http_address(f"https://{host}/"))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet(address):
    assert is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    Reach().refuse_hopeless(read_http_address(f"https://{host}/"))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "0177.0.0.1", "0"])
def test_other_spellings_of_this_machine_are_read_as_resolvers_read_them(host):
    assert read_literal(host) in (ip_address("127.0.0.1"), ip_address("0.0.0.0"))
    with pytest.raises(CallbackRefused):
        Reach().refuse_hopeless(read_http_address(f"https://{host}/latest/meta-data"))


def test_a_name_is_no_address_and_is_judged_when_it_is_resolved():
    assert read_literal("localhost") is None
    reach, target = Reach(), read_http_address("https://hooks.example/")
    reach.refuse_hopeless(target)
    reach.check(target, [ip_address("1.1.1.1"), ip_address("2606:4700:4700::1111")])
    with pytest.raises(CallbackRefused) as refused:
        reach.check(target, [ip_address("1.1.1.1"), ip_address("10.20.30.40")])  # one of them is enough
    assert "10.20.30.40" not in str(refused.value)


def test_plain_http_and_private_networks_are_for_those_that_the_settings_list():
    reach = Reach(("127.0.0.0/8", "192.168.1.20", "fd00::/16"))
    for url in ("http://127.0.0.1:5678/", "http://[::ffff:127.0.0.1]/", "http://192.168.1.20/", "https://[fd00::5]/"):
        reach.refuse_hopeless(read_http_address(url))
    for url in ("http://192.168.1.21/", "https://10.0.0.1/", "https://[fd01::5]/", "https://169.254.169.254/"):
        with pytest.raises(CallbackRefused, match="private network"):
            reach.refuse_hopeless(read_http_address(url))
    with pytest.raises(CallbackRefused, match="https"):
        reach.refuse_hopeless(read_http_address("http://1.1.1.1/"))
    reach.refuse_hopeless(read_http_address("http://hooks.example/"))  # it may be one of those
    with pytest.raises(CallbackRefused, match="https"):
        reach.check(read_http_address("http://hooks.example/"), [ip_address("1.1.1.1")])


def test_without_such_networks_plain_http_is_refused_at_once():
    with pytest.raises(CallbackRefused, match="https"):
        Reach().refuse_hopeless(read_http_address("http://hooks.example/"))
