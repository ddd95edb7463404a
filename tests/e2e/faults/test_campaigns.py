"""Whatever dies while a campaign dials: no number is dialled twice, no attempt is lost, what is uncertain is shown.

The engine is killed at each step between claim and result; a row of the database holds it there, so that the step is
hit and not guessed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import pytest
from sqlalchemy import text

from callcenter.roles import ProcessRole
from demo.hospital import SamplePatient
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import Called, HangUp, Wait
from demo.stack import Service
from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import Hotline
from tests.support.link_proxy import tcp_proxy
from tests.support.ports import free_port

KILLS = 3
PEOPLE = [SamplePatient("王小明", f"138000002{number:02}") for number in range(KILLS)]
ONCE = {"most_attempts": 3, "after": {"not_placed": {"times": 10, "after_minutes": 0, "spread_percent": 0}}}
"""Whoever was dialled is not dialled again by rule: a second dial would be our fault."""

HOLDS: Mapping[str, tuple[str, str]] = {
    "claiming": ("BEFORE INSERT ON campaign_attempts", ""),
    "about_to_send": ("BEFORE UPDATE ON pbx_commands", "NEW.state = 'sent' AND NEW.action = 'place_campaign_call'"),
    "sent": ("BEFORE UPDATE ON pbx_commands", "NEW.state = 'done' AND NEW.action = 'place_campaign_call'"),
    "settling": ("BEFORE UPDATE ON campaign_attempts", "NOT NEW.is_open"),
}
"""Where a trigger holds the engine: the statement, and of which rows."""
_HELD_SECONDS = 4


@pytest.fixture
async def campaigns(hotline: Hotline) -> Campaigns:
    return Campaigns(hotline)


@pytest.mark.parametrize("step", HOLDS)
async def test_engine_killed(hotline: Hotline, campaigns: Campaigns, step: str) -> None:
    network, engine = await opens(hotline)
    campaign = await campaigns.given(retry=ONCE)
    await campaigns.becomes(campaign, "running")
    for person in PEOPLE:
        async with held(hotline, *HOLDS[step]):
            await campaigns.add(campaign, person)
            await until(f"the engine is {step}", lambda: is_held(hotline), timeout_seconds=40)
            await engine.kill()
        engine = await start_engine(hotline)
        await is_reached_once(campaigns, campaign, person, network)


@pytest.mark.parametrize("rings", [True, False])
async def test_engine_killed_while_the_call_goes_on(hotline: Hotline, campaigns: Campaigns, rings: bool) -> None:
    """The telephone rings, or the person listens to the flow: the call goes on without an engine."""
    network, engine = await opens(hotline, ring_seconds=6.0 if rings else 0.5)
    campaign = await campaigns.given(retry=ONCE)
    await campaigns.becomes(campaign, "running")
    for person in PEOPLE:
        await campaigns.add(campaign, person)
        wanted = "180 Ringing" if rings else "ACK sip:"
        look = partial(more_often, network, wanted, (await said(network)).count(wanted))
        await until("the call goes on", look, timeout_seconds=40)
        await engine.kill()
        engine = await start_engine(hotline)
        await is_reached_once(campaigns, campaign, person, network)


@pytest.mark.parametrize("fault", ["is_cut", "swallows"])
async def test_link_to_asterisk_gone_after_originate(hotline: Hotline, campaigns: Campaigns, fault: str) -> None:
    """What Asterisk answered is never heard; the ledger tells."""
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    link, port = tcp_proxy(hotline.settings.ami_host, hotline.settings.ami_port)
    async with link:
        await start_engine(hotline, ways={"AMI_PORT": str(port)})
        network = await hotline.phones.network_at_trunk(hotline.settings.trunk_port, telephones(0.5))
        campaign = await campaigns.given(retry=ONCE)
        await campaigns.becomes(campaign, "running")
        for person in PEOPLE:
            before = bytes(link.to_server).count(b"Action: Originate")
            await campaigns.add(campaign, person)

            async def is_told(before: int = before) -> bool:
                return bytes(link.to_server).count(b"Action: Originate") > before

            await until("Asterisk is told to dial", is_told, timeout_seconds=40)
            getattr(link, fault)()
            await asyncio.to_thread(hotline.stack.pbx.cli, "core show channels count")
            link.passes()
            await is_reached_once(campaigns, campaign, person, network)


async def test_asterisk_killed_while_it_rings(hotline: Hotline, campaigns: Campaigns) -> None:
    """Nobody can tell whether the person was reached: ``unknown``, and never dialled again by itself."""
    network, _engine = await opens(hotline, ring_seconds=60)
    campaign = await campaigns.given()
    await campaigns.add(campaign, PEOPLE[0])
    await campaigns.becomes(campaign, "running")
    await until("it rings", lambda: more_often(network, "180 Ringing", 0), timeout_seconds=40)
    await asyncio.to_thread(hotline.stack.pbx.kill)
    await asyncio.to_thread(hotline.stack.pbx.start)
    contact = await campaigns.after(campaign, PEOPLE[0].number, 1, timeout_seconds=90)
    (attempt,) = contact["attempts_made"]
    assert (attempt["outcome"], contact["state"], contact["result"]) == ("unknown", "finished", "unknown")
    assert len(await dialled(network, PEOPLE[0])) == 1


async def test_two_engines_dial_each_person_once(hotline: Hotline, campaigns: Campaigns) -> None:
    """A spare stands by; the leader is killed in the middle of a campaign."""
    people = [SamplePatient("王小明", f"138000003{number:02}") for number in range(12)]
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    first = await start_engine(hotline)
    await start_engine(hotline)
    network = await hotline.phones.network_at_trunk(
        hotline.settings.trunk_port, {one.number: Called([Wait(1), HangUp()]) for one in people}
    )
    campaign = await campaigns.given(retry=ONCE, pacing={"calls_per_second": 3, "max_channels": 5})
    await campaigns.add(campaign, *people)
    await campaigns.becomes(campaign, "running")
    await until("some were dialled", lambda: more_often(network, "180 Ringing", 4), timeout_seconds=60)
    await first.kill()
    for person in people:
        await is_reached_once(campaigns, campaign, person, network)


# -- the scene


def telephones(ring_seconds: float) -> dict[str, Called]:
    return {one.number: Called([Wait(3), HangUp()], ring_seconds=ring_seconds) for one in PEOPLE}


async def opens(hotline: Hotline, *, ring_seconds: float = 0.5) -> tuple[Phone, Service]:
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.IVR])
    engine = await start_engine(hotline)
    network = await hotline.phones.network_at_trunk(hotline.settings.trunk_port, telephones(ring_seconds))
    return network, engine


async def start_engine(hotline: Hotline, *, ways: Mapping[str, str] | None = None) -> Service:
    return await hotline.stack.start_service([ProcessRole.ENGINE], http_port=free_port(), ways=ways or {})


async def is_reached_once(campaigns: Campaigns, campaign: str, person: SamplePatient, network: Phone) -> None:
    """Every attempt is settled; the person's telephone rang in exactly one call, and the record says the same."""

    async def finished() -> bool:
        return bool((await campaigns.contact(campaign, person.number))["state"] == "finished")

    await until(f"{person.number} was called", finished, timeout_seconds=120)
    contact = await campaigns.contact(campaign, person.number)
    outcomes = [one["outcome"] for one in contact["attempts_made"]]
    rang = [outcome for outcome in outcomes if outcome != "not_placed"]
    assert rang == ["hung_up_early"], outcomes
    assert len(await dialled(network, person)) == 1


