"""SIPp as a crowd: one process calls at a steady rate, one answers for all seats. On loopback, and it ends by itself.

No telephone sends audio, and what Asterisk sends them goes to ports nobody reads: SIPp's own share of the machine
stays small, and whatever is compared gets the same. A key is a SIP INFO, which Asterisk takes on any endpoint.
"""

import asyncio
import contextlib
import csv
import signal
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.places import free_port
from callcenter.core.errors import SetupError
from demo.sip_scenarios import scenario, send

LOOPBACK = "127.0.0.1"

_VIA = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"
_END = "Max-Forwards: 70\nContent-Length: 0\n"
_REPLY = "SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n{more}"
_EMPTY = "Content-Length: 0\n"
_ANSWER_TAG = ";tag=[pid]s[call_number]"


@dataclass(frozen=True, slots=True)
class Counts:
    """``failed``: refused, unanswered, hung up by the other side, or a message lost for good."""

    begun: int
    failed: int


@dataclass(slots=True)
class Sipp:
    """One SIPp process. ``scenario``: its file; the folder holds what it wrote."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    async def done(self, timeout_seconds: float) -> Counts:
        """Wait for its end; ends it after ``timeout_seconds``."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.process.wait()
        except TimeoutError:
            await self.end()
        return self.counts()

    async def end(self) -> None:
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    def counts(self) -> Counts:
        with (self.folder / "stat.csv").open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        last = rows[-1]
        begun = int(last["TotalCallCreated"])
        return Counts(begun, begun - int(last["SuccessfulCall(C)"]))


class SipLoad:
    """``async with SipLoad(folder, sip_port)``: whatever was started is ended at the end."""

    def __init__(self, folder: Path, sip_port: int) -> None:
        self._folder = folder
        self._sip_port = sip_port
        self._running: list[Sipp] = []
        self._media = _deaf_socket()

    async def __aenter__(self) -> "SipLoad":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for sipp in self._running:
            await sipp.end()
        self._media.close()

    async def seats(self, passwords: dict[str, str], *, ring_seconds: float) -> Sipp:
        """Register every seat at one address, and answer there for all of them."""
        port = free_port()
        rows = [f"{name};[authentication username={name} password={word}]" for name, word in passwords.items()]
        registration = await self._start("register", _register(), port, rows, rate=50, calls=len(rows))
        counts = await registration.done(60)
        if counts.failed:
            raise SetupError(f"{counts.failed} of {counts.begun} seats could not register.")
        return await self._start("seats", _seat(ring_seconds, self._media_port), port)

    async def network(self, port: int, *, ring_seconds: float) -> Sipp:
        """Everybody in the telephone network answers, and stays until hung up on."""
        return await self._start("network", _seat(ring_seconds, self._media_port), port)

    async def calls(
        self,
        callers: Sequence[tuple[str, int | None]],
        to: str,
        *,
        per_second: float,
        key: str,
        key_after: float,
        stay: float,
    ) -> Sipp:
        """One call per caller (number, and a port for audio that somebody listens to): key after ``key_after``
        seconds, hang-up ``stay`` seconds later."""
        rows = [f"{number};{port or self._media_port};" for number, port in callers]
        caller = _caller(to, key, key_after, stay)
        return await self._start("callers", caller, free_port(), rows, rate=per_second, calls=len(rows))

    @property
    def _media_port(self) -> int:
        port: int = self._media.getsockname()[1]
        return port

    async def _start(
        self,
        name: str,
        xml: str,
        port: int,
        rows: Iterable[str] = (),
        *,
        rate: float | None = None,
        calls: int | None = None,
    ) -> Sipp:
        folder = self._folder / f"{len(self._running):03d}-{name}"
        folder.mkdir()
        (folder / "scenario.xml").write_text(xml)
        limits: list[str] = []
        if rate:
            (folder / "rows.csv").write_text("\n".join(["SEQUENTIAL", *rows, ""]))
            count = str(calls)
            limits = ["-inf", "rows.csv", "-r", f"{rate * 10:g}", "-rp", "10000", "-m", count, "-l", count]
        command = [
            *("sipp", f"{LOOPBACK}:{self._sip_port}", "-sf", "scenario.xml"),
            *("-i", LOOPBACK, "-mi", LOOPBACK, "-p", str(port), "-nostdin"),
            *("-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_err", "-error_file", "errors.log"),
            *limits,
        ]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
        except FileNotFoundError as error:
            raise SetupError("SIPp is not installed: run `make setup-pbx` (Debian package sip-tester).") from error
        sipp = Sipp(process, folder)
        self._running.append(sipp)
        return sipp


