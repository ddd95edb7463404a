"""Campaigns whose people talk with agents: one for each agent, who phoned comes first, and nobody is left alone."""

import asyncio

from callcenter.campaigns.agent_pacing import ENOUGH_DIALS
from callcenter.campaigns.models import CampaignAttempt
from demo.hospital import PATIENTS, SamplePatient
from demo.observer import until
from demo.sip_scenarios import Called, HangUp, StayUntilHangUp, Wait
from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

PEOPLE = [SamplePatient("王小明", f"1380000020{n}") for n in range(1, 4)]
QUEUE = "expert"
PACING = {"mode": "progressive", "queue": QUEUE, "calls_per_second": 5, "max_channels": 10, "ring_seconds": 20}
ANSWER_AT_ONCE = "Call-Info: <sip:callcenter>;answer-after=0"
TEXTS = {"script": {"zh": "请问是{name}吗？"}}


async def given(campaigns: Campaigns, *people: SamplePatient, **pacing: object) -> str:
    campaign = await campaigns.given(flow="", texts=TEXTS, pacing={**PACING, **pacing})
    await campaigns.add(campaign, *people)
    return campaign


async def overlaps(campaigns: Campaigns) -> int:
    """How many of the calls began while another was under way."""
    found = await campaigns.attempts()
    return sum(_together(one, other) for one in found for other in found if one.id < other.id)


def _together(one: CampaignAttempt, other: CampaignAttempt) -> bool:
    assert one.ended_at is not None and other.ended_at is not None
    return one.claimed_at < other.ended_at and other.claimed_at < one.ended_at


async def test_progressive_one_at_a_time_for_the_one_agent(hotline: Hotline, campaigns: Campaigns) -> None:
    await hotline.stack.start_service()
    stays = Called([StayUntilHangUp(60)], ring_seconds=1.0)
    await hotline.phones.network_at_trunk(hotline.settings.trunk_port, {one.number: stays for one in PEOPLE})
    desk = await hotline.agent_sits_down(agent("1001"), [Wait(3), HangUp()], ring_seconds=0.1)
    campaign = await given(campaigns, *PEOPLE)
    await campaigns.becomes(campaign, "running")
    for one in PEOPLE:
        contact = await campaigns.after(campaign, one.number, 1, timeout_seconds=90)
        (attempt,) = contact["attempts_made"]
        assert (attempt["outcome"], attempt["agent_number"], contact["result"]) == ("completed", "1001", "reached")
    assert await overlaps(campaigns) == 0
    assert await asyncio.to_thread(lambda: desk.trace(100_000).count(ANSWER_AT_ONCE)) >= len(PEOPLE)


async def test_nobody_is_free_any_more_when_the_person_answers(hotline: Hotline, campaigns: Campaigns) -> None:
    await hotline.stack.start_service()
    rings = Called([StayUntilHangUp(60)], ring_seconds=5.0)
    network = await hotline.phones.network_at_trunk(hotline.settings.trunk_port, {PEOPLE[0].number: rings})
    await hotline.agent_sits_down(agent("1001"))
    campaign = await given(campaigns, PEOPLE[0])
    await campaigns.becomes(campaign, "running")

    async def rung() -> bool:
        return "INVITE" in await asyncio.to_thread(network.trace)

    await until("the person's telephone rings", rung)
    await hotline.agent_pauses(agent("1001"))
    contact = await campaigns.after(campaign, PEOPLE[0].number, 1)
    (attempt,) = contact["attempts_made"]
    assert attempt["outcome"] == "abandoned_by_us"


