"""What comes over the network: scanners, guessers, hostile headers, toll fraud; callers are served meanwhile."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from sqlalchemy import func, select

from callcenter.calls.models import Call, LedgerQuarantine
from callcenter.core.alarms import Alarm
from callcenter.core.secrets import NAMES
from callcenter.queues.models import QueueMembership
from demo.hospital import HOTLINE
from demo.observer import until
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.abuse.sip_peer import SipPeer
from tests.e2e.hotline import ADMIN_PASSWORD, AGENT_PASSWORD, Hotline

SEAT = "seat-rose"
OWNED = Path("/tmp/callcenter-owned")
SCANNER = "127.0.0.3"
"""Not the trunk's address: on loopback they would otherwise be the same."""
EVIL = '${SHELL(touch /tmp/callcenter-owned)}$[1/0]|,;&PJSIP/seat-rose\\"%0d%0aAction: Originate%00=SUM(A1)'
HOSTILE_HEADERS = (
    {"From": '"\\\\\\"${SHELL(touch /tmp/callcenter-owned)}\\", x|y;z" <sip:138%5C%22%0D%0A@127.0.0.1>;tag=x1'},
    {"From": f'"{"9" * 3000}" <sip:anonymous@127.0.0.1>;tag=x2'},
    {"Contact": f"<sip:{'%24%7BSHELL(id)%7D'}@127.0.0.1:9>;{EVIL.replace(chr(34), '')}"},
    {"Diversion": f"<sip:8001@127.0.0.1>;reason={EVIL}", "User-Agent": EVIL},
    {"P-Asserted-Identity": f'"{EVIL}" <sip:%26PJSIP%2Fseat-rose@127.0.0.1>', "Subject": EVIL},
    {"Remote-Party-ID": f'"{EVIL}" <sip:+85290012345678@127.0.0.1>;party=calling', "X-CC-OK": "1"},
)
NOT_DIALLED = (
    *("0013800000001", "+8613800000001", "+85290012345678", "13800000001", "110", "9", "1002", "seat-lily", HOTLINE),
    *("s", "h", "i", "T", "do-queue", "fallback", "dial", "trunk", "PJSIP%2F13800000001%40trunk", "*99", "*1", "**11"),
)

NOT_MADE_BY_THEMSELVES = {
    "mail_password",
    "phone_turn_secret",
    "recording_keys_before",
    "sms_gateway_key",
    "speech_http_token",
}
"""Secrets of other systems, and keys of the past."""


async def test_strangers_learn_nothing_and_disturb_nobody(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    members = await count_members(hotline)
    async with SipPeer(hotline.settings.sip_port, SCANNER) as scanner:
        await scanner_cannot_tell_who_exists(scanner)
        caller = await hotline.phones.call("13800000001", HOTLINE, [Wait(3), HangUp()])
        for n in range(150):
            user = SEAT if n % 3 else f"seat-{n}"
            guessed = await scanner.ask("REGISTER", user, user=user, password=f"guess{n}")
            assert guessed is not None
            assert guessed.status == 401
        await caller.done(30)
        await until("the alarm", lambda: is_told(hotline, f"PJSIP:{SCANNER}"))

    async with SipPeer(hotline.settings.sip_port) as trunk:
        for headers in HOSTILE_HEADERS:
            answer = await trunk.ask("INVITE", HOTLINE, user="anonymous", headers=headers, talk_seconds=1.0)
            # a message that is none is dropped without a word
            assert answer is None or answer.status in {200, 400}, headers
    await hotline.no_calls_left()
    assert not was_owned(hotline)
    assert await count_members(hotline) == members
    calls = await until("all calls are recorded", lambda: finished(hotline))
    assert len(calls) > 1, "no hostile call was taken: nothing was tried"
    assert {call.direction for call in calls} == {"inbound"}
    assert {call.outcome for call in calls} == {"self_service"}
    assert {call.caller_number for call in calls} <= {None, "+8613800000001"}
    async with hotline.database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(LedgerQuarantine)) == 0

    client = await hotline.api(service)
    await no_secret_is_told(hotline, client)


def was_owned(hotline: Hotline) -> bool:
    """Whether what stands in EVIL was carried out: in Asterisk's root file system, or here."""
    return OWNED.exists() or any(hotline.settings.pbx_dir.rglob(OWNED.name))


