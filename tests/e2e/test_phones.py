"""The simulated telephones themselves, against a PBX that is short of time."""

import asyncio
import re
import time

from demo.phones import LOOPBACK, PhoneSystem, is_heard
from demo.sip_scenarios import Called, HangUp, Wait
from tests.support.ports import free_port


class _Pbx(asyncio.DatagramProtocol):
    """What the telephone said, message by message."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._heard.put_nowait(data.decode())

    async def hears(self, first_line: str) -> str:
        """The next message that begins so; what was said before it is forgotten."""
        async with asyncio.timeout(10):
            while not (message := await self._heard.get()).startswith(first_line):
                pass
        return message


async def test_a_repeated_invitation_does_not_end_a_call_that_is_being_answered() -> None:
    """Asterisk repeats it when it had no time to read 180 and 200 within half a second."""
    loop = asyncio.get_running_loop()
    transport, pbx = await loop.create_datagram_endpoint(_Pbx, local_addr=(LOOPBACK, 0))
    port = transport.get_extra_info("sockname")[1]
    there = (LOOPBACK, free_port())
    head = (
        f"Via: SIP/2.0/UDP {LOOPBACK}:{port};branch=z9hG4bK1\r\nFrom: <sip:1@{LOOPBACK}>;tag=1\r\n"
        f"To: <sip:2@{LOOPBACK}>{{tag}}\r\nCall-ID: 1\r\nContact: <sip:1@{LOOPBACK}:{port}>\r\nMax-Forwards: 70\r\n"
    )
    sdp = f"v=0\r\no=- 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n"
    content = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
    invitation = f"INVITE sip:2@{LOOPBACK} SIP/2.0\r\n{head.format(tag='')}CSeq: 1 INVITE\r\n{content}"
    try:
        async with PhoneSystem(port) as phones:
            phone = await phones.answer_at_trunk(there[1], [Wait(0.1), HangUp()], ring_seconds=0.05)
            transport.sendto(invitation.encode(), there)
            await pbx.hears("SIP/2.0 180")
            await pbx.hears("SIP/2.0 200")
            transport.sendto(invitation.encode(), there)
            answer = await pbx.hears("SIP/2.0 200")
            tag = re.search(r"^To:.*(;tag=\S+)", answer, re.M)
            assert tag is not None
            end = "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
            transport.sendto(f"ACK sip:2@{LOOPBACK} SIP/2.0\r\n{head.format(tag=tag[1])}{end}".encode(), there)
            bye = await pbx.hears("BYE ")
            kept = [line for line in bye.split("\r\n") if re.match("Via|From|To|Call-ID|CSeq", line)]
            transport.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), there)
            await phone.done(10)
    finally:
        transport.close()


def _looked_for(port: int) -> bool:
    """Looks without a pause until somebody listens there."""
    until = time.monotonic() + 10
    while not is_heard(port) and time.monotonic() < until:
        pass
    return is_heard(port)


async def test_who_looks_whether_a_telephone_listens_does_not_keep_it_from_that() -> None:
    """The port was taken by the look itself, when SIPp wanted it at that very moment: one start in three, looked so."""
    async with PhoneSystem(free_port()) as phones:
        for _ in range(8):
            port = free_port()
            looked = asyncio.create_task(asyncio.to_thread(_looked_for, port))
            phone = await phones.network_at_trunk(port, {"1": Called([HangUp()])})
            assert await looked
            assert phone.ringing_or_talking
            await phone.unplug()
