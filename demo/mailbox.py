"""The mail server of the demo: takes every mail and shows whom it is for."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, Envelope

_HOST = "127.0.0.1"


class Mailbox:
    """``async with Mailbox(tell) as box``: an SMTP server on loopback, at ``box.port``."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> "Mailbox":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="demo"), _HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        self._tell(f"a mail arrives for {envelope.rcpt_tos[0]}: {mail['Subject']}")
        return "250 taken"
