"""The telephone network answers in every way it can: each gives its outcome, and its retry at its time."""

import asyncio
from datetime import datetime, timedelta

from callcenter.core.clock import now
from demo.hospital import SamplePatient
from demo.sip_scenarios import Called, HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import Hotline

RULES = {
    "most_attempts": 3,
    "after": {
        "busy": {"times": 1, "after_minutes": 5, "spread_percent": 0},
        "no_answer": {"times": 1, "after_minutes": 60, "spread_percent": 0},
        "rejected": {"times": 1, "after_minutes": 120, "spread_percent": 0},
        "network_failure": {"times": 1, "after_minutes": 7, "spread_percent": 0},
        "hung_up_early": {"times": 1, "after_minutes": 30, "spread_percent": 0},
        "answered_no_input": {"times": 1, "after_minutes": 40, "spread_percent": 0},
    },
}
PEOPLE: dict[str, tuple[Called, str, int | None]] = {
    "13800000101": (Called(refuse=486), "busy", 5),
    "13800000102": (Called(refuse=603), "rejected", 120),
    "13800000103": (Called(refuse=404), "invalid_number", None),
    "13800000104": (Called(refuse=503), "network_failure", 7),
    "13800000105": (Called(refuse=0), "no_answer", 60),
    "13800000106": (Called(refuse=480, announces=True, ring_seconds=2), "no_answer", 60),
    "13800000107": (Called([Wait(2), HangUp()]), "hung_up_early", 30),
    "13800000108": (Called([Wait(6), Press("1"), Wait(7), Press("2"), StayUntilHangUp(60)]), "completed", None),
    "13800000109": (Called([StayUntilHangUp(120)]), "answered_no_input", 40),
    "13800000110": (Called([Wait(6), Press("2"), StayUntilHangUp(60)]), "wrong_person", None),
}


async def test_each_answer_of_the_network_has_its_outcome(hotline: Hotline, campaigns: Campaigns) -> None:
    await hotline.stack.start_service()
    await hotline.phones.network_at_trunk(
        hotline.settings.trunk_port, {number: called for number, (called, _, _) in PEOPLE.items()}
    )
    campaign = await campaigns.given(retry=RULES, pacing={"calls_per_second": 2, "max_channels": 10, "ring_seconds": 8})
    await campaigns.add(campaign, *(SamplePatient("王小明", number) for number in PEOPLE))
    await campaigns.becomes(campaign, "running")
    contacts = await asyncio.gather(*(campaigns.after(campaign, number, 1, timeout_seconds=120) for number in PEOPLE))
    for contact, (number, (_, outcome, minutes)) in zip(contacts, PEOPLE.items(), strict=True):
        (attempt,) = contact["attempts_made"]
        assert (number, attempt["outcome"]) == (number, outcome)
        if minutes is None:
            assert (number, contact["state"]) == (number, "finished")
            continue
        ended_at, next_at = (datetime.fromisoformat(one) for one in (attempt["ended_at"], contact["next_at"]))
        assert (contact["state"], next_at - ended_at) == ("waiting", timedelta(minutes=minutes)), number
        assert next_at > now()
    progress = (await (await campaigns.client()).get(f"/api/v1/campaigns/{campaign}/progress")).json()
    assert (progress["attempts"], progress["contacts"]) == (len(PEOPLE), len(PEOPLE))
    assert progress["by_outcome"] == {
        "busy": 1,
        "rejected": 1,
        "invalid_number": 1,
        "network_failure": 1,
        "no_answer": 2,
        "hung_up_early": 1,
        "completed": 1,
        "answered_no_input": 1,
        "wrong_person": 1,
    }
    await hotline.no_calls_left()
    assert len(await campaigns.attempts()) == len(PEOPLE)
