"""Somebody who writes SIP by hand: headers as hostile as wanted, from any loopback address (RFC 3261, RFC 7616)."""

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

ANSWER_SECONDS = 5.0
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 39998 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: what it says, without what differs each time."""

    status: int
    headers: dict[str, str]

    @property
    def shape(self) -> tuple[int, tuple[str, ...], str]:
        """Status, names of headers, and the challenge without nonce and opaque: all that a scanner could compare."""
        challenge = re.sub(r'(nonce|opaque)="[^"]*"', r"\1", self.headers.get("www-authenticate", ""))
        return self.status, tuple(self.headers), challenge


@dataclass(slots=True)
class SipPeer(asyncio.DatagramProtocol):
    """``async with SipPeer(pbx_port, ip)``. One request at a time."""

    pbx_port: int
    ip: str = "127.0.0.1"
    _inbox: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    _transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> "SipPeer":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.ip, 0))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._inbox.put_nowait(data)

    async def ask(
        self,
        method: str,
        to: str,
        *,
        user: str,
        password: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        talk_seconds: float = 0.0,
    ) -> Answer | None:
        """The final answer, None without one. ``password``: answers a challenge. A call that is taken ends by BYE."""
        dialog = secrets.token_hex(8), secrets.token_hex(4)
        answer = await self._once(dialog, method, to, user=user, cseq=1, headers=headers, talk_seconds=talk_seconds)
        if answer is not None and answer.status == 401 and password is not None:
            proof = _digest(answer.headers["www-authenticate"], method, f"sip:{to}@127.0.0.1", user, password)
            headers = {**headers, "Authorization": proof}
            answer = await self._once(dialog, method, to, user=user, cseq=2, headers=headers, talk_seconds=talk_seconds)
        return answer

    async def _once(
        self,
        dialog: tuple[str, str],
        method: str,
        to: str,
        *,
        user: str,
        cseq: int,
        headers: Mapping[str, str],
        talk_seconds: float,
    ) -> Answer | None:
        call_id, tag = dialog
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        body = _SDP.format(ip=self.ip) if method == "INVITE" else ""

        def request(name: str, to_line: str, extra: Mapping[str, str], content: str) -> None:
            host, port = self._address
            lines = {
                "Via": f"SIP/2.0/UDP {host}:{port};branch={branch}",
                "Max-Forwards": "70",
                "From": f"<sip:{user}@{host}>;tag={tag}",
                "To": to_line,
                "Call-ID": call_id,
                "CSeq": f"{cseq} {name}",
                "Contact": f"<sip:{user}@{host}:{port}>",
                **extra,
                **({"Content-Type": "application/sdp"} if content else {}),
                "Content-Length": str(len(content)),
            }
            head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
            assert self._transport is not None
            message = f"{name} sip:{to}@127.0.0.1:{self.pbx_port} SIP/2.0\r\n{head}\r\n{content}"
            self._transport.sendto(message.encode(), ("127.0.0.1", self.pbx_port))

        request(method, f"<sip:{to}@127.0.0.1>", headers, body)
        answer = await self._final(call_id, f"{cseq} {method}")
        if answer is not None and method == "INVITE":
            same = {name: value for name, value in headers.items() if name == "From"}
            request("ACK", answer.headers["to"], same, "")
            if answer.status == 200:
                await asyncio.sleep(talk_seconds)  # the caller listens
                branch, cseq = f"z9hG4bK{secrets.token_hex(8)}", cseq + 1
                request("BYE", answer.headers["to"], same, "")
                await self._final(call_id, f"{cseq} BYE")
        return answer

    @property
    def _address(self) -> tuple[str, int]:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    async def _final(self, call_id: str, cseq: str) -> Answer | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._read_final(call_id, cseq)
        return None

    async def _read_final(self, call_id: str, cseq: str) -> Answer:
        while True:
            first, *lines = (await self._inbox.get()).decode(errors="replace").split("\r\n\r\n")[0].split("\r\n")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            status = int(first.split()[1]) if first.startswith("SIP/2.0 ") else 0
            if status >= 200 and headers.get("call-id") == call_id and headers.get("cseq") == cseq:
                return Answer(status, headers)


def _digest(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    nc, cnonce = "00000001", secrets.token_hex(8)
    secret = md5(f"{user}:{said['realm']}:{password}")
    response = md5(f"{secret}:{said['nonce']}:{nc}:{cnonce}:auth:{md5(f'{method}:{uri}')}")
    quoted = {"username": user, "realm": said["realm"], "nonce": said["nonce"], "uri": uri, "response": response}
    quoted |= {"cnonce": cnonce, **({"opaque": said["opaque"]} if "opaque" in said else {})}
    return "Digest " + ", ".join([*(f'{key}="{value}"' for key, value in quoted.items()), "qop=auth", f"nc={nc}"])
