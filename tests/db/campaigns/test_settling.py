"""What the ledger tells of an attempt, and what follows: once, whatever is read twice, late or never."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from callcenter.asterisk.models import CommandState
from callcenter.callouts import service as callouts
from callcenter.callouts.models import DoNotCallEntry
from callcenter.callouts.policy import Limits as NumberLimits
from callcenter.calls.models import Call
from callcenter.calls.service import LedgerHandlers
from callcenter.campaigns import contacts, outcalls, settling
from callcenter.campaigns.handlers import on_ends
from callcenter.campaigns.models import (
    CampaignAnswer,
    CampaignAttempt,
    CampaignContact,
    CampaignState,
    ContactResult,
    Outcome,
)
from callcenter.campaigns.queries import open_attempts
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.patients.models import Appointment
from callcenter.retention import keep_to_retention
from tests.support.campaigns import (
    ANSWER,
    AT,
    START,
    add,
    attempts,
    commands_are,
    contact,
    given_appointment,
    given_campaign,
    given_limits,
    given_patient,
    hangup,
    lines_of,
    number_of,
    person,
    place,
    set_state,
    talk,
    why,
)
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.people import HOME, PBX, commands_of

HANDLERS = LedgerHandlers(on_ends=(on_ends,))
ENDED = AT + timedelta(seconds=30.1)
EXACTLY = {"spread_percent": 0}
OLD_COMMANDS = """
    INSERT INTO pbx_commands (pbx, action, arguments, cause, state, created_at, finished_at)
    SELECT :pbx, 'place_campaign_call', jsonb_build_object('attempt', 'pbx1-ca-' || n), 'campaign', 'done',
           CAST(:at AS timestamptz), CAST(:at AS timestamptz)
    FROM generate_series(1, 100000) AS n
