"""Delivery reports that come by mail, read from the sender's mailbox by IMAP. Nothing is changed there: others read it.

What was read in the last days is read again after a restart, which changes nothing.
"""

import asyncio
import imaplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.secrets import find_secret
from callcenter.messaging import service
from callcenter.messaging.bounces import Bounce, read_bounce
from callcenter.messaging.certificates import tls_context
from callcenter.messaging.errors import MailboxUnavailable
from callcenter.messaging.models import Channel
from callcenter.messaging.service import Told

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
STEP_SECONDS = 20.0
BATCH = 50
_BACK = timedelta(days=7)
_BYTES = 65_536
"""Of one report: what it says stands at its beginning, behind it the whole mail may come back."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``trusted``: a file of certificates instead of the machine's own."""

    host: str
    port: int
    user: str
    password: str
    trusted: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Mailbox | None":
        """Of the address that writes; None: nobody reads it."""
        if not settings.mail_imap_host:
            return None
        password = find_secret(settings, "mail_password") or ""
        return cls(settings.mail_imap_host, settings.mail_imap_port, settings.mail_user, password)


class BounceReader:
    """Between two looks it keeps which reports it has read."""

    def __init__(self, database: Database, mailbox: Mailbox, *, tell: Sequence[Told] = ()) -> None:
        self._database = database
        self._mailbox = mailbox
        self._tell = tell
        self._read: set[tuple[bytes, bytes]] = set()
        """UIDVALIDITY and UID."""

    async def look(self) -> int:
        """Record the reports that are new; how many were of mails of ours. Raises MailboxUnavailable."""
        try:
            found = await asyncio.to_thread(self._fetch)
        except (imaplib.IMAP4.error, OSError) as error:
            raise MailboxUnavailable(f"The mailbox: {type(error).__name__}") from error
        bounces = 0
        for key, bounce in found.items():
            if bounce is not None:
                await self._record(bounce)
                bounces += 1
            self._read.add(key)
        return bounces

    async def _record(self, bounce: Bounce) -> None:
        async with self._database.transaction() as session:
            await service.record_report(
                session,
                bounce.delivery,
                bounce.report,
                now(),
                channel=Channel.MAIL,
                token=bounce.token,
                tell=self._tell,
            )
        log.info("mail_reported", delivery=bounce.delivery, report=bounce.report)

    def _fetch(self) -> dict[tuple[bytes, bytes], Bounce | None]:
        """The oldest that were not read, in a thread of its own: imaplib waits."""
        box = self._mailbox
        client = imaplib.IMAP4_SSL(box.host, box.port, ssl_context=tls_context(box.trusted), timeout=STEP_SECONDS)
        with client:
            client.login(box.user, box.password)
            client.select("INBOX", readonly=True)
            validity = (client.response("UIDVALIDITY")[1] or [b""])[0] or b""
            since = (now() - _BACK).strftime("%d-%b-%Y")
            status, answer = client.uid("SEARCH", "SINCE", since, "HEADER", "Content-Type", "delivery-status")
            if status != "OK":
                raise imaplib.IMAP4.error("SEARCH was refused")
            uids = [uid for uid in (answer[0] or b"").split() if (validity, uid) not in self._read]
            return {(validity, uid): read_bounce(_body(client, uid)) for uid in uids[:BATCH]}


def _body(client: imaplib.IMAP4, uid: bytes) -> bytes:
    _, answer = client.uid("FETCH", uid.decode("ascii"), f"(BODY.PEEK[]<0.{_BYTES}>)")
    return next((part[1] for part in answer if isinstance(part, tuple)), b"")
