"""Mail by SMTP, one recipient a message, in steps: so that it is known what the server may have taken."""

import asyncio
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException

from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.secrets import find_secret
from callcenter.messaging.certificates import tls_context
from callcenter.messaging.retry_policy import Outcome, Tried

STEP_SECONDS = 20.0
TOTAL_SECONDS = 60.0
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
"""What the header and the SMTP command both take for one recipient, and nothing else."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """``user`` empty: no log-in. ``trusted``: a file of certificates instead of the machine's own."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    sender: str
    user: str = ""
    password: str = ""
    trusted: str | None = None
    step_seconds: float = STEP_SECONDS

    @classmethod
    def of(cls, settings: Settings) -> "MailServer | None":
        """The hospital's; None: none is set."""
        if not settings.mail_host or not settings.mail_from:
            return None
        return cls(
            host=settings.mail_host,
            port=settings.mail_port,
            tls=settings.mail_tls,
            sender=settings.mail_from,
            user=settings.mail_user,
            password=find_secret(settings, "mail_password") or "",
        )


async def send_mail(server: MailServer, to: str, subject: str, text: str, *, delivery: str) -> Tried:
    """One try; never raises. ``delivery``: what the Message-ID is made of, so that a doubled one would show.

    Up to the end of the data nothing is taken. Once they are under way, only an answer tells.
    """
    try:
        content = _message(server, to, subject, text, delivery).as_bytes()
    except ValueError as error:
        return Tried(Outcome.REFUSED, f"it cannot be written: {type(error).__name__}")
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        tls_context=tls_context(server.trusted) if server.tls != "none" else None,
        timeout=server.step_seconds,
    )
    is_under_way = False
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            await client.connect()
            if server.user:
                await client.login(server.user, server.password)
            await client.mail(server.sender)
            await client.rcpt(to)
            is_under_way = True
            answer = await client.data(content)
            return Tried(Outcome.TAKEN, f"{answer.code}")
    except SMTPResponseException as error:
        is_for_good = 500 <= error.code < 600 and not _is_ours_to_mend(error)
        return Tried(Outcome.REFUSED if is_for_good else Outcome.NOT_NOW, f"{error.code} {type(error).__name__}")
    except (SMTPException, OSError, TimeoutError) as error:
        return Tried(Outcome.NO_ANSWER if is_under_way else Outcome.NOT_NOW, type(error).__name__)
    finally:
        client.close()


def _is_ours_to_mend(error: SMTPResponseException) -> bool:
    """Whether a refusal is about the server and our log-in there, and not about this message or its reader."""
    return isinstance(
        error,
        aiosmtplib.SMTPAuthenticationError
        | aiosmtplib.SMTPConnectResponseError
        | aiosmtplib.SMTPHeloError
        | aiosmtplib.SMTPSenderRefused,
    )


def _message(server: MailServer, to: str, subject: str, text: str, delivery: str) -> EmailMessage:
    if not _ADDRESS.fullmatch(to):
        raise ValueError("no plain mail address")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = server.sender, to, subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(delivery, domain=server.sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
