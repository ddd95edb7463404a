"""Text messages through a gateway: what one is asked to send, and the gateway that is asked by a signed POST.

The body is JSON: ``id`` (the same whenever a message comes again), ``to`` (E.164), ``sender``, ``language``, ``text``,
and, for gateways that send registered templates only, ``template`` with ``variables``. It is signed as webhooks are,
with the secret ``sms_gateway_key``; so are the delivery reports that come back (callcenter.messaging.routes). What an
answer's status means stands in docs/operations.md, "Text messages".
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import httpx
import orjson
import structlog

from callcenter.core.config import Settings
from callcenter.core.secrets import find_secret
from callcenter.messaging.certificates import tls_context
from callcenter.messaging.retry_policy import Outcome, Tried
from callcenter.messaging.webhooks import signed_headers

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
_OURS_TO_MEND = frozenset({401, 403, 404, 405, 407})
"""About the address and our key there, and not about this message or its reader."""
_NOT_TAKEN = frozenset({408, 425, 429, 503})


@dataclass(frozen=True, slots=True)
class Sms:
    """``template``, ``variables``: for a gateway that has the text already; empty: ``text`` is what is sent."""

    text: str
    language: str = "zh"
    template: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """As the outbox keeps it."""
        return asdict(self)


class SmsGateway(Protocol):
    """Who takes text messages. Another kind of gateway is another class with this method."""

    async def send(self, to: str, sms: Sms, *, delivery: str) -> Tried:
        """One try; never raises. ``delivery``: the message's id there, in its reports too."""


@dataclass(frozen=True, slots=True)
class HttpSmsGateway:
    """``trusted``: a file of certificates instead of the machine's own."""

    url: str
    key: str
    sender: str = ""
    trusted: str | None = None
    total_seconds: float = TOTAL_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> "HttpSmsGateway | None":
        """The hospital's; None: none is set, or nobody has put its key there."""
        if not settings.sms_gateway_url:
            return None
        key = find_secret(settings, "sms_gateway_key")
        if key is None:
            log.warning("sms_gateway_has_no_key")
            return None
        return cls(settings.sms_gateway_url, key, settings.sms_sender)

    async def send(self, to: str, sms: Sms, *, delivery: str) -> Tried:
        body = orjson.dumps({"id": delivery, "to": to, "sender": self.sender, **sms.content()})
        try:
            async with asyncio.timeout(self.total_seconds):
                return await self._post(body, delivery)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Tried(Outcome.NOT_NOW, f"not connected: {type(error).__name__}")
        except TimeoutError:
            return Tried(Outcome.NO_ANSWER, "no answer in time")
        except httpx.HTTPError as error:
            return Tried(Outcome.NO_ANSWER, type(error).__name__)

    async def _post(self, body: bytes, delivery: str) -> Tried:
        """The status alone counts: what else is answered is not read, so it can be as long as it likes."""
        client = httpx.AsyncClient(
            verify=tls_context(self.trusted),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(self.total_seconds, connect=CONNECT_SECONDS),
        )
        headers = signed_headers(self.key, body, delivery=delivery)
        async with client, client.stream("POST", self.url, content=body, headers=headers) as response:
            return Tried(outcome_of_status(response.status_code), str(response.status_code))


def outcome_of_status(status: int) -> Outcome:
    """Pure. A fault inside the gateway, or between us and it, leaves open whether it has taken the message."""
    if 200 <= status < 300:
        return Outcome.TAKEN
    if status in _OURS_TO_MEND or status in _NOT_TAKEN or 300 <= status < 400:
        return Outcome.NOT_NOW
    return Outcome.REFUSED if 400 <= status < 500 else Outcome.NO_ANSWER
