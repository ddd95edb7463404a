"""The sample hospital at a size that benches need: many patients known by number, many seats in one queue."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from types import MappingProxyType

from sqlalchemy import insert, text

from bench.places import free_port
from bench.processes import cpu_seconds, parent, resident_mb, tree_cpu_seconds
from bench.sip_load import SipLoad
from callcenter.agents.models import Activity, Agent, Seat, Wanted
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.core.secrets import get_secret
from callcenter.patients.models import Patient, PatientNumber
from callcenter.queues.models import QueueMembership
from callcenter.roles import ProcessRole
from demo import hospital
from demo.observer import until
from demo.stack import Service, Stack, private_settings

QUEUE = "consultation"
BARE_USER = "bench"
REFERENCE_LINE = "7000"
"""The same call without any service."""
RING_SECONDS, WRAP_UP_SECONDS = 0.3, 1

_REFERENCE = f"""
[inbound]
exten => {REFERENCE_LINE},1,Goto(reference,s,1)

[reference]
exten => s,1,CELGenUserEvent(CC_CALL,did={REFERENCE_LINE}:caller=${{CALLERID(num)}})
 same => n,Answer()
 same => n,Playback(cc/greeting_known)
 same => n,Background(cc/main_menu)
 same => n,WaitExten(6)
 same => n,Hangup()
exten => 2,1,Playback(cc/transfer_to_agent)
 same => n,Queue({QUEUE},c)
 same => n,Hangup()
exten => out,1,CELGenUserEvent(CC_CALL,did={REFERENCE_LINE})
 same => n,Hangup()
