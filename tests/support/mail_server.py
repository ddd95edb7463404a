"""A real SMTP server on loopback for the tests, its answers chosen by each test."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope


@dataclass
class MailBox:
    """``answer(envelope)``: what the server says after the data; None: it hangs up without a word.

    ``silent``: never a word after the data. ``refused``: recipients it does not know. ``password``: whoever logs in
    must have it.
    """

    port: int = 0
    answer: Callable[[Envelope], str | None] = lambda _envelope: "250 taken"
    silent: bool = False
    refused: frozenset[str] = frozenset()
    password: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    """Whatever reached the end of its data, whether or not an answer followed."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: object, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self.silent:
            await asyncio.Event().wait()
        answer = self.answer(envelope)
        if answer is None:
            _hang_up(server)
            return "421 never said"
        return answer

    def check(self, _server: SMTP, _session: object, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password.decode() == self.password)


@asynccontextmanager
async def mail_server(box: MailBox, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[MailBox]:
    """``tls``: STARTTLS is offered and asked for."""
    loop = asyncio.get_running_loop()
    made: list[SMTP] = []

    def factory() -> SMTP:
        server = SMTP(
            box,
            hostname="localhost",
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=bool(box.password),
            auth_require_tls=tls is not None,
            authenticator=box.check if box.password else None,
            loop=loop,
        )
        made.append(server)
        return server

    listener = await loop.create_server(factory, "127.0.0.1", 0)
    box.port = listener.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        listener.close()
        for server in made:
            _hang_up(server)


def _hang_up(server: SMTP) -> None:
    transport: Any = server.transport
    if transport is not None:
        transport.abort()
