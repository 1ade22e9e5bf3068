"""Where a webhook may go, by table."""

from __future__ import annotations

import re
from typing import Any

import pytest

from partners.webhooks.destinations import (
    URL_PATTERN,
    Destination,
    DestinationRefused,
    is_public,
    public_addresses,
    read_url,
)

PUBLIC = (
    "93.184.215.14",
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
)
REFUSED = (
    # Loopback, this network, private, carriers' shared, link-local with the metadata services.
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.100.100.200", "169.254.169.254", "169.254.170.2", "168.63.129.16", "192.0.0.192",
    # Documentation, benchmarks, relays, multicast, reserved, broadcast.
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255", "192.88.99.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1",
    "2001::1", "2001:2::1", "2001:10::1",
    # An IPv4 address inside of an IPv6 one: mapped, compatible, NAT64, NAT64 of a site, 6to4, Teredo.
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
    "", "localhost", "1.2.3", "2130706433",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", REFUSED)
def test_every_other_address_is_refused(address: str) -> None:
    assert not is_public(address)


def test_loopback_only_where_the_setting_says_so(settings: Any) -> None:
    settings.WEBHOOK_LOOPBACK = True
    assert is_public("127.0.0.1")
    assert is_public("::1")
    assert not is_public("10.0.0.1")
    assert not is_public("169.254.169.254")
    assert read_url("http://127.0.0.1:8765/hook") == Destination("127.0.0.1", 8765)
    assert read_url("http://localhost/hook") == Destination("localhost", 80)


GOOD = (
    ("https://hooks.shop.example/mangaassist?source=1", Destination("hooks.shop.example", 443)),
    ("https://hooks.shop.example:8443", Destination("hooks.shop.example", 8443)),
    ("https://a-b.xn--fiqs8s/%E6%BC%AB", Destination("a-b.xn--fiqs8s", 443)),
)
BAD = (
    # Another scheme, or none.
    "http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/", "//shop.example/", "shop.example",
    # Ports that are no web server's.
    "https://shop.example:22/", "https://shop.example:6379/", "https://shop.example:80/", "https://shop.example:99999/",
    "https://shop.example:/", "https://shop.example:0443/",
    # A user, a fragment, what parsers read differently.
    "https://user@shop.example/", "https://user:word@shop.example/", "https://shop.example/#here",
    "https://shop.example\\@10.0.0.1/", "https://shop.example /", "https://shop.example/a b", "https://shop.example/\r\nX: y",
    "https://shop.example/\x00", "\thttps://shop.example/", "https://shop.example/\n", "https://[::1]/", "https://shop.example/é",
    # Addresses in every spelling: partners have names.
    "https://127.0.0.1/", "https://10.0.0.1/", "https://1.1.1.1/", "https://2130706433/", "https://0x7f.1/", "https://0x7f000001/",
    "https://017700000001/", "https://127.1/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
    "https://①②⑦.0.0.1/",
    # Names that are nobody's in public, or that are none.
    "https://localhost/", "https://redis/", "https://metadata.google.internal/", "https://printer.local/", "https://x.localhost/",
    "https://nas.home.arpa/", "https://shop.example./", "https://-shop.example/", "https://shop..example/", "https://SHOP.example/",
    "https://shop_1.example/", f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/", "https://", "",
    "https://shop.example/" + "a" * 2048,
)  # fmt: skip


@pytest.mark.parametrize(("url", "found"), GOOD)
def test_good_urls(url: str, found: Destination) -> None:
    assert read_url(url) == found
    assert re.search(URL_PATTERN, url)


@pytest.mark.parametrize("url", BAD)
def test_bad_urls(url: str) -> None:
    with pytest.raises(DestinationRefused):
        read_url(url)


def test_the_setting_for_development_opens_loopback_and_no_more(settings: Any) -> None:
    settings.WEBHOOK_LOOPBACK = True
    for url in ("http://user@127.0.0.1/", "http://127.0.0.1:99999/", "http://127.0.0.1/#x", "ftp://127.0.0.1/"):
        with pytest.raises(DestinationRefused):
            read_url(url)
    with pytest.raises(DestinationRefused):
        public_addresses("shop.example", lambda host: ["10.0.0.1"])


def test_one_bad_address_of_a_name_is_one_too_many() -> None:
    assert public_addresses("shop.example", lambda host: ["1.1.1.1", "2606:4700::1111"])
    for found in (
        ["127.0.0.1"],
        ["1.1.1.1", "10.0.0.1"],
        ["1.1.1.1", "fd00:ec2::254"],
        ["2606:4700::1", "::ffff:127.0.0.1"],
    ):
        with pytest.raises(DestinationRefused) as refusal:
            public_addresses("shop.example", lambda host, found=found: found)  # type: ignore[misc]
        # It does not tell which: our own network is none of their business.
        assert not any(address in str(refusal.value) for address in found)
    with pytest.raises(OSError, match="no address"):
        public_addresses("shop.example", lambda host: [])
    with pytest.raises(DestinationRefused):
        public_addresses("localhost")
