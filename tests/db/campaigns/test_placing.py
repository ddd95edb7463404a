"""From due to dialling: claimed once, and who is not called, and why."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from callcenter.asterisk.campaign_commands import PlaceCampaignCall
from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.callouts import do_not_call
from callcenter.callouts import service as callouts
from callcenter.callouts.models import CallOutCount, DoNotCallEntry
from callcenter.callouts.policy import Limits as NumberLimits
from callcenter.callouts.policy import PrefixRule
from callcenter.campaigns.models import CampaignAttempt, CampaignState, Channel, Outcome
from callcenter.core.audit import SYSTEM
from callcenter.core.db import Database
from callcenter.patients.models import Discharge, Visit
from callcenter.workorders.models import COMPLAINT, WorkOrder
from tests.support.campaigns import (
    AT,
    LINE,
    add,
    attempts,
    contact,
    given_campaign,
    given_limits,
    given_patient,
    number_of,
    person,
    place,
    place_in,
    set_state,
    why,
)
from tests.support.locks import waits_for_a_lock
from tests.support.people import HOME, commands_of

TOMORROW = datetime(AT.year, AT.month, AT.day, tzinfo=HOME.zone) + timedelta(days=1)
MORNINGS = {"week": [["09:00-12:00"]] * 7, "on_holidays": True}


async def refused(database: Database, campaign: Any, key: str = "p1") -> tuple[str, str | None, datetime | None]:
    """Nobody is dialled: what the contact's row says of it."""
    assert await place(database, campaign) == 0
    assert [one for one in await attempts(database) if one.is_open] == []
    assert await commands_of(database) == []
    found = await contact(database, key)
    return found.state, found.reason, found.next_at