async def dialled(network: Phone, person: SamplePatient) -> set[str]:
    """Call-IDs of the INVITEs to this number that reached the network."""
    messages = await said(network)
    found = re.findall(rf"^INVITE sip:{person.number}@.*?^Call-ID: (\S+)", messages, re.MULTILINE | re.DOTALL)
    return set(found)


async def said(network: Phone) -> str:
    return await asyncio.to_thread((network.folder / "messages.log").read_text, errors="replace")


async def more_often(network: Phone, words: str, before: int) -> bool:
    messages: str = await said(network)
    return messages.count(words) > before


@asynccontextmanager
async def held(hotline: Hotline, statement: str, condition: str) -> AsyncIterator[None]:
    """Who does this stands still in the middle of it, for some seconds."""
    when = f"WHEN ({condition})" if condition else ""
    async with hotline.database.transaction() as session:
        await session.execute(
            text(
                "CREATE OR REPLACE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN PERFORM pg_sleep({_HELD_SECONDS}); RETURN NEW; END $$"
            )
        )
        await session.execute(
            text(f"CREATE TRIGGER held {statement} FOR EACH ROW {when} EXECUTE FUNCTION stand_still()")
        )
    try:
        yield
    finally:
        async with hotline.database.transaction() as session:
            await session.execute(text(f"DROP TRIGGER held ON {statement.rpartition(' ON ')[2]}"))


async def is_held(hotline: Hotline) -> bool:
    async with hotline.database.transaction() as session:
        found = await session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        return bool(found)
