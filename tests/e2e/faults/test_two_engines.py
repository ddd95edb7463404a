"""Two engines, one lead: frozen, killed, cut off from the database, woken again beside its successor."""

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import make_url

from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.callbacks import service as callbacks
from callcenter.callbacks.models import Callback
from callcenter.callbacks.service import CallbackWish, priority_at
from callcenter.calls.models import LedgerEvent
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS, SamplePatient
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import HangUp, Wait
from demo.stack import Service
from tests.e2e.faults.scene import callers_everywhere
from tests.e2e.hotline import Hotline, agent
from tests.support.link_proxy import LinkProxy, unix_proxy
from tests.support.ports import free_port

TAKEN_OVER_WITHIN_SECONDS = 15.0
"""From the freeze until the spare leads (docs/operations.md)."""
ZHAO, QIAN = PATIENTS[11], PATIENTS[12]


async def test_frozen_while_it_dials_and_woken_beside_its_successor(hotline: Hotline) -> None:
    """A patient's telephone rings for a call-back and commands wait when the engine freezes: neither is done twice."""
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    first = await start_engine(hotline)
    spare = await start_engine(hotline)
    assert (leads(first), leads(spare)) == (True, False)
    scene = await callers_everywhere(hotline, talk_seconds=20)
    patients_phone = await hotline.phones.answer_at_trunk(
        hotline.settings.trunk_port,
        [Wait(hotline.seconds("callback_greeting") + 2), HangUp()],
        ring_seconds=6,
        calls=None,
    )
    await is_to_be_called(hotline, ZHAO)
    await until("the patient's telephone rings", lambda: rings(patients_phone), timeout_seconds=60)

    first.signal(signal.SIGSTOP)
    frozen_at = time.monotonic()
    await is_to_be_called(hotline, QIAN)
    await hotline.agent_available(agent("1003"))
    await until("the spare leads", lambda: asyncio.to_thread(leads, spare), timeout_seconds=60)
    assert time.monotonic() - frozen_at < TAKEN_OVER_WITHIN_SECONDS

    first.signal(signal.SIGCONT)
    await until("the first knows", lambda: asyncio.to_thread(was_told, first, "leadership_lost"))
    await scene.asks_for_a_person(PATIENTS[10])
    await hotline.agent_pauses(agent("1003"))
    await served_by_call_back(hotline, [ZHAO, QIAN])
    await scene.nothing_was_lost()
    assert (leads(first), leads(spare)) == (False, True)
    await no_command_is_open(hotline)
    await each_line_is_stored_once(hotline)


async def test_started_together_killed_and_cut_off(hotline: Hotline) -> None:
    """One of two leads from the start; the next leads when it is killed, and the next when no database is heard."""
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    twins = await asyncio.gather(start_engine(hotline), start_engine(hotline))
    assert sorted(leads(one) for one in twins) == [False, True]
    scene = await callers_everywhere(hotline)
    database, way = database_proxy(hotline)
    async with database:
        cut_off = await start_engine(hotline, {"DATABASE_URL": way})
        (leader,) = [one for one in twins if leads(one)]
        (other,) = [one for one in twins if not leads(one)]
        assert await other.stop() == 0
        await leader.kill()
        await until("the next leads", lambda: asyncio.to_thread(leads, cut_off))
        await is_to_be_called(hotline, ZHAO)
        await hotline.phones.answer_at_trunk(
            hotline.settings.trunk_port,
            [Wait(hotline.seconds("callback_greeting") + 2), HangUp()],
            ring_seconds=0.5,
            calls=None,
        )
        last = await start_engine(hotline)

        database.swallows()
        cut_at = time.monotonic()
        await hotline.agent_available(agent("1003"))
        await until("the last leads", lambda: asyncio.to_thread(leads, last), timeout_seconds=60)
        assert time.monotonic() - cut_at < TAKEN_OVER_WITHIN_SECONDS
        assert not leads(cut_off), "it acted beside its successor"
        await scene.asks_for_a_person(PATIENTS[10])
        database.passes()

        await served_by_call_back(hotline, [ZHAO])
        await scene.nothing_was_lost()
        assert leads(last)
        await no_command_is_open(hotline)
        await each_line_is_stored_once(hotline)


# -- engines


async def start_engine(hotline: Hotline, ways: dict[str, str] | None = None) -> Service:
    """Ready as leader or as spare."""
    engine = await hotline.stack.start_service([ProcessRole.ENGINE], http_port=free_port(), ways=ways or {})

    async def has_asked() -> bool:
        return was_told(engine, "leadership_gained") or was_told(engine, "leadership_waiting")

    await until("it has asked for the lead", has_asked)
    return engine


def leads(engine: Service) -> bool:
    """By its own word."""
    told = engine.log_file.read_text()
    return told.rfind('"leadership_gained"') > max(told.rfind('"leadership_lost"'), told.rfind('"leadership_left"'))


def was_told(engine: Service, event: str) -> bool:
    return f'"{event}"' in engine.log_file.read_text()


def database_proxy(hotline: Hotline) -> tuple[LinkProxy, str]:
    """A wire to the database, and the URL that leads over it."""
    url = make_url(hotline.stack.database_url)
    there = hotline.settings.state_dir / "wire"
    there.mkdir(mode=0o700)
    socket = ".s.PGSQL.5432"
    assert isinstance(url.query["host"], str)
    return (
        unix_proxy(Path(url.query["host"]) / socket, there / socket),
        url.set(query={"host": str(there)}).render_as_string(hide_password=False),
    )


# -- call-backs


async def is_to_be_called(hotline: Hotline, patient: SamplePatient) -> UUID:
    """A call-back that is due now, ahead of everybody who waits."""
    settings, at = hotline.settings, now()
    wish = CallbackWish(
        queue_name="consultation",
        priority=priority_at(at) + 3600,
        e164=patient.e164,
        language="zh",
        did=HOTLINE,
        requested_by="test",
    )
    async with hotline.database.transaction() as session:
        plan = NumberPlan(settings.country, settings.area_code)
        return (await callbacks.request_callback(session, wish, pbx=settings.pbx_name, plan=plan, at=at)).id


async def rings(phone: Phone) -> bool:
    return "180 Ringing" in await asyncio.to_thread(phone.trace)


async def served_by_call_back(hotline: Hotline, patients: Sequence[SamplePatient]) -> None:
    """Each was reached, and dialled once: by the rows and by Asterisk's own file."""
    numbers = {patient.e164 for patient in patients}

    async def over() -> bool:
        async with hotline.database.transaction() as session:
            rows = (await session.scalars(select(Callback).where(Callback.e164.in_(numbers)))).all()
        return [(row.state, row.tries) for row in rows] == [("completed", 1)] * len(patients)

    await until("the call-backs are over", over, timeout_seconds=120)
    file = await asyncio.to_thread(hotline.settings.ledger_file.read_text)
    assert file.count('"userdeftype":"CC_DIAL"') == len(patients)


# -- nothing twice


async def no_command_is_open(hotline: Hotline) -> None:
    async def look() -> bool:
        async with hotline.database.transaction() as session:
            states = set(await session.scalars(select(PbxCommand.state)))
        return not states & {CommandState.PENDING, CommandState.SENT}

    await until("all commands are done with", look)


async def each_line_is_stored_once(hotline: Hotline) -> None:
    """As many events as Asterisk wrote lines."""

    async def look() -> bool:
        lines = len((await asyncio.to_thread(hotline.settings.ledger_file.read_text)).splitlines())
        async with hotline.database.transaction() as session:
            return len((await session.scalars(select(LedgerEvent.id))).all()) == lines

    await until("every line is stored once", look)