async def scanner_cannot_tell_who_exists(scanner: SipPeer) -> None:
    for method in ("REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"):
        shapes = set()
        for user in (SEAT, "nobody", "1001", "trunk", "seat"):
            for password in (None, "guess"):
                target = user if method == "REGISTER" else HOTLINE
                answer = await scanner.ask(method, target, user=user, password=password)
                shapes.add((password, answer.shape if answer else None))
        assert len(shapes) == 2, (method, shapes)
        assert {shape[0] if shape else None for _, shape in shapes} == {401}, method


async def is_told(hotline: Hotline, key: str) -> bool:
    async with hotline.database.transaction() as session:
        query = select(Alarm).where(Alarm.kind == "password_guessing", Alarm.key == key)
        alarms = (await session.scalars(query)).all()
    assert len(alarms) <= 1
    return bool(alarms)


async def count_members(hotline: Hotline) -> int:
    async with hotline.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(QueueMembership)) or 0


async def finished(hotline: Hotline) -> list[Call]:
    calls = list(await hotline.calls())
    return calls if len(calls) > 1 and all(call.ended_at for call in calls) else []


# -- secrets


async def no_secret_is_told(hotline: Hotline, client: httpx.AsyncClient) -> None:
    """Not in logs, figures, errors or process arguments; files that hold one are their owner's."""
    secrets_dir = hotline.settings.secrets_dir
    secrets = {path.name: path.read_text().strip() for path in secrets_dir.iterdir()}
    assert set(secrets) >= NAMES - NOT_MADE_BY_THEMSELVES
    secrets |= hotline.seat_passwords
    secrets |= {"admin": ADMIN_PASSWORD, "agent": AGENT_PASSWORD, "token": client.headers["Authorization"].split()[1]}
    outputs = {str(path): path.read_text(errors="replace") for path in log_files(hotline)}
    assert len(outputs) >= 4
    outputs |= {"metrics": (await client.get("/metrics")).text, "processes": process_arguments()}
    wrong = await client.post("/api/v1/auth/login", json={"username": "admin", "password": ADMIN_PASSWORD + "x" * 300})
    missing = await client.get(f"/api/v1/users/{secrets['token']}")
    outputs |= {"wrong": wrong.text, "missing": missing.text}
    told = {(name, output) for name, secret in secrets.items() for output, text in outputs.items() if secret in text}
    assert told == set()
    holders = [*secrets_dir.iterdir(), *(hotline.settings.pbx_dir / "etc").iterdir()]
    open_to_others = [path.name for path in holders if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def log_files(hotline: Hotline) -> Iterator[Path]:
    yield from (path for path in (hotline.settings.pbx_dir / "log").rglob("*") if path.is_file())
    yield from (service.log_file for service in hotline.stack.services)


def process_arguments() -> str:
    found = []
    for process in Path("/proc").iterdir():
        try:
            found.append((process / "cmdline").read_text(errors="replace") if process.name.isdigit() else "")
        except OSError:  # it has just ended
            continue
    # SIPp, the telephones of this test, knows the seats' passwords by its scenario, not by its arguments
    return "\n".join(found)


# -- toll fraud


async def test_nothing_leaves_the_pbx_but_what_the_service_dials(hotline: Hotline) -> None:
    await hotline.stack.start_service()
    async with telephone_network(hotline) as rang, SipPeer(hotline.settings.sip_port) as peer:
        for target in NOT_DIALLED:
            seat = await peer.ask("INVITE", target, user=SEAT, password=hotline.seat_passwords[SEAT])
            assert seat is not None
            assert seat.status in {404, 484}, f"a seat dialled {target}"
        code = await peer.ask("INVITE", "*13", user=SEAT, password=hotline.seat_passwords[SEAT], talk_seconds=0.5)
        assert code is not None
        assert code.status == 200, "feature codes are for seats"
        for target in {*NOT_DIALLED, "*11", "*13", SEAT, "8" * 100} - {HOTLINE}:
            answer = await peer.ask("INVITE", target, user="13800000001")
            assert answer is not None
            assert answer.status in {404, 484}, f"the network dialled {target}"
        await hotline.no_calls_left()
        assert rang == [], "something left the PBX"
    assert not [call for call in await hotline.calls() if call.direction == "outbound"]


@asynccontextmanager
async def telephone_network(hotline: Hotline) -> AsyncIterator[list[bytes]]:
    """Everything that the PBX sends to its trunk."""
    received: list[bytes] = []

    class Listener(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _address: object) -> None:
            received.append(data)

    address = (hotline.settings.trunk_host, hotline.settings.trunk_port)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Listener, local_addr=address)
    try:
        yield received
    finally:
        transport.close()
