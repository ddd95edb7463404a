"""Simulated telephones: one SIPp process each, with its own ports, log folder and end.

They send real SIP and RTP, on loopback only, and stop by themselves.
"""

import asyncio
import contextlib
import fcntl
import itertools
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

from callcenter.core.errors import SetupError
from demo import sip_scenarios
from demo.sip_scenarios import Called, Step

LOOPBACK = "127.0.0.1"
_PORTS = 4
_FIRST_PORT, _BLOCKS, _BLOCK_PORTS = 20_000, 12, 1_000


class PhoneFailed(AssertionError):
    """A telephone's call did not go as its scenario says; the message holds SIPp's own words."""


@dataclass(slots=True)
class Phone:
    """One running SIPp."""

    name: str
    process: asyncio.subprocess.Process
    folder: Path
    media_port: int
    """Where it receives RTP."""

    async def done(self, timeout_seconds: float = 60.0) -> None:
        """Wait until the scenario ended well. Raises PhoneFailed otherwise, or after the time-out."""
        try:
            async with asyncio.timeout(timeout_seconds):
                code = await self.process.wait()
        except TimeoutError:
            await self.unplug()
            raise PhoneFailed(f"{self.name}: still in its call after {timeout_seconds} s\n{self.trace()}") from None
        if code != 0:
            raise PhoneFailed(f"{self.name}: SIPp ended with {code}\n{self.trace()}")

    async def unplug(self) -> None:
        """The telephone is gone at once, without BYE."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    @property
    def ringing_or_talking(self) -> bool:
        return self.process.returncode is None

    def trace(self, characters: int = 4000) -> str:
        """SIPp's last errors and the last SIP messages, so many ``characters`` of each."""
        parts = [path.read_text(errors="replace")[-characters:] for path in sorted(self.folder.glob("*.log"))]
        return "\n".join(parts)


