"""Processes of ours killed, frozen and stopped, with callers at every place of their way."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select

from callcenter.callbacks import service as callbacks
from callcenter.callbacks.models import Callback
from callcenter.callbacks.service import CallbackWish, priority_at
from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.roles import ProcessRole
from demo.hospital import HOTLINE, PATIENTS, SamplePatient
from demo.observer import until
from demo.sip_scenarios import StayUntilHangUp
from demo.stack import Service
from tests.e2e.faults.scene import Scene, callers_everywhere
from tests.e2e.hotline import Hotline, agent

TALK_SECONDS = 12.0
RING_SECONDS = 6.0

each_victim = pytest.mark.parametrize(
    "roles",
    [(ProcessRole.IVR,), (ProcessRole.ENGINE,), tuple(ProcessRole)],
    ids=["ivr", "engine", "all"],
)
"""Who is hit; the roles that are not run in another process."""


async def start_victim(hotline: Hotline, roles: Sequence[ProcessRole]) -> Service:
    rest = [role for role in ProcessRole if role not in roles]
    if rest:
        await hotline.stack.start_service(rest)
    return await start_again(hotline, roles)


async def start_again(hotline: Hotline, roles: Sequence[ProcessRole]) -> Service:
    return await hotline.stack.start_service(roles, http_port=hotline.settings.trunk_port)


@each_victim
async def test_killed(hotline: Hotline, roles: tuple[ProcessRole, ...]) -> None:
    """A conversation ends, the ringing agent answers and new callers come before anybody starts it again."""
    victim = await start_victim(hotline, roles)
    scene = await callers_everywhere(hotline, talk_seconds=TALK_SECONDS, ring_seconds=RING_SECONDS)
    await victim.kill()
    await comes(scene, PATIENTS[10], roles)
    await scene.callers[PATIENTS[0].e164].done(60)  # the conversation is over
    await comes(scene, PATIENTS[11], roles)
    await start_again(hotline, roles)
    await scene.states_agree()
    await scene.nothing_was_lost()
    for newcomer in (PATIENTS[10], PATIENTS[11]):
        await was_received(scene, newcomer, roles)
    await scene.nobody_was_alarmed()


@each_victim
async def test_frozen(hotline: Hotline, roles: tuple[ProcessRole, ...]) -> None:
    """Ten seconds, then ninety, in which an agent's state changes and a call-back that was placed falls due."""
    victim = await start_victim(hotline, roles)
    scene = await callers_everywhere(hotline, talk_seconds=TALK_SECONDS, ring_seconds=RING_SECONDS)
    async with frozen_for(10, victim):
        await comes(scene, PATIENTS[10], roles)
    await scene.states_agree()
    await scene.dials(PATIENTS[11])
    await hotline.observer.in_step(PATIENTS[11].e164)
    rings = await hotline.phones.answer_at_trunk(
        hotline.settings.trunk_port, [StayUntilHangUp(200)], calls=1, ring_seconds=0.5
    )
    await is_to_be_called_back(hotline, PATIENTS[7])
    async with frozen_for(90, victim):
        await comes(scene, PATIENTS[12], roles)
        await hotline.agent_pauses(agent("1002"))  # nobody who sends it to Asterisk, if the engine is frozen
    await scene.states_agree()
    await hotline.agent_available(agent("1002"))
    await scene.asks_for_a_person(PATIENTS[13])
    await scene.nothing_was_lost()
    await rings.done(100)
    await was_called_back_once(hotline, PATIENTS[7])
    for newcomer in (PATIENTS[10], PATIENTS[12]):
        await was_received(scene, newcomer, roles)
    await scene.was_led_by_the_flow(PATIENTS[13])
    await scene.nobody_was_alarmed()


@each_victim
async def test_stopped_and_started(hotline: Hotline, roles: tuple[ProcessRole, ...]) -> None:
    """SIGTERM: no new flow is begun, running ones finish, calls go on in Asterisk, the exit status is 0."""
    victim = await start_victim(hotline, roles)
    scene = await callers_everywhere(hotline, talk_seconds=TALK_SECONDS, ring_seconds=RING_SECONDS)
    in_menu = PATIENTS[10]
    await scene.asks_for_a_person(in_menu)
    await hotline.observer.in_step(in_menu.e164)
    victim.signal(signal.SIGTERM)
    if ProcessRole.IVR in roles:
        await until("no new flows", lambda: refuses_new_flows(hotline))
    await comes(scene, PATIENTS[11], roles)
    # who presses nothing in the menu takes all the time that running flows are given
    assert await asyncio.wait_for(victim.process.wait(), hotline.settings.drain_seconds + 30) == 0
    await start_again(hotline, roles)
    await scene.states_agree()
    await scene.nothing_was_lost()
    await scene.was_led_by_the_flow(in_menu)
    await was_received(scene, PATIENTS[11], roles)
    await scene.nobody_was_alarmed()