class TestClaimed:
    async def test_the_attempt_and_its_command_are_there_together(self, database: Database) -> None:
        campaign = await given_campaign(database, pacing={"ring_seconds": 25})
        await add(database, campaign, person(language="en"))
        assert await place(database, campaign) == 1
        (attempt,) = await attempts(database)
        assert (attempt.is_open, attempt.number, attempt.address, attempt.outcome) == (True, 1, number_of(), None)
        assert kind_of_dial(attempt.id) is DialKind.CAMPAIGN
        assert await commands_of(database) == [
            PlaceCampaignCall(attempt=attempt.id, number="13800000001", did=LINE, language="en", ring_seconds=25)
        ]
        found = await contact(database)
        assert (found.state, found.attempts, await why(database)) == ("dialling", 0, [("called", "due")])

    async def test_once(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        assert [await place(database, campaign) for _ in range(3)] == [1, 0, 0]

    async def test_the_longest_waiting_first_and_no_more_than_asked_for(self, database: Database) -> None:
        campaign = await given_campaign(database)
        later = [person(index, not_before=AT + timedelta(minutes=10 - index)) for index in range(1, 5)]
        await add(database, campaign, *later)
        assert await place(database, campaign, AT + timedelta(minutes=5)) == 0
        assert await place(database, campaign, AT + timedelta(minutes=20), limit=2) == 2
        assert {one.address for one in await attempts(database)} == {number_of(4), number_of(3)}

    async def test_two_engines_at_once_never_claim_the_same(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, *(person(index) for index in range(1, 41)))
        placed = await asyncio.gather(*(place(database, campaign, limit=15) for _ in range(6)))
        assert sum(placed) == 40
        found = await attempts(database)
        assert len({one.contact_id for one in found}) == len(found) == 40

    async def test_a_person_in_two_campaigns_is_called_by_one(self, database: Database) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
        campaigns = [await given_campaign(database) for _ in range(2)]
        for index, campaign in enumerate(campaigns, 1):
            await add(database, campaign, person(index, patient_id=patient.id))
        assert sorted(await asyncio.gather(*(place(database, one) for one in campaigns))) == [0, 1]
        assert len(await attempts(database)) == 1

    async def test_a_family_s_telephone_rings_once_at_a_time(self, database: Database) -> None:
        async with database.transaction() as session:
            family = [await given_patient(session, f"P{index}") for index in range(3)]
        campaigns = [await given_campaign(database) for _ in range(3)]
        for index, (campaign, patient) in enumerate(zip(campaigns, family, strict=True), 1):
            await add(database, campaign, person(index, numbers=["13800000001"], patient_id=patient.id))
        assert sorted(await asyncio.gather(*(place(database, one) for one in campaigns))) == [0, 0, 1]
        waiting = [key for key in ("p1", "p2", "p3") if (await contact(database, key)).state == "waiting"]
        for key in waiting:
            found = await contact(database, key)
            assert (found.reason, found.next_at) == ("line_in_use", AT + timedelta(minutes=1))

    async def test_two_of_one_number_in_one_batch(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person(1), person(2, numbers=["13800000001"]))
        assert await place(database, campaign) == 1
        assert len(await commands_of(database)) == 1

    async def test_crossed_claims_do_not_wait_in_a_circle(self, database: Database) -> None:
        """Many times two batches with the same people in opposite order."""
        here, there = [await given_campaign(database) for _ in range(2)]
        people = range(1, 31)
        await add(database, here, *(person(i, not_before=AT + timedelta(seconds=i)) for i in people))
        await add(database, there, *(person(i, not_before=AT + timedelta(seconds=60 - i)) for i in people))
        later = AT + timedelta(minutes=2)
        placed = await asyncio.gather(*(place(database, one, later, limit=10) for one in [here, there] * 3))
        assert sum(placed) == len(await attempts(database)) <= 30

    async def test_the_loser_of_a_race_waits_for_the_winner_s_commit(self, database: Database) -> None:
        here, there = [await given_campaign(database) for _ in range(2)]
        await add(database, here, person())
        await add(database, there, person())
        async with database.transaction() as first:
            assert await place_in(first, here) == 1
            second = asyncio.create_task(place(database, there))
            await waits_for_a_lock(database)
        assert await second == 0

    async def test_who_is_to_get_a_mail_is_not_dialled(self, database: Database) -> None:
        email = {"subject": {"zh": "提醒"}, "text": {"zh": "提醒"}}
        campaign = await given_campaign(database, channels=["email", "telephone"], texts={"email": email})
        await add(database, campaign, person(email="a@example.org"))
        assert (await contact(database)).next_channel == Channel.EMAIL
        assert await place(database, campaign) == 0


class TestHours:
    async def test_outside_them_it_waits_until_they_begin(self, database: Database) -> None:
        campaign = await given_campaign(database, windows=MORNINGS)
        await add(database, campaign, person())
        opens = datetime(2026, 1, 6, 9, tzinfo=HOME.zone)
        assert await refused(database, campaign) == ("waiting", "outside_hours", opens)
        assert await place(database, campaign, opens - timedelta(seconds=1)) == 0
        assert await place(database, campaign, opens) == 1
        assert await why(database) == [("waits", "outside_hours"), ("called", "due")]

    async def test_of_the_person_s_own_zone(self, database: Database) -> None:
        campaign = await given_campaign(database, windows=MORNINGS)
        await add(database, campaign, person(1, zone="Europe/Berlin"), person(2))
        assert await place(database, campaign) == 1  # nine in the morning in Berlin
        assert (await attempts(database))[0].address == number_of(1)

    async def test_a_holiday(self, database: Database) -> None:
        week = {"week": [["09:00-18:00"]] * 7}
        campaign = await given_campaign(database, windows=week)
        await add(database, campaign, person())
        new_year = datetime(2026, 1, 1, 10, tzinfo=HOME.zone)
        await add(database, campaign, person(2))
        async with database.transaction() as session:
            assert await place_in(session, campaign, new_year) == 0

    async def test_the_campaign_ends_before_they_begin(self, database: Database) -> None:
        ends_at = (AT + timedelta(hours=10)).isoformat()
        campaign = await given_campaign(database, windows=MORNINGS, ends_at=ends_at)
        await add(database, campaign, person())
        assert await refused(database, campaign) == ("finished", "too_late", None)
        assert (await contact(database)).result == "unreachable"

    async def test_it_ends_before_what_it_waits_for_and_both_are_kept(self, database: Database) -> None:
        await given_limits(database, quiet_from=12, quiet_until=8)
        campaign = await given_campaign(database, ends_at=(AT + timedelta(hours=2)).isoformat())
        await add(database, campaign, person())
        assert await refused(database, campaign) == ("finished", "too_late", None)
        assert await why(database) == [("waits", "quiet_hours"), ("finished", "too_late")]


class TestGovernor:
    async def test_quiet_hours(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        evening = datetime(2026, 1, 5, 21, tzinfo=HOME.zone)
        assert await place(database, campaign, evening) == 0
        found = await contact(database)
        assert (found.reason, found.next_at) == ("quiet_hours", evening + timedelta(hours=11))

    async def test_the_dead(self, database: Database) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session, deceased=True)
        campaign = await given_campaign(database)
        await add(database, campaign, person(patient_id=patient.id))
        assert await refused(database, campaign) == ("finished", "deceased", None)
        assert ((await contact(database)).result, await why(database)) == ("refused", [("finished", "deceased")])

    async def test_no_birthday_greeting_to_the_ward(self, database: Database) -> None:
        async with database.transaction() as session:
            patient, home_again = [await given_patient(session, name) for name in ("P1", "P2")]
            for of in (patient, home_again):
                session.add(
                    Visit(external_id=of.external_id, patient_id=of.id, visited_at=AT - timedelta(5), kind="inpatient")
                )
            session.add(Discharge(external_id="D2", patient_id=home_again.id, discharged_at=AT - timedelta(days=1)))
        campaign = await given_campaign(database, kind="care")
        await add(database, campaign, person(1, patient_id=patient.id), person(2, patient_id=home_again.id))
        assert await place(database, campaign) == 1
        assert await why(database) == [("finished", "in_hospital")]
        assert await why(database, "p2") == [("called", "due")]

    async def test_no_survey_over_an_open_complaint(self, database: Database) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
            session.add(WorkOrder(kind=COMPLAINT, call_id="pbx1-1.1", patient_id=patient.id, opened_at=AT, due_at=AT))
        campaign = await given_campaign(database, kind="survey")
        await add(database, campaign, person(patient_id=patient.id))
        assert await refused(database, campaign) == ("waiting", "open_complaint", AT + timedelta(days=1))
        async with database.transaction() as session:
            await session.execute(update(WorkOrder).values(state="closed"))
        assert await place(database, campaign, AT + timedelta(days=1)) == 1

    async def settled(self, database: Database, outcome: Outcome, *, times: int, at: datetime = AT, **who: Any) -> None:
        """Attempts of another campaign on one day, over."""
        other = await given_campaign(database, name="another")
        await add(database, other, person(99, **who))
        async with database.transaction() as session:
            of = await contact(database, "p99", other)
            for number in range(times):
                session.add(
                    CampaignAttempt(
                        id=f"x{number}",
                        contact_id=of.id,
                        campaign_id=other,
                        person=of.person,
                        number=number + 1,
                        channel="telephone",
                        address=of.numbers[0],
                        pbx="pbx1",
                        day=at.astimezone(HOME.zone).date(),
                        claimed_at=at,
                        is_open=False,
                        answered_at=at,
                        ended_at=at,
                        outcome=outcome,
                    )
                )
        await set_state(database, other, CampaignState.FINISHED)

    @pytest.mark.parametrize(
        ("outcome", "times", "reason"),
        [
            (Outcome.COMPLETED, 1, "conversation_today"),
            (Outcome.HUNG_UP_EARLY, 1, "conversation_today"),
            (Outcome.BUSY, 3, "number_today"),
            (Outcome.NOT_PLACED, 9, None),
            (Outcome.BUSY, 2, None),
        ],
    )
    async def test_over_all_campaigns(
        self, database: Database, outcome: Outcome, times: int, reason: str | None
    ) -> None:
        await self.settled(database, outcome, times=times, numbers=["13800000001"])
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        if reason is None:
            assert await place(database, campaign) == 1
        else:
            assert await refused(database, campaign) == ("waiting", reason, TOMORROW)

    async def test_a_person_s_attempts_over_all_their_numbers(self, database: Database) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
        await self.settled(database, Outcome.BUSY, times=4, numbers=["13900000009"], patient_id=patient.id)
        campaign = await given_campaign(database)
        await add(database, campaign, person(patient_id=patient.id), person(2))
        assert await place(database, campaign) == 1
        found = await contact(database)
        assert (found.reason, found.next_at) == ("person_today", TOMORROW)

    async def test_the_distance_between_conversations(self, database: Database) -> None:
        yesterday = AT - timedelta(hours=10)
        await self.settled(database, Outcome.COMPLETED, times=1, at=yesterday, numbers=["13800000001"])
        await given_limits(database, conversations_per_person_daily=5, hours_between_conversations=36)
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        assert await refused(database, campaign) == ("waiting", "conversation_lately", yesterday + timedelta(hours=36))

    async def test_a_day_later_it_is_free_again(self, database: Database) -> None:
        await self.settled(database, Outcome.BUSY, times=3, numbers=["13800000001"])
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        assert await place(database, campaign) == 0
        assert await place(database, campaign, TOMORROW + timedelta(hours=9)) == 1

    async def test_a_reason_that_lasts_is_noted_once(self, database: Database) -> None:
        await given_limits(database, quiet_from=9, quiet_until=8)
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        for day in range(3):
            assert await place(database, campaign, AT + timedelta(days=day)) == 0
        assert await why(database) == [("waits", "quiet_hours")]


class TestNumbers:
    async def test_do_not_call(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(DoNotCallEntry(e164=number_of(), reason="要求勿扰", added_at=AT, added_by="li.na"))
        campaign = await given_campaign(database)
        await add(database, campaign, person(1), person(2))
        assert await place(database, campaign) == 1
        assert await why(database) == [("finished", "do_not_call")]
        assert (await contact(database)).result == "refused"
        async with database.transaction() as session:
            assert await do_not_call.list_listed(session, [number_of(1), number_of(2)], AT) == {number_of(1)}
            counted = await session.scalars(select(CallOutCount.subject))
            assert list(counted) == [number_of(2)], "a refused dial holds no place"

    async def test_a_person_who_wants_no_calls_is_called_at_no_number(self, database: Database) -> None:
        async with database.transaction() as session:
            unwilling, other = [await given_patient(session, one) for one in ("P1", "P2")]
            await do_not_call.add_entry(
                session, SYSTEM, unwilling.id, reason="要求勿扰", until=None, call_id=None, at=AT
            )
        campaign = await given_campaign(database)
        numbers = ["13800000001", "13800000002"]
        await add(database, campaign, person(numbers=numbers, patient_id=unwilling.id))
        await add(database, campaign, person(3, patient_id=other.id))
        assert await place(database, campaign) == 1
        assert await why(database) == [("finished", "person_do_not_call")]
        assert (await contact(database)).result == "refused"

    async def test_another_number_of_theirs_may_do(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(DoNotCallEntry(e164=number_of(), reason="要求勿扰", added_at=AT, added_by="li.na"))
        campaign = await given_campaign(database)
        await add(database, campaign, person(numbers=["13800000001", "13800000002"]))
        assert [await place(database, campaign), await place(database, campaign)] == [0, 1]
        assert (await attempts(database))[0].address == number_of(2)
        assert await why(database) == [("waits", "do_not_call"), ("called", "due")]

    @pytest.mark.parametrize("number", ["+12125550123", "+864008001234", "+85221234567"])
    async def test_what_would_cost_us_is_never_dialled(self, database: Database, number: str) -> None:
        campaign = await given_campaign(database)
        assert (await add(database, campaign, person(numbers=[number]))).added == 1
        state, reason, _ = await refused(database, campaign)
        assert (state, reason) in {("finished", "abroad"), ("finished", "costs_extra"), ("finished", "not_a_number")}

    async def test_a_prefix_that_the_hospital_forbids(self, database: Database) -> None:
        async with database.transaction() as session:
            await callouts.put_prefix(session, SYSTEM, PrefixRule("86138", False), note="")
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        assert (await refused(database, campaign))[0] == "finished"

    async def test_the_number_s_own_limit(self, database: Database) -> None:
        async with database.transaction() as session:
            await callouts.put_limits(session, SYSTEM, NumberLimits(0, 100, 100))
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        assert await refused(database, campaign) == ("waiting", "number_limit", TOMORROW)


@pytest.mark.parametrize("evil", ["1380000000&SIP/x", "138@evil", "138\r\nAction: Originate", "${EXTEN}", "x" * 30])
async def test_no_number_of_an_attacker_s_choice(database: Database, evil: str) -> None:
    campaign = await given_campaign(database)
    added = await add(database, campaign, person(numbers=[evil]))
    assert (added.added, [one.reason for one in added.rejected]) == (0, ["number"])
