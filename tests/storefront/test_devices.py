"""What a page is looked at with, from what browsers send."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from storefront.devices import device_of

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 {}Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "hint", "device"),
    [
        (CHROME.format("X11; Linux x86_64", ""), "?0", "desktop"),
        (CHROME.format("X11; Linux x86_64", ""), "", "desktop"),
        (CHROME.format("Linux; Android 10; K", "Mobile "), "?1", "mobile"),
        (CHROME.format("Linux; Android 10; K", "Mobile "), "", "mobile"),
        (CHROME.format("Linux; Android 10; K", ""), "?0", "tablet"),
        (IPHONE, "", "mobile"),
        ("Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "", "tablet"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0", "", "desktop"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "", "mobile"),
        ("Mozilla/5.0 (Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "", "tablet"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "", ""),
        ("", "?1", ""),
        ("curl/8.5.0", "", "desktop"),
        ("Mobi" * 10_000, "", "mobile"),
        ("Mozilla/5.0", "nonsense", "desktop"),
    ],
)
def test_device(agent: str, hint: str, device: str) -> None:
    headers = {name: value for name, value in (("user-agent", agent), ("sec-ch-ua-mobile", hint)) if value}

    assert device_of(RequestFactory().get("/", headers=headers)) == device
