"""Sends what stands in the outbox, in the engine. Committed as under way first, then sent, then the result."""

import asyncio
from collections.abc import Sequence

import structlog

from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.waiting import wait_at_most
from callcenter.messaging import queries, service
from callcenter.messaging.bounces import message_id_of
from callcenter.messaging.mail import MailServer, send_mail
from callcenter.messaging.models import Channel, OutboxMessage
from callcenter.messaging.retry_policy import Outcome, Tried
from callcenter.messaging.service import Told
from callcenter.messaging.sms import HttpSmsGateway, Sms, SmsGateway
from callcenter.messaging.webhooks import WebhookSender

log = structlog.get_logger(__name__)

BATCH = 20
"""Sent at the same time."""
POLL_SECONDS = 2.0


class MessageSender:
    """One per engine; ``name`` (the PBX's) tells what it left behind from what others send. ``tell``: who hears of
    each message that is over, whatever came of it."""

    def __init__(
        self,
        database: Database,
        name: str,
        mail: MailServer | None,
        webhooks: WebhookSender,
        *,
        sms: SmsGateway | None = None,
        tell: Sequence[Told] = (),
    ) -> None:
        self._database = database
        self._name = name
        self._mail = mail
        self._webhooks = webhooks
        self._sms = sms
        self._tell = tell
        self._wake = asyncio.Event()
        self._unrecorded: dict[int, tuple[OutboxMessage, Tried]] = {}
        """Results that the database has not taken yet, by the message's id."""

    @classmethod
    def of(cls, settings: Settings, database: Database, *, tell: Sequence[Told] = ()) -> "MessageSender":
        return cls(
            database,
            settings.pbx_name,
            MailServer.of(settings),
            WebhookSender.of(settings),
            sms=HttpSmsGateway.of(settings),
            tell=tell,
        )

    def wake(self, _ids: list[str] | None = None) -> None:
        """Something may be due."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled: settle what the last one left, then send what is due.

        Called again after the database was away, it records first what it knows.
        """
        for message, tried in list(self._unrecorded.values()):
            await self._record(message, tried)
        async with self._database.transaction() as session:
            left = await service.settle(session, self._name, now(), tell=self._tell)
        if left:
            log.warning("messages_unknown", count=left)
        while True:
            self._wake.clear()
            while await self.send_due():
                pass
            await wait_at_most(self._wake, POLL_SECONDS)

    async def send_due(self) -> int:
        """Send what is due now; how many were tried."""
        async with self._database.transaction() as session:
            due = await queries.claim_due(session, at=now(), claimed_by=self._name, limit=BATCH)
        results = await asyncio.gather(*(self._send(message) for message in due), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(due)

    async def _send(self, message: OutboxMessage) -> None:
        tried = await self._try(message)
        self._unrecorded[message.id] = message, tried
        await self._record(message, tried)
        log.info("message_tried", id=message.id, channel=message.channel, outcome=tried.outcome, answer=tried.answer)

    async def _try(self, message: OutboxMessage) -> Tried:
        if message.expires_at is not None and now() >= message.expires_at:
            return Tried(Outcome.TOO_LATE, "its time was over")
        delivery = f"{self._name}.{message.id}"
        if message.channel == Channel.WEBHOOK:
            return await self._webhooks.send(message.target, message.content, delivery=delivery)
        if message.channel == Channel.SMS:
            if self._sms is None:
                return Tried(Outcome.NOT_NOW, "no SMS gateway is set")
            return await self._sms.send(message.target, Sms(**message.content), delivery=delivery)
        if self._mail is None:
            return Tried(Outcome.NOT_NOW, "no mail server is set")
        shown = message_id_of(delivery, message.token)
        return await send_mail(self._mail, message.target, message.subject, message.content["text"], delivery=shown)

    async def _record(self, message: OutboxMessage, tried: Tried) -> None:
        """Unless somebody has settled it meanwhile, thinking that we were gone."""
        async with self._database.transaction() as session:
            for row in await queries.lock_sending(
                session, self._name, message_id=message.id, attempts=message.attempts
            ):
                await service.record_try(session, row, tried, now(), tell=self._tell)
        self._unrecorded.pop(message.id, None)