exten => told,1,CELGenUserEvent(CC_CALL,did={REFERENCE_LINE})
 same => n,Set(CHANNEL(language)=zh)
 same => n,Playback(cc/main_menu)
 same => n,Hangup()
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds, so far or of a span."""

    service: float
    asterisk: float
    postgres: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.service - other.service, self.asterisk - other.asterisk, self.postgres - other.postgres)


@dataclass(slots=True)
class BusyHotline:
    """PostgreSQL and Asterisk run; the service comes and goes, and with it its agents become members in Asterisk."""

    settings: Settings
    database: Database
    stack: Stack
    load: SipLoad
    passwords: dict[str, str]
    """Seat -> its SIP password."""
    postmaster: int

    async def open(self, *, apart: bool = False) -> None:
        """Telephones registered, the service up, agents available. ``apart``: each role in a process of its own."""
        await self.load.seats(self.passwords, ring_seconds=RING_SECONDS)
        if apart:
            for role in ProcessRole:
                port = self.settings.api_port if role is ProcessRole.API else free_port()
                await self.stack.start_service([role], http_port=port)
        else:
            await self.stack.start_service()
        await self.rested()

    async def rested(self) -> None:
        """Once every agent is a member that can be rung: also those whom the calls before overran."""
        await until("every agent is a member that can be rung", self._all_can_be_rung, timeout_seconds=120)

    async def stop_service(self) -> None:
        """Members stay in Asterisk."""
        for service in self.services:
            await service.stop()

    @property
    def services(self) -> list[Service]:
        return [service for service in self.stack.services if service.process.returncode is None]

    @property
    def asterisk_pid(self) -> int:
        pid = self.stack.pbx.status().pid
        if pid is None:
            raise RuntimeError("Asterisk does not run")
        return pid

    def cost(self) -> Cost:
        return Cost(
            service=cpu_seconds(service.process.pid for service in self.services),
            asterisk=cpu_seconds([self.asterisk_pid]),
            postgres=tree_cpu_seconds(self.postmaster),
        )

    def service_mb(self) -> float:
        return sum(resident_mb(service.process.pid) for service in self.services)

    def asterisk_mb(self) -> float:
        return resident_mb(self.asterisk_pid)

    async def channels(self) -> int:
        words = (await asyncio.to_thread(self.stack.pbx.cli, "core show channels count")).split()
        return int(words[0])

    async def _all_can_be_rung(self) -> bool:
        shown = await asyncio.to_thread(self.stack.pbx.cli, f"queue show {QUEUE}")
        lines = [line for line in shown.splitlines() if "seat-bench" in line]
        ready = sum("Not in use" in line for line in lines)
        return ready >= len(self.passwords)


@asynccontextmanager
async def busy_hotline(
    directory: Path,
    database_url: str,
    *,
    patients: int,
    seats: int,
    rtp_timeout_seconds: int = 60,
    paused: bool = False,
    flows: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[BusyHotline]:
    """Patients are :func:`caller_number` 0 to ``patients`` - 1. ``paused``: nobody is served. Ends all it started.

    ``flows``: instead of ours, by file name.
    """
    state_dir = directory / "state"
    state_dir.mkdir(mode=0o755)
    settings = private_settings(state_dir, slot=0).model_copy(
        update={
            "rtp_port_first": 10_000,
            "rtp_port_last": 19_999,
            "rtp_timeout_seconds": rtp_timeout_seconds,
            "asterisk_conf_dir": _with_reference(directory),
        }
    )
    if flows:
        settings = settings.model_copy(update={"flows_dir": directory / "flows"})
        settings.flows_dir.mkdir()
        for name, content in flows.items():
            (settings.flows_dir / name).write_text(content)
    database = Database(database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await _load_hospital(database, settings)
        await _load_patients(database, patients)
        passwords = await _load_seats(database, seats, Wanted.PAUSED if paused else Wanted.AVAILABLE)
        async with database.transaction() as session:
            backend = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        pbx = await stack.enter_async_context(Stack(settings, database_url))
        await pbx.start_pbx(database)
        folder = directory / "sipp"
        folder.mkdir()
        load = await stack.enter_async_context(SipLoad(folder, settings.sip_port))
        yield BusyHotline(settings, database, pbx, load, passwords, parent(backend))


def caller_number(index: int) -> str:
    """As the telephone network shows it."""
    return f"135{index:08d}"


def _with_reference(directory: Path) -> Path:
    """Our configuration of Asterisk, and one line more; and somebody who may dial by AMI, and nothing else."""
    templates = directory / "asterisk_conf"
    shutil.copytree(Settings().asterisk_conf_dir, templates)
    with (templates / "extensions.conf.j2").open("a") as dialplan:
        dialplan.write(_REFERENCE)
    with (templates / "manager.conf.j2").open("a") as manager:
        manager.write(f"\n[{BARE_USER}]\nsecret = {BARE_USER}\nread = call\nwrite = originate\n")
    return templates


async def _load_hospital(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        await hospital.load(
            session,
            code_key=get_secret(settings, "check_code_key"),
            admin_password=token_urlsafe(),
            agent_password=token_urlsafe(),
            wrap_up_seconds=WRAP_UP_SECONDS,
        )


async def _load_patients(database: Database, count: int) -> None:
    at = now()
    patients = [
        {"id": new_id(), "external_id": f"B{index:08d}", "name": f"患者{index}", "created_at": at, "updated_at": at}
        for index in range(count)
    ]
    numbers = [
        {"e164": f"+86{caller_number(index)}", "patient_id": patient["id"]} for index, patient in enumerate(patients)
    ]
    async with database.transaction() as session:
        await session.execute(insert(Patient), patients)
        await session.execute(insert(PatientNumber), numbers)
        await session.execute(text("ANALYZE patients, patient_numbers"))


async def _load_seats(database: Database, count: int, wanted: Wanted) -> dict[str, str]:
    """An agent at each."""
    at = now()
    passwords = {}
    async with database.transaction() as session:
        for index in range(count):
            seat = Seat(name=f"seat-bench-{index}", label="", sip_password=f"password-of-seat-{index:06d}")
            agent = Agent(
                id=new_id(),
                number=str(500_000 + index),
                display_name=f"座席 {index}",
                wanted=wanted,
                wanted_since=at,
                activity=Activity.IDLE,
                activity_since=at,
                sequence=0,
            )
            session.add_all([seat, agent])
            await session.flush()
            agent.seat_name = seat.name
            session.add(QueueMembership(queue_name=QUEUE, agent_id=agent.id, penalty=0))
            passwords[seat.name] = seat.sip_password
    return passwords
