"""Webhooks: a signed POST to an address that was looked at. No redirects, no proxy, no long waiting.

``X-Callcenter-Signature: v1=<hex>`` is the HMAC-SHA256, with the secret ``webhook_key``, of the timestamp in
``X-Callcenter-Timestamp`` (Unix seconds), a full stop, and the body. ``X-Callcenter-Delivery`` stays the same when a
message comes again because our side heard no answer.
"""

import asyncio
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import orjson

from callcenter.core.config import Settings
from callcenter.core.errors import CallcenterError
from callcenter.core.secrets import get_secret
from callcenter.messaging.certificates import tls_context
from callcenter.messaging.retry_policy import Outcome, Tried
from callcenter.messaging.webhook_targets import Allowed, resolve

TOTAL_SECONDS = 10.0
SIGNED_WITHIN_SECONDS = 300
"""An older signature counts no more; clocks may differ by as much."""
_TIMESTAMP_DIGITS = 12


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """``trusted``: a file of certificates instead of the machine's own."""

    allowed: Allowed
    key: str
    trusted: str | None = None
    total_seconds: float = TOTAL_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> "WebhookSender":
        """Raises SetupError as get_secret does."""
        return cls(Allowed.of(settings), get_secret(settings, "webhook_key"))

    async def send(self, url: str, content: Mapping[str, Any], *, delivery: str) -> Tried:
        """One try; never raises."""
        try:
            async with asyncio.timeout(self.total_seconds):
                return await self._post(url, orjson.dumps(content), delivery)
        except CallcenterError as error:
            return Tried(Outcome.REFUSED, error.message)
        except TimeoutError:
            return Tried(Outcome.NO_ANSWER, "no answer in time")
        except (httpx.ConnectError, OSError) as error:
            return Tried(Outcome.NOT_NOW, f"not connected: {type(error).__name__}")
        except httpx.HTTPError as error:
            return Tried(Outcome.NO_ANSWER, type(error).__name__)

    async def _post(self, url: str, body: bytes, delivery: str) -> Tried:
        target = self.allowed.target_of(url)
        address = await resolve(target, self.allowed)
        shown = f"[{address}]" if address.version == 6 else str(address)
        headers = {"Host": target.authority, **signed_headers(self.key, body, delivery=delivery)}
        client = httpx.AsyncClient(
            verify=tls_context(self.trusted),
            follow_redirects=False,
            trust_env=False,
            timeout=self.total_seconds,
        )
        async with (
            client,
            # the address that was looked at; the certificate must be of the name
            client.stream(
                "POST",
                f"{target.scheme}://{shown}:{target.port}{target.path}",
                content=body,
                headers=headers,
                extensions={"sni_hostname": target.host},
            ) as response,
        ):
            return _judge(response.status_code)


def signed_headers(key: str, body: bytes, *, delivery: str) -> dict[str, str]:
    """Of a JSON body that goes out now."""
    timestamp = str(int(time.time()))
    return {
        "Content-Type": "application/json",
        "X-Callcenter-Delivery": delivery,
        "X-Callcenter-Timestamp": timestamp,
        "X-Callcenter-Signature": f"v1={signature(key, timestamp, body)}",
    }


def signature(key: str, timestamp: str, body: bytes) -> str:
    return hmac.digest(key.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def is_signed(key: str, timestamp: str, given: str, body: bytes, *, at: datetime) -> bool:
    """Whether what came in was signed with our key, lately. ``timestamp``, ``given``: its headers, from outside."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _TIMESTAMP_DIGITS):
        return False
    expected = f"v1={signature(key, timestamp, body)}"
    right = hmac.compare_digest(expected.encode(), given.encode())
    return right and abs(at.timestamp() - int(timestamp)) <= SIGNED_WITHIN_SECONDS


def _judge(status: int) -> Tried:
    """A redirect is refused for good: whoever is allowed to be told is on the list."""
    if 200 <= status < 300:
        return Tried(Outcome.TAKEN, str(status))
    return Tried(Outcome.REFUSED if 300 <= status < 400 or status == 410 else Outcome.NOT_NOW, str(status))