class _Ports:
    """UDP ports for telephones: a block of this process's own, so that nobody else picks the same at the same time.

    Below Linux's ephemeral range and above Asterisk's default RTP range; the block is held by a file lock.
    """

    def __init__(self) -> None:
        found = next(filter(None, map(_try_block, range(_BLOCKS))), None)
        if found is None:
            raise SetupError("Too many simulated telephone systems run at once: end some.")
        self._lock, block = found
        first = _FIRST_PORT + block * _BLOCK_PORTS
        self._numbers = itertools.cycle(range(first, first + _BLOCK_PORTS, _PORTS))

    def take(self) -> int:
        """An even port with the next three free too (RTP, RTCP and SIPp's video twin)."""
        for port in itertools.islice(self._numbers, _BLOCK_PORTS // _PORTS):
            if all(_is_free(port + offset) for offset in range(_PORTS)):
                return port
        raise SetupError("No UDP port is left for a simulated telephone: end some.")

    def release(self) -> None:
        self._lock.close()


def _try_block(block: int) -> tuple[IO[str], int] | None:
    try:
        lock = (Path(tempfile.gettempdir()) / f"callcenter-phones-{block}.lock").open("a")
    except PermissionError:
        return None  # another user's
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock, block


@dataclass(slots=True)
class PhoneSystem:
    """Starts telephones against one PBX and ends those that are left: ``async with PhoneSystem(...)``.

    ``sip_host``/``sip_port``: the PBX. ``keep_messages``: write every SIP message to the phone's folder.
    """

    sip_port: int
    sip_host: str = LOOPBACK
    keep_messages: bool = True
    _folder: tempfile.TemporaryDirectory[str] = field(default_factory=lambda: tempfile.TemporaryDirectory("phones"))
    phones: list[Phone] = field(default_factory=list)
    _ports: _Ports | None = None

    async def __aenter__(self) -> "PhoneSystem":
        self._ports = _Ports()
        self._audio.write_bytes(_quiet_alaw(seconds=4))
        self._voice.write_bytes(_loud_alaw(seconds=4))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for phone in self.phones:
            if phone.process.returncode is None:
                await phone.unplug()
        self._folder.cleanup()
        if self._ports is not None:
            self._ports.release()

    async def call(
        self,
        number: str,
        to: str,
        steps: Sequence[Step],
        *,
        name: str = "caller",
        speaks: bool = False,
        tone_hz: int | None = None,
    ) -> Phone:
        """Somebody in the telephone network, with ``number`` as caller id (put into From as it is), dials ``to``.

        ``speaks``: all the time, loud enough to be recorded as speech; ``tone_hz``: so high.
        """
        audio = self._tone(tone_hz) if tone_hz else self._voice if speaks else self._audio
        scenario = sip_scenarios.caller(number, steps, audio)
        return await self._start(name, scenario, ["-s", to, "-m", "1"])

    async def call_many(self, calls: Sequence[tuple[str, str, float]], *, patience_seconds: float) -> Phone:
        """Many callers, each with number, whom to dial and after how many seconds from now; they wait to be served."""
        rows = [f"{number};{to};{round(delay_seconds * 1000)};" for number, to, delay_seconds in calls]
        scenario = sip_scenarios.crowd(patience_seconds)
        count = str(len(calls))
        arguments = ["-m", count, "-l", count, "-r", count, "-inf", "calls.csv"]
        return await self._start(
            "crowd", scenario, arguments, files={"calls.csv": "\n".join(["SEQUENTIAL", *rows, ""])}
        )

    async def dial_from_seat(self, seat: str, password: str, to: str, steps: Sequence[Step]) -> Phone:
        """A seat dials (a feature code)."""
        scenario = sip_scenarios.caller(seat, steps, self._audio, password=password)
        return await self._start(f"{seat} dials", scenario, ["-s", to, "-m", "1"])

    async def plug_in(
        self,
        seat: str,
        password: str,
        steps: Sequence[Step],
        *,
        ring_seconds: float = 1.0,
        calls: int | None = None,
        refuse: int | None = None,
        tone_hz: int | None = None,
    ) -> Phone:
        """Register a seat's telephone and let it take calls (``calls``: that many, None: until unplugged).

        ``tone_hz``: what it says, all the time.
        """
        port = self._take_port()
        registration = await self._start(f"{seat} registers", sip_scenarios.register(seat, password), ["-m", "1"], port)
        await registration.done(10)
        audio = self._tone(tone_hz) if tone_hz else self._audio
        scenario = sip_scenarios.seat(steps, audio, ring_seconds=ring_seconds, refuse=refuse)
        return await self._start(seat, scenario, ["-m", str(calls)] if calls else [], port)

    async def answer_at_trunk(
        self,
        trunk_port: int,
        steps: Sequence[Step],
        *,
        ring_seconds: float = 1.0,
        calls: int | None = 1,
        refuse: int | None = None,
        tone_hz: int | None = None,
    ) -> Phone:
        """Somebody in the telephone network takes calls that the hotline makes (``calls``: that many, None: all).

        ``refuse``: every call is answered with this SIP status. ``tone_hz``: what is said, all the time. Returns as
        soon as the telephone would ring.
        """
        audio = self._tone(tone_hz) if tone_hz else self._audio
        scenario = sip_scenarios.seat(steps, audio, ring_seconds=ring_seconds, refuse=refuse)
        return await self._start_at_trunk("callee", scenario, trunk_port, calls)

    async def network_at_trunk(self, trunk_port: int, telephones: Mapping[str, Called | Sequence[Called]]) -> Phone:
        """Many people in the telephone network, by their numbers as the trunk dials them; until unplugged.

        Several ``Called``: the first call meets the first of them, and so on.
        """
        times = {number: (one,) if isinstance(one, Called) else tuple(one) for number, one in telephones.items()}
        scenario = sip_scenarios.network(times, self._audio, self._voice)
        return await self._start_at_trunk("network", scenario, trunk_port, None)

    async def _start_at_trunk(self, name: str, scenario: str, trunk_port: int, calls: int | None) -> Phone:
        phone = await self._start(name, scenario, ["-m", str(calls)] if calls else [], trunk_port)
        for _ in range(250):
            if is_heard(trunk_port):
                return phone
            await asyncio.sleep(0.02)
        raise SetupError(f"SIPp does not listen at port {trunk_port}: {phone.trace()}")

    def _take_port(self) -> int:
        if self._ports is None:
            raise RuntimeError("use it as a context manager")
        return self._ports.take()

    @property
    def _audio(self) -> Path:
        return Path(self._folder.name) / "quiet.alaw"

    @property
    def _voice(self) -> Path:
        return Path(self._folder.name) / "voice.alaw"

    def _tone(self, hz: int) -> Path:
        file = Path(self._folder.name) / f"tone-{hz}.alaw"
        if not file.exists():
            file.write_bytes(_square_alaw(round(4_000 / hz), seconds=4))
        return file

    async def _start(
        self,
        name: str,
        scenario: str,
        arguments: list[str],
        port: int | None = None,
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> Phone:
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        for file, content in {"scenario.xml": scenario, **files}.items():
            (folder / file).write_text(content)
        media_port = self._take_port()
        command = [
            "sipp",
            f"{self.sip_host}:{self.sip_port}",
            *("-sf", "scenario.xml", "-i", LOOPBACK, "-mi", LOOPBACK),
            *("-p", str(port or self._take_port()), "-mp", str(media_port)),
            *("-nostdin", "-trace_err", "-error_file", "errors.log"),
            *(["-trace_msg", "-message_file", "messages.log"] if self.keep_messages else []),
            *arguments,
        ]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
        except FileNotFoundError as error:
            raise SetupError("SIPp is not installed: run `make setup-pbx` (Debian package sip-tester).") from error
        phone = Phone(name, process, folder, media_port)
        self.phones.append(phone)
        return phone


def is_heard(port: int) -> bool:
    """Whether somebody listens there. Read, not tried: a probe that binds would take the port from who is about to."""
    sockets = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") for line in sockets)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _quiet_alaw(seconds: int) -> bytes:
    """A-law near-silence (G.711): what a quiet room sends, so that no RTP time-out takes the phone for dead."""
    return bytes((0xD5, 0x55)) * (4000 * seconds)


def _loud_alaw(seconds: int) -> bytes:
    """A tone of 400 Hz, a square wave of some 4,000 of 32,768 (G.711, segment 5)."""
    return _square_alaw(10, seconds)


def _square_alaw(half_samples: int, seconds: int) -> bytes:
    """A square wave, its period twice as many samples of an eighth of a millisecond; whole periods only."""
    period = bytes((0x85,)) * half_samples + bytes((0x05,)) * half_samples
    return period * (8_000 * seconds // len(period))
