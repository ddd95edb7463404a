"""Where a webhook may go, and to which addresses."""

from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from callcenter.core.config import Settings
from callcenter.messaging.webhook_targets import Allowed, WebhookNotAllowed

OPEN = Allowed.of(Settings(webhook_hosts="hooks.example, Chat.Hospital.Example ,127.0.0.1"))
INSIDE = Allowed.of(
    Settings(webhook_hosts="hooks.example,chat.hospital.example", webhook_networks="10.20.0.0/16,fd00::/8")
)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://hooks.example/a?b=c", "hooks.example", "/a?b=c"),
        ("https://HOOKS.example", "hooks.example", "/"),
        ("https://hooks.example:8443/a", "hooks.example:8443", "/a"),
        ("https://chat.hospital.example/", "chat.hospital.example", "/"),
    ],
)
def test_allowed(url: str, authority: str, path: str) -> None:
    target = OPEN.target_of(url)
    assert (target.authority, target.path) == (authority, path)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/",
        "https://hooks.example.elsewhere.example/",
        "https://elsewhere.example/https://hooks.example/",
        "https://hooks.example@elsewhere.example/",
        "https://user:word@hooks.example/",
        "https://hooks.example:99999/",
        "https://[hooks.example/",
        "https:hooks.example",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "http://hooks.example/",  # in the open, and no network of ours is named
        "https://hooks.example/#part",
        "",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(WebhookNotAllowed):
        OPEN.target_of(url)


def test_without_tls_only_inside() -> None:
    assert INSIDE.target_of("http://chat.hospital.example/x").port == 80
    assert INSIDE.permits(ip_address("10.20.3.4"), "http")
    assert not INSIDE.permits(ip_address("93.184.215.14"), "http")


@pytest.mark.parametrize(
    ("address", "outside", "inside"),
    [
        ("93.184.215.14", True, True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True, True),
        ("10.20.3.4", False, True),
        ("10.21.3.4", False, False),
        ("127.0.0.1", False, False),
        ("::1", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("::ffff:10.20.3.4", False, True),
        ("fd00::1", False, True),
        ("fe80::1", False, False),
        ("169.254.169.254", False, False),
        ("192.168.1.1", False, False),
        ("100.64.0.1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104
        ("224.0.0.1", False, False),
        ("::", False, False),
        ("64:ff9b::7f00:1", False, False),  # 127.0.0.1, translated
        ("2002:7f00:1::", False, False),
    ],
)
def test_addresses(address: str, outside: bool, inside: bool) -> None:
    assert OPEN.permits(ip_address(address), "https") is outside
    assert INSIDE.permits(ip_address(address), "https") is inside


def test_a_network_that_is_none_is_said_at_once() -> None:
    with pytest.raises(ValidationError, match="webhook_networks"):
        Settings(webhook_networks="10.0.0.0/8, the basement")
    assert Allowed.of(Settings()).hosts == frozenset()