async def test_one_of_two_killed(hotline: Hotline) -> None:
    """Two processes answer API and flows; the other goes on with both."""
    hotline.stack.settings = hotline.settings.model_copy(update={"fastagi_shared": True})
    roles = [ProcessRole.API, ProcessRole.IVR]
    victim = await hotline.stack.start_service(roles, http_port=hotline.settings.trunk_port)
    other = await hotline.stack.start_service([*roles, ProcessRole.ENGINE])
    scene = await callers_everywhere(hotline, talk_seconds=TALK_SECONDS, ring_seconds=RING_SECONDS)
    client = await hotline.api(other)
    await victim.kill()
    newcomers = PATIENTS[10:13]
    for newcomer in newcomers:
        await scene.asks_for_a_person(newcomer)
    assert (await client.get("/api/v1/calls")).status_code == 200
    await other.ready()
    await scene.nothing_was_lost()
    for newcomer in newcomers:
        await scene.was_led_by_the_flow(newcomer)
    await scene.nobody_was_alarmed()


# -- faults


@asynccontextmanager
async def frozen_for(seconds: float, service: Service) -> AsyncIterator[None]:
    """SIGSTOP, what the block does, SIGCONT when ``seconds`` are over; ready again afterwards."""
    until_at = asyncio.get_running_loop().time() + seconds
    service.signal(signal.SIGSTOP)
    try:
        yield
        await asyncio.sleep(until_at - asyncio.get_running_loop().time())  # the fault itself
    finally:
        service.signal(signal.SIGCONT)
    await service.ready()


async def refuses_new_flows(hotline: Hotline) -> bool:
    try:
        _, writer = await asyncio.open_connection(hotline.settings.fastagi_host, hotline.settings.fastagi_port)
    except (ConnectionRefusedError, ConnectionResetError):  # closed before, or just while we knocked
        return True
    writer.close()
    return False


# -- newcomers


async def comes(scene: Scene, patient: SamplePatient, roles: Sequence[ProcessRole]) -> None:
    """Presses nothing where no menu is to be expected: a waiting caller's keys mean something else."""
    await (scene.dials(patient) if ProcessRole.IVR in roles else scene.asks_for_a_person(patient))


async def was_received(scene: Scene, patient: SamplePatient, roles: Sequence[ProcessRole]) -> None:
    await (scene.fell_back_in_time(patient) if ProcessRole.IVR in roles else scene.was_led_by_the_flow(patient))


# -- call-backs


async def is_to_be_called_back(hotline: Hotline, patient: SamplePatient) -> None:
    """Promised, and placed in Asterisk's queue."""
    wish = CallbackWish(
        queue_name="consultation", priority=priority_at(now()), e164=patient.e164, language="zh", did=HOTLINE
    )
    plan = NumberPlan(hotline.settings.country, hotline.settings.area_code)
    async with hotline.database.transaction() as session:
        await callbacks.request_callback(session, wish, pbx=hotline.settings.pbx_name, plan=plan, at=now())

    async def is_placed() -> bool:
        return "Local/s@callback-place" in await asyncio.to_thread(hotline.stack.pbx.cli, "queue show consultation")

    await until("the call-back is placed", is_placed)


async def was_called_back_once(hotline: Hotline, patient: SamplePatient) -> None:
    """By the database, and by what the dialplan said when it dialled, in Asterisk's own file."""

    async def is_completed() -> bool:
        async with hotline.database.transaction() as session:
            return await session.scalar(select(Callback.state).where(Callback.e164 == patient.e164)) == "completed"

    await until("the call-back is completed", is_completed, timeout_seconds=60)
    ledger = await asyncio.to_thread(hotline.settings.ledger_file.read_text)
    assert ledger.count('"userdeftype":"CC_DIAL"') == 1
