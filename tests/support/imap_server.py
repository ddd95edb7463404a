"""A mailbox on loopback for the tests: as much of an IMAP server as reads one, over TLS."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_FETCH = re.compile(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)")


@dataclass
class ImapBox:
    """``mails``: by UID. ``commands``: what was asked for, without log-ins."""

    password: str = "word"
    port: int = 0
    mails: dict[int, bytes] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        try:
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                for part in self._answers(command):
                    writer.write(part)
                is_right = not command.startswith("LOGIN") or command.endswith(f'"{self.password}"')
                writer.write(f"{tag} {'OK' if is_right else 'NO'} done\r\n".encode())
                if command == "LOGOUT":
                    break
        except ConnectionError:
            pass  # it hung up
        finally:
            writer.close()

    def _answers(self, command: str) -> list[bytes]:
        if not command.startswith("LOGIN"):
            self.commands.append(command)
        if command == "CAPABILITY":
            return [b"* CAPABILITY IMAP4rev1\r\n"]
        if command.startswith("EXAMINE"):
            return [f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n".encode()]
        if command.startswith("UID SEARCH"):
            found = [uid for uid, mail in self.mails.items() if b"delivery-status" in mail.split(b"\r\n\r\n")[0]]
            return [f"* SEARCH {' '.join(map(str, found))}\r\n".encode()]
        if (asked := _FETCH.fullmatch(command)) is not None:
            content = self.mails[int(asked[1])][: int(asked[2])]
            return [f"* 1 FETCH (UID {asked[1]} BODY[]<0> {{{len(content)}}}\r\n".encode(), content, b")\r\n"]
        return [b"* BYE\r\n"] if command == "LOGOUT" else []


@asynccontextmanager
async def imap_server(box: ImapBox, tls: ssl.SSLContext) -> AsyncIterator[ImapBox]:
    listener = await asyncio.start_server(box.serve, "127.0.0.1", 0, ssl=tls)
    box.port = listener.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        listener.close()