"""


async def dialled(database: Database, campaign: UUID, *, at: Any = AT) -> CampaignAttempt:
    """The one attempt that is open."""
    assert await place(database, campaign, at) == 1
    (attempt,) = [one for one in await attempts(database) if one.is_open]
    return attempt


async def read(
    database: Database, folder: LedgerFolder, attempt: CampaignAttempt, *lines: str, ends: bool = True, start: int = 0
) -> None:
    folder.append(lines_of(attempt.id, *lines, ends=ends, start=start))
    await read_all(folder, database, HANDLERS)


async def vanished(database: Database, *attempt_ids: str, at: Any = AT) -> None:
    async with database.transaction() as session:
        await settling.settle_vanished(session, attempt_ids, at, HOME)


async def looked_for(database: Database, at: Any) -> set[str]:
    async with database.transaction() as session:
        return await settling.list_to_look_for(session, PBX, at)


async def alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm)))


class TestFromTheLedger:
    async def test_busy_and_again_by_rule(self, database: Database, folder: LedgerFolder) -> None:
        rule = {"after": {"busy": {"times": 1, "after_minutes": 5, **EXACTLY}}}
        campaign = await given_campaign(database, retry=rule)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        await read(database, folder, attempt, START, hangup(17))
        (attempt,) = await attempts(database)
        assert (attempt.outcome, attempt.hangup_cause, attempt.is_open) == ("busy", 17, False)
        assert attempt.ended_at == ENDED
        found = await contact(database)
        assert (found.state, found.attempts, found.status) == ("waiting", 1, "registered")
        assert found.next_at == ENDED + timedelta(minutes=5)
        assert await place(database, campaign, found.next_at - timedelta(seconds=1)) == 0
        again = await dialled(database, campaign, at=found.next_at)
        assert (again.number, again.address) == (2, number_of())
        assert {command.did for command in await commands_of(database)} == {"8000"}  # type: ignore[attr-defined]
        await read(database, folder, again, START, hangup(17), start=400)
        found = await contact(database)
        assert (found.state, found.result, found.reason, found.attempts) == ("finished", "unreachable", "busy", 2)
        assert await why(database) == [("called", "due"), ("waits", "busy"), ("called", "due"), ("finished", "busy")]

    @pytest.mark.parametrize(
        ("cause", "outcome"),
        [(19, "no_answer"), (21, "rejected"), (1, "invalid_number"), (34, "network_failure"), (20, "unreachable")],
    )
    async def test_not_answered(self, database: Database, folder: LedgerFolder, cause: int, outcome: str) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        await read(database, folder, await dialled(database, campaign), START, hangup(cause))
        assert [one.outcome for one in await attempts(database)] == [outcome]

    async def test_confirmed_is_written_back_to_the_appointment(self, database: Database, folder: LedgerFolder) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
            appointment = await given_appointment(session, patient.id)
        campaign = await given_campaign(database)
        await add(database, campaign, person(patient_id=patient.id, appointment_id=appointment.id))
        said = ("20.0 CC_APPOINTMENT action=confirm", "20.1 CC_CONCLUDE outcome=completed")
        await read(database, folder, await dialled(database, campaign), *talk(*said))
        found = await contact(database)
        assert (found.state, found.result, found.status) == ("finished", "reached", "completed")
        async with database.transaction() as session:
            assert (await session.get_one(Appointment, appointment.id)).status == "confirmed"
            call = (await session.scalars(select(Call))).one()
            assert call.direction == "outbound"

    @pytest.mark.parametrize(
        ("before", "action", "after"),
        [
            ("booked", "cancel", "cancelled"),
            ("confirmed", "cancel", "cancelled"),
            ("booked", "change", "booked"),
            ("booked", "destroy", "booked"),
            ("attended", "cancel", "attended"),
            ("cancelled", "confirm", "cancelled"),
        ],
    )
    async def test_what_an_appointment_becomes(
        self, database: Database, folder: LedgerFolder, before: str, action: str, after: str
    ) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
            appointment = await given_appointment(session, patient.id, before)
        campaign = await given_campaign(database)
        await add(database, campaign, person(patient_id=patient.id, appointment_id=appointment.id))
        await read(database, folder, await dialled(database, campaign), *talk(f"20.0 CC_APPOINTMENT action={action}"))
        async with database.transaction() as session:
            assert (await session.get_one(Appointment, appointment.id)).status == after

    async def test_answers_are_kept_with_the_flow_s_revision(self, database: Database, folder: LedgerFolder) -> None:
        campaign = await given_campaign(database, kind="survey")
        await add(database, campaign, person())
        said = (
            "10.0 CC_ANSWER question=satisfied:value=4",
            "11.0 CC_ANSWER question=satisfied:value=5",
            "12.0 CC_ANSWER question=waiting:value=2",
        )
        attempt = await dialled(database, campaign)
        await read(database, folder, attempt, *talk(*said))
        async with database.transaction() as session:
            rows = await session.scalars(select(CampaignAnswer).order_by(CampaignAnswer.question))
            found = [(row.question, row.value, row.revision, row.attempt_id) for row in rows]
        assert found == [
            ("satisfied", "5", "0123456789ab", attempt.id),
            ("waiting", "2", "0123456789ab", attempt.id),
        ]
        one = await contact(database)
        assert (one.state, one.status) == ("waiting", "started")  # dropped: tried again, not complete

    async def test_a_survey_that_is_dropped_to_the_end_is_partial(
        self, database: Database, folder: LedgerFolder
    ) -> None:
        campaign = await given_campaign(database, kind="survey", retry={"most_attempts": 1})
        await add(database, campaign, person())
        said = "10.0 CC_ANSWER question=satisfied:value=4"
        await read(database, folder, await dialled(database, campaign), *talk(said))
        found = await contact(database)
        assert (found.state, found.result, found.status) == ("finished", "unreachable", "partial")

    async def test_opted_out(self, database: Database, folder: LedgerFolder) -> None:
        """Nobody calls the number again, nor the patient at another one: in no campaign."""
        async with database.transaction() as session:
            patient = await given_patient(session)
        campaign = await given_campaign(database)
        await add(database, campaign, person(numbers=["13800000001", "13800000002"], patient_id=patient.id))
        await read(database, folder, await dialled(database, campaign), *talk("20.0 CC_CONCLUDE outcome=opted_out"))
        found = await contact(database)
        assert (found.state, found.result, found.status) == ("finished", "refused", "refused")
        another = await given_campaign(database)
        await add(database, another, person(2, patient_id=patient.id), person(1))
        assert await place(database, another, AT + timedelta(days=2)) == 0
        reasons = [(await contact(database, key, another)).reason for key in ("p1", "p2")]
        assert reasons == ["do_not_call", "person_do_not_call"]

    async def test_the_wrong_person_s_number_is_never_dialled_again(
        self, database: Database, folder: LedgerFolder
    ) -> None:
        await given_limits(database, conversations_per_person_daily=9, hours_between_conversations=0)
        campaign = await given_campaign(database)
        await add(database, campaign, person(numbers=["13800000001", "13800000002"]))
        wrong = "20.0 CC_CONCLUDE outcome=wrong_person"
        await read(database, folder, await dialled(database, campaign), *talk(wrong))
        found = await contact(database)
        assert (found.state, found.next_number) == ("waiting", 1)
        assert found.next_at is not None
        await read(database, folder, await dialled(database, campaign, at=found.next_at), *talk(wrong), start=7200)
        assert [one.address for one in await attempts(database)] == [number_of(1), number_of(2)]
        assert (await contact(database)).result == "failed"

    @pytest.mark.parametrize(("listed", "coming"), [((), 1), ((2,), 0)])
    async def test_the_next_number_is_one_that_may_be_dialled(
        self, database: Database, folder: LedgerFolder, listed: Sequence[int], coming: int
    ) -> None:
        """Else the first would have been given up with tries left: who listed the second did not mean it."""
        async with database.transaction() as session:
            session.add_all(
                DoNotCallEntry(e164=number_of(one), reason="要求勿扰", added_at=AT, added_by="li.na") for one in listed
            )
        campaign = await given_campaign(database)
        await add(database, campaign, person(numbers=["13800000001", "13800000002"]))
        await read(database, folder, await dialled(database, campaign), START, hangup(20))
        found = await contact(database)
        assert (found.state, found.next_number) == ("waiting", coming)
        assert found.next_at is not None
        assert await place(database, campaign, found.next_at) == 1


class TestOnce:
    async def test_what_is_read_twice_counts_once(self, database: Database, folder: LedgerFolder) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        for _ in range(2):
            await read(database, folder, attempt, START, hangup(17))
        async with database.transaction() as session:
            for _ in range(2):
                await settling.settle(session, {attempt.id: AT + timedelta(hours=1)}, HOME)
        found = await contact(database)
        assert (found.attempts, await why(database)) == (1, [("called", "due"), ("waits", "busy")])
        assert [one.ended_at for one in await attempts(database)] == [ENDED]

    async def test_a_later_line_never_overwrites_a_settled_attempt(
        self, database: Database, folder: LedgerFolder
    ) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        await read(database, folder, attempt, START, hangup(17))
        await read(database, folder, attempt, *talk("20.0 CC_CONCLUDE outcome=completed"), start=100)
        assert [one.outcome for one in await attempts(database)] == ["busy"]
        assert (await contact(database)).state == "waiting"

    async def test_many_end_at_once_each_with_its_own_outcome(self, database: Database, folder: LedgerFolder) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, *(person(index) for index in range(1, 4)))
        assert await place(database, campaign) == 3
        busy, done, gone = await attempts(database)
        folder.append(lines_of(busy.id, START, hangup(17)))
        answered = ("9.0 CC_ANSWER question=mood:value=4", "20.0 CC_CONCLUDE outcome=completed")
        folder.append(lines_of(done.id, *talk(*answered)))
        folder.append(lines_of(gone.id, START, hangup(19), start=5))
        await read_all(folder, database, HANDLERS)
        after = {one.id: (one.outcome, one.ended_at) for one in await attempts(database)}
        assert after == {
            busy.id: ("busy", ENDED),
            done.id: ("completed", ENDED),
            gone.id: ("no_answer", ENDED + timedelta(seconds=5)),
        }
        async with database.transaction() as session:
            given = [(one.attempt_id, one.question, one.value) for one in await session.scalars(select(CampaignAnswer))]
        assert given == [(done.id, "mood", "4")]

    async def test_calls_of_others_are_none_of_ours(self, database: Database, folder: LedgerFolder) -> None:
        for other in (
            "pbx1-1.1",
            "pbx1-ca-gggggggggggggggggggggggggggggggh",
            "pbx1-cb-gggggggggggggggggggggggggggggggh",
        ):
            folder.append(lines_of(other, START, hangup()))
        await read_all(folder, database, HANDLERS)
        assert await alarms(database) == []


class TestVanished:
    async def test_asterisk_never_had_it_so_it_is_tried_again(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        await vanished(database, attempt.id)
        (attempt,) = await attempts(database)
        assert (attempt.outcome, attempt.dialled_at, attempt.is_open) == ("not_placed", None, False)
        found = await contact(database)
        assert (found.state, found.reason) == ("waiting", "not_placed")
        assert found.next_at is not None
        assert (await dialled(database, campaign, at=found.next_at)).number == 2
        assert await alarms(database) == []

    @pytest.mark.parametrize("lines", [(START,), (START, ANSWER)])
    async def test_a_dial_without_an_end_is_unknown_and_never_tried_again(
        self, database: Database, folder: LedgerFolder, lines: tuple[str, ...]
    ) -> None:
        campaign = await given_campaign(database, channels=["telephone"])
        await add(database, campaign, person(numbers=["13800000001", "13800000002"], email="a@example.org"))
        attempt = await dialled(database, campaign)
        await read(database, folder, attempt, *lines, ends=False)
        assert (await contact(database)).state == "dialling"
        for _ in range(2):
            await vanished(database, attempt.id)
        assert [one.outcome for one in await attempts(database)] == ["unknown"]
        found = await contact(database)
        assert (found.state, found.result, found.next_at) == ("finished", "unknown", None)
        (alarm,) = await alarms(database)
        assert (alarm.kind, alarm.details, alarm.occurrences) == (
            "campaign_attempt_unknown",
            {"campaign": str(campaign)},
            1,
        )
        for days in range(1, 20):
            assert await place(database, campaign, AT + timedelta(days=days)) == 0

    async def test_a_late_end_of_an_unknown_one_changes_nothing(self, database: Database, folder: LedgerFolder) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        await read(database, folder, attempt, START, ends=False)
        await vanished(database, attempt.id)
        await read(database, folder, attempt, hangup(17))
        assert [one.outcome for one in await attempts(database)] == ["unknown"]
        assert (await contact(database)).result == "unknown"

    async def test_who_had_said_it_all_when_asterisk_died(self, database: Database, folder: LedgerFolder) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        await read(database, folder, attempt, START, ANSWER, "20.0 CC_CONCLUDE outcome=completed", ends=False)
        await vanished(database, attempt.id)
        assert (await contact(database)).result == "reached"

    async def test_looked_for_once_asterisk_was_told_some_time_ago(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        later = AT + timedelta(minutes=5)
        assert await looked_for(database, later) == set()  # still to be sent
        await commands_are(database, CommandState.SENT, later)
        assert await looked_for(database, later) == set()  # perhaps just now
        await commands_are(database, CommandState.DONE, later - timedelta(seconds=2))
        assert await looked_for(database, later) == set()  # its channel may just be coming
        for state in (CommandState.DONE, CommandState.FAILED):
            await commands_are(database, state, later - timedelta(seconds=20))
            assert await looked_for(database, later) == {attempt.id}
        await vanished(database, attempt.id)
        assert await looked_for(database, later) == set()

    async def test_a_month_of_commands_is_not_searched_for_it(self, database: Database) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, *(person(index) for index in range(1, 21)))
        assert await place(database, campaign) == 20
        async with database.transaction() as session:
            await session.execute(text(OLD_COMMANDS), {"pbx": PBX, "at": AT - timedelta(days=1)})
        async with database.transaction() as session:
            await session.execute(text("ANALYZE"))
            query = open_attempts(PBX, AT + timedelta(minutes=1))
            compiled = query.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True})
            plan = "\n".join(await session.scalars(text(f"EXPLAIN {compiled}".replace(":", "\\:"))))
        assert "ix_pbx_commands_attempt" in plan
        assert "Seq Scan on pbx_commands" not in plan

    async def test_ten_times_not_placed_is_enough(self, database: Database) -> None:
        async with database.transaction() as session:
            await callouts.put_limits(session, SYSTEM, NumberLimits(100, 100, 100))
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        at = AT
        for _ in range(11):
            attempt = await dialled(database, campaign, at=at)
            await vanished(database, attempt.id, at=at)
            found = await contact(database)
            at = found.next_at or at
        assert (found.state, found.result, found.reason) == ("finished", "unreachable", "not_placed")


class TestWithdrawnMeanwhile:
    async def withdraw(self, database: Database, campaign: UUID) -> CampaignContact:
        async with database.transaction() as session:
            return await contacts.withdraw_contact(session, SYSTEM, campaign, (await contact(database)).id, at=AT)

    @pytest.mark.parametrize(
        ("lines", "outcome"),
        [
            ((START, hangup(17)), Outcome.BUSY),
            (talk("20.0 CC_ANSWER question=satisfied:value=4"), Outcome.HUNG_UP_EARLY),
            (talk("20.0 CC_CONCLUDE outcome=completed"), Outcome.COMPLETED),
        ],
    )
    async def test_its_attempt_is_settled_and_it_stays(
        self, database: Database, folder: LedgerFolder, lines: tuple[str, ...], outcome: Outcome
    ) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        before = await self.withdraw(database, campaign)
        await read(database, folder, attempt, *lines)
        (attempt,) = await attempts(database)
        assert (attempt.is_open, attempt.outcome) == (False, outcome)
        found = await contact(database)
        assert (found.state, found.result, found.reason, found.next_at) == ("finished", "withdrawn", "withdrawn", None)
        assert (found.status, found.finished_at, found.attempts) == (before.status, before.finished_at, 1)
        assert await why(database) == [("called", "due"), ("finished", "withdrawn")]

    @pytest.mark.parametrize(
        ("state", "result", "reason"),
        [
            (CampaignState.CANCELLED, ContactResult.WITHDRAWN, "campaign_cancelled"),
            (CampaignState.FINISHED, ContactResult.WITHDRAWN, "campaign_finished"),
        ],
    )
    async def test_the_campaign_was_ended_meanwhile(
        self, database: Database, folder: LedgerFolder, state: CampaignState, result: ContactResult, reason: str
    ) -> None:
        """Whose call goes on is settled by it; nobody is called again."""
        campaign = await given_campaign(database)
        await add(database, campaign, person(1), person(2))
        assert await place(database, campaign) == 2
        first, second = await attempts(database)
        await set_state(database, campaign, state)
        assert {(await contact(database, key)).state for key in ("p1", "p2")} == {"dialling"}
        await read(database, folder, first, START, hangup(17))
        await read(database, folder, second, *talk("20.0 CC_CONCLUDE outcome=completed"))
        ended = {one.id: (one.result, one.reason) for one in [await contact(database, key) for key in ("p1", "p2")]}
        assert ended == {first.contact_id: (result, reason), second.contact_id: ("reached", "completed")}

    async def test_a_paused_campaign_s_contact_waits_for_its_next_try(
        self, database: Database, folder: LedgerFolder
    ) -> None:
        campaign = await given_campaign(database)
        await add(database, campaign, person())
        attempt = await dialled(database, campaign)
        await set_state(database, campaign, CampaignState.PAUSED)
        await read(database, folder, attempt, START, hangup(17))
        assert (await contact(database)).state == "waiting"


class TestOutCall:
    async def test_what_the_flow_is_told(self, database: Database) -> None:
        async with database.transaction() as session:
            patient = await given_patient(session)
        campaign = await given_campaign(database)
        await add(database, campaign, person(patient_id=patient.id))
        attempt = await dialled(database, campaign)
        async with database.transaction() as session:
            found = await outcalls.find(session, attempt.id)
            assert found == outcalls.OutCall("campaign_reminder", "+8613800000001", patient.id, "", {})
            assert await outcalls.find(session, "pbx1-ca-gggggggggggggggggggggggggggggggh") is None
            await session.execute(update(CampaignAttempt).values(is_open=False))
            assert await outcalls.find(session, attempt.id) is None


async def test_finished_contacts_go_with_all_that_was_said_when_their_time_is_over(
    database: Database, folder: LedgerFolder
) -> None:
    campaign = await given_campaign(database)
    await add(database, campaign, person(1), person(2))
    for _ in range(2):
        answered = ("9.0 CC_ANSWER question=mood:value=4", "20.0 CC_CONCLUDE outcome=completed")
        assert await place(database, campaign, limit=1) == 1
        (attempt,) = [one for one in await attempts(database) if one.is_open]
        await read(database, folder, attempt, *talk(*answered))
    async with database.transaction() as session:
        for key, days in (("p1", 200), ("p2", 50)):
            query = update(CampaignContact).where(CampaignContact.key == key)
            await session.execute(query.values(finished_at=now() - timedelta(days=days)))
    await keep_to_retention(database, Settings(campaign_retention_days=100), now())
    async with database.transaction() as session:
        assert [one.key for one in await session.scalars(select(CampaignContact))] == ["p2"]
        assert len(list(await session.scalars(select(CampaignAnswer)))) == 1
    assert len(await attempts(database)) == 1