async def test_predictive_dials_ahead_of_what_it_has_seen(hotline: Hotline, campaigns: Campaigns) -> None:
    """One agent. Of thirty people one in five answered: now two are called for the agent who is free."""
    await hotline.stack.start_service()
    people = [SamplePatient("王小明", f"138000003{n:02}") for n in range(1, ENOUGH_DIALS + 3)]
    first, last = people[:ENOUGH_DIALS], people[ENOUGH_DIALS:]
    answer = {one.number: Called([StayUntilHangUp(60)]) for one in first[::5]}
    busy = {one.number: Called(refuse=486) for one in first if one.number not in answer}
    rings = {one.number: Called(refuse=0) for one in last}
    await hotline.phones.network_at_trunk(hotline.settings.trunk_port, answer | busy | rings)
    await hotline.agent_sits_down(agent("1001"), [Wait(1), HangUp()], ring_seconds=0.1)
    campaign = await given(campaigns, *first, mode="predictive", abandon_percent=15, ring_seconds=6)
    await campaigns.becomes(campaign, "running")
    for one in first:
        contact = await campaigns.after(campaign, one.number, 1, timeout_seconds=120)
        outcomes = [one["outcome"] for one in contact["attempts_made"]]
        assert outcomes == ["completed" if one.number in answer else "busy"]
    assert await overlaps(campaigns) == 0
    await campaigns.add(campaign, *last)
    for one in last:
        contact = await campaigns.after(campaign, one.number, 1)
        assert [one["outcome"] for one in contact["attempts_made"]] == ["no_answer"]
    assert await overlaps(campaigns) == 1


async def test_who_phoned_comes_first(hotline: Hotline, campaigns: Campaigns) -> None:
    """The agent is free, and somebody waits in another queue of theirs: nobody is called until they were served."""
    await hotline.stack.start_service()
    stays = Called([StayUntilHangUp(60)], ring_seconds=1.0)
    await hotline.phones.network_at_trunk(hotline.settings.trunk_port, {PEOPLE[0].number: stays})
    await hotline.agent_sits_down(agent("1001"), [Wait(3), HangUp()], ring_seconds=0.5)
    await hotline.agent_pauses(agent("1001"))
    waits = [await hotline.ask_for_a_person(one, [StayUntilHangUp(120)]) for one in PATIENTS[:2]]
    await hotline.observer.waiting("consultation", 2)
    campaign = await given(campaigns, PEOPLE[0])
    await campaigns.becomes(campaign, "running")
    await hotline.agent_available(agent("1001"))
    contact = await campaigns.after(campaign, PEOPLE[0].number, 1, timeout_seconds=120)
    assert [one["outcome"] for one in contact["attempts_made"]] == ["completed"]
    (attempt,) = await campaigns.attempts()
    for phone in waits:
        await phone.done(10)
    answered = [leg for call in await hotline.calls() if call.direction == "inbound" for leg in [call.answered_at]]
    assert len(answered) == 2
    assert all(at is not None and at < attempt.claimed_at for at in answered)


async def test_preview_seen_then_dialled_then_skipped(hotline: Hotline, campaigns: Campaigns) -> None:
    """Both are due at one moment: either may be offered first."""
    service = await hotline.stack.start_service()
    stays = Called([Wait(3), HangUp()], ring_seconds=1.0)
    await hotline.phones.network_at_trunk(hotline.settings.trunk_port, {one.number: stays for one in PEOPLE[:2]})
    await hotline.agent_sits_down(agent("1001"), [StayUntilHangUp(60)])
    client = await hotline.api(service, agent("1001").username, AGENT_PASSWORD)
    campaign = await given(campaigns, *PEOPLE[:2], mode="preview")
    await campaigns.becomes(campaign, "running")

    async def offered() -> str:
        answer = (await client.post("/api/v1/agents/me/preview")).raise_for_status().json()
        return str(answer["offer"]["call_id"]) if answer["offer"] else ""

    call_id = await until("somebody is offered", offered)
    assert await offered() == call_id
    (seen,) = await campaigns.attempts()
    first, second = sorted(PEOPLE[:2], key=lambda one: seen.address != one.e164)
    (await client.post("/api/v1/agents/me/preview/dial")).raise_for_status()
    contact = await campaigns.after(campaign, first.number, 1)
    (attempt,) = contact["attempts_made"]
    assert (attempt["outcome"], attempt["agent_number"]) == ("completed", "1001")
    call = await hotline.finished_call(first.e164)
    assert (call.id, call.direction) == (call_id, "outbound")

    await until("the other one is offered", offered)
    skip = await client.post("/api/v1/agents/me/preview/skip", json={"reason": "done_otherwise"})
    assert skip.status_code == 204
    other = await campaigns.contact(campaign, second.number)
    assert (other["state"], other["reason"], other["attempts_made"]) == ("finished", "skipped_done_otherwise", [])
    assert [one["reason"] for one in other["decisions"]] == ["due", "skipped_done_otherwise"]