def _deaf_socket() -> socket.socket:
    """Where audio goes: the kernel drops what is not read, and Asterisk gets no error."""
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.bind((LOOPBACK, 0))
    return deaf


# -- scenarios


def _caller(to: str, key: str, key_after: float, stay: float) -> str:
    head = f"{_VIA}\nFrom: <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n{{to}}\nCall-ID: [call_id]\n"
    fresh = head.format(to=f"To: <sip:{to}@[remote_ip]:[remote_port]>")
    inside = head.format(to="[last_To:]")
    invite = f"INVITE sip:{to}@[remote_ip]:[remote_port] SIP/2.0\n{fresh}CSeq: 1 INVITE\n{_contact()}Max-Forwards: 70\n"
    info = f"Signal={key}\nDuration=160\n"
    body = [
        send(invite + _content("application/sdp", _sdp("[field1]")), retrans=True),
        *(f'<recv response="{code}" optional="true"/>' for code in (100, 180, 183)),
        '<recv response="200" rrs="true"/>',
        send(f"ACK [next_url] SIP/2.0\n{inside}CSeq: 1 ACK\n{_END}"),
        _pause(key_after),
        send(
            f"INFO [next_url] SIP/2.0\n{inside}CSeq: 2 INFO\nMax-Forwards: 70\n"
            + _content("application/dtmf-relay", info),
            retrans=True,
        ),
        '<recv response="200"/>',
        _pause(stay),
        send(f"BYE [next_url] SIP/2.0\n{inside}CSeq: 3 BYE\n{_END}", retrans=True),
        '<recv response="200"/>',
    ]
    return scenario("caller", body)


def _seat(ring_seconds: float, media_port: int) -> str:
    """Rings, answers, stays until hung up on; OPTIONS are answered on the way."""
    answer = _reply("200 OK", _contact() + _content("application/sdp", _sdp(str(media_port))), tag=True)
    body = [
        '<recv request="OPTIONS" optional="true" next="90"/>',
        '<recv request="INVITE" rrs="true"><action>'
        '<ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/></action></recv>',
        send(_reply("180 Ringing", _EMPTY, tag=True)),
        f'<recv request="CANCEL" timeout="{round(ring_seconds * 1000)}" ontimeout="10"/>',
        send(_reply("200 OK", _EMPTY)),
        send(_reply("487 Request Terminated", _EMPTY, tag=True).replace("[last_CSeq:]", "CSeq:[$cseq]")),
        '<recv request="ACK" timeout="2000" ontimeout="99" next="99"/>',
        '<label id="10"/>',
        send(answer, retrans=True),
        '<recv request="ACK"/>',
        '<recv request="BYE"/>',
        send(_reply("200 OK", _EMPTY)),
        '<nop next="99"/>',
        '<label id="90"/>',
        send(_reply("200 OK", _EMPTY, tag=True)),
        '<label id="99"/>',
        "<nop/>",
        '<Reference variables="cseq"/>',
    ]
    return scenario("seat", body)


def _register() -> str:
    def request(cseq: int, credentials: str) -> str:
        return (
            f"REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n{_VIA}\n"
            "From: <sip:[field0]@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n"
            "To: <sip:[field0]@[remote_ip]:[remote_port]>\nCall-ID: [call_id]\n"
            f"CSeq: {cseq} REGISTER\nContact: <sip:[field0]@[local_ip]:[local_port]>\n"
            f"{credentials}Max-Forwards: 70\nExpires: 3600\n{_EMPTY}"
        )

    body = [
        send(request(1, ""), retrans=True),
        '<recv response="401" auth="true"/>',
        send(request(2, "[field1]\n"), retrans=True),
        '<recv response="200"/>',
    ]
    return scenario("register", body)


def _contact() -> str:
    return "Contact: <sip:phone@[local_ip]:[local_port]>\n"


def _reply(status: str, more: str, *, tag: bool = False) -> str:
    return _REPLY.format(status=status, tag=_ANSWER_TAG if tag else "", more=more)


def _sdp(media_port: str) -> str:
    return (
        "v=0\no=phone 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n"
        f"m=audio {media_port} RTP/AVP 8 96\na=rtpmap:8 PCMA/8000\na=rtpmap:96 telephone-event/8000\n"
    )


def _content(kind: str, body: str) -> str:
    return f"Content-Type: {kind}\nContent-Length: [len]\n\n{body}"


def _pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>'
