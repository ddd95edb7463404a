"""Asterisk's side of FastAGI: connects, says who calls, and answers commands as a test's script has it."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from callcenter.asterisk.fastagi import AgiChannel, FastAgiServer

UNIQUEID = "pbx1-1795291833.1"
CLOSE = object()
"""As a reply: Asterisk closes the connection."""
RESET = object()
"""As a reply: the connection is reset."""


def request_block(script: str = "flow", **variables: str) -> bytes:
    """The header block as Asterisk 22.10 writes it."""
    given = {
        "network": "yes",
        "network_script": script,
        "request": f"agi://127.0.0.1:4573/{script}",
        "channel": "PJSIP/trunk-00000001",
        "language": "zh",
        "type": "PJSIP",
        "uniqueid": UNIQUEID,
        "version": "22.10.1",
        "callerid": "+8613800000001",
        "calleridname": "unknown",
        "callingpres": "0",
        "dnid": "8000",
        "rdnis": "unknown",
        "context": "cc",
        "extension": "s",
        "priority": "3",
        "enhanced": "0.0",
        "accountcode": "",
        "threadid": "140620312635072",
    } | variables
    return "".join(f"agi_{name}: {value}\n" for name, value in given.items()).encode() + b"\n"


@dataclass
class Talk:
    """What was said: ``commands`` as Asterisk got them, and how the handler ended."""

    commands: list[str] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None


async def talk(handler: Callable[[AgiChannel], Awaitable[Any]], *replies: object, block: bytes | None = None) -> Talk:
    """One call: the n-th command gets the n-th of ``replies`` (without its last line feed), then none."""
    said = Talk()

    async def handle(channel: AgiChannel) -> None:
        try:
            said.result = await handler(channel)
        except Exception as error:
            said.error = error
            raise

    server = FastAgiServer("127.0.0.1", 0, handle)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(block or request_block())
        script = iter(replies)
        while line := await reader.readline():
            said.commands.append(line.decode().removesuffix("\n"))
            reply = next(script, "")
            if reply is CLOSE:
                break
            if reply is RESET:
                reset(writer)
                break
            if reply:
                writer.write(f"{reply}\n".encode())
        writer.close()
        assert await server.drain(10) == 0
    except ConnectionResetError:
        pass  # our side let go while Asterisk was still talking
    finally:
        writer.close()
        await server.close()
    return said


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
