"""Where a webhook may go: an allow-list of hosts, and addresses that are looked at before they are connected to.

A name is resolved once and that address is connected to, so a name server that answers otherwise the second time
gains nothing. Addresses inside the hospital are refused unless their network is named (CALLCENTER_WEBHOOK_NETWORKS).
"""

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from callcenter.core.config import Settings
from callcenter.core.errors import InvalidInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("2002::/16"))
"""IPv6 addresses that stand for IPv4 ones, which may be anything."""


class WebhookNotAllowed(InvalidInput):
    code = "webhook-not-allowed"
    title_en, title_zh = "Webhooks may not go there.", "不允许向该地址发送通知。"


@dataclass(frozen=True, slots=True)
class Target:
    """Of a URL that was looked at."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        standard = {"https": 443, "http": 80}[self.scheme]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == standard else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """``networks``: the private ones that may be reached."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def of(cls, settings: Settings) -> "Allowed":
        """As set; Settings has seen that they are networks."""
        networks = tuple(ip_network(part) for part in _parts(settings.webhook_networks))
        return cls(frozenset(part.lower() for part in _parts(settings.webhook_hosts)), networks)

    def target_of(self, url: str) -> Target:
        """Raises WebhookNotAllowed for what is no plain http(s) URL of an allowed host.

        Without TLS only into a network that is named: in the open it could be read and answered by anybody.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise WebhookNotAllowed("The address cannot be read.") from error
        host = (parts.hostname or "").lower()
        if parts.scheme not in {"http", "https"} or parts.username or parts.password or parts.fragment:
            raise WebhookNotAllowed("Only http and https, without a log-in in the address.")
        if host not in self.hosts:
            raise WebhookNotAllowed("This host is not on the list of CALLCENTER_WEBHOOK_HOSTS.", host=host)
        if parts.scheme == "http" and not self.networks:
            raise WebhookNotAllowed("Outside the hospital only https.", host=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port or {"https": 443, "http": 80}[parts.scheme], path)

    def permits(self, address: Address, scheme: str) -> bool:
        """Whether this very address may be connected to."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if any(address.version == network.version and address in network for network in self.networks):
            return True
        if any(address.version == network.version and address in network for network in _TRANSLATED):
            return False
        return scheme == "https" and address.is_global and not address.is_multicast


async def resolve(target: Target, allowed: Allowed) -> Address:
    """The first permitted address of the target. Raises OSError (no such name), WebhookNotAllowed."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    for *_, place in found:
        address = ip_address(str(place[0]).partition("%")[0])
        if allowed.permits(address, target.scheme):
            return address
    raise WebhookNotAllowed("The host's address lies in a network that is not permitted.", host=target.host)


def _parts(setting: str) -> list[str]:
    return [part.strip() for part in setting.split(",") if part.strip()]
