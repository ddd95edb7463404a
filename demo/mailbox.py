"""The mail server of the demo: takes every mail and shows whom it is for."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope


class Mailbox:
    """``with Mailbox(tell) as box``: an SMTP server on loopback, ``box.port``."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._server = Controller(self, hostname="127.0.0.1", port=0)

    def __enter__(self) -> "Mailbox":
        self._server.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.stop()

    @property
    def port(self) -> int:
        server = self._server.server
        if not isinstance(server, asyncio.Server):
            raise RuntimeError("use it as a context manager")
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        self._tell(f"a mail arrives for {envelope.rcpt_tos[0]}: {mail['Subject']}")
        return "250 taken"
