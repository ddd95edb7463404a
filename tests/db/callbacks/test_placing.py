"""From the promise to its end: placed once, claimed once, settled from the ledger, never dialled twice unasked."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from callcenter.asterisk.commands import HangUpChannel, PlaceCallback
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.callbacks import placing, service
from callcenter.callbacks.errors import CallbackRefused, NumberNotCallable
from callcenter.callbacks.handlers import on_calls, on_ends
from callcenter.callbacks.models import Callback, CallbackAttempt
from callcenter.callbacks.policy import Rules
from callcenter.callbacks.service import CallbackWish
from callcenter.calls.models import Call, Leg, QueueVisit
from callcenter.calls.service import LedgerHandlers
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.queues.errors import QueueNotFound
from callcenter.queues.models import Did
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import SCENARIOS, T0, Ledger, table
from tests.support.people import HOME, PBX, commands_of, given_queue

HANDLERS = LedgerHandlers(on_ends=(on_ends,), on_calls=(on_calls,))
PLAN = NumberPlan("CN", "0571")
PATIENT = "+8613800000001"
OWN_LINE = "057186000000"
AT = T0 - timedelta(minutes=1)
RECORDED_ID = "pbx1-cb-gggggggggggggggggggggggggggggggh"
"""The attempt in tests/unit/calls/scenarios/callback_*.txt."""


@pytest.fixture(autouse=True)
async def hospital(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        await given_queue(session, "vip")
        session.add(Did(number=OWN_LINE, label_zh="热线", label_en="Hotline", fallback_queue="consultation"))


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[LedgerFolder]:
    yield LedgerFolder(tmp_path)


def wish(e164: str = PATIENT, **values: object) -> CallbackWish:
    facts: dict[str, object] = {
        "queue_name": "consultation",
        "priority": 2_087_000_000,
        "e164": e164,
        "language": "zh",
        "did": OWN_LINE,
        "requested_from": e164,
    }
    return CallbackWish(**(facts | values))  # type: ignore[arg-type]


async def ask(database: Database, wanted: CallbackWish | None = None, at: datetime = AT) -> Callback:
    async with database.transaction() as session:
        return await service.request_callback(session, wanted or wish(), pbx=PBX, plan=PLAN, at=at)


async def place(database: Database, at: datetime = AT) -> int:
    async with database.transaction() as session:
        return await placing.place_due(session, PBX, at, HOME)


async def placed(database: Database, at: datetime = AT) -> CallbackAttempt:
    """A call-back that stands in the queue."""
    await ask(database, at=at)
    assert await place(database, at) == 1
    (attempt,) = await attempts(database)
    return attempt


async def claim(database: Database, attempt_id: str) -> placing.DialOrder | None:
    async with database.transaction() as session:
        return await placing.claim_dial(session, attempt_id, AT, HOME)


async def attempts(database: Database) -> list[CallbackAttempt]:
    async with database.transaction() as session:
        return list(await session.scalars(select(CallbackAttempt).order_by(CallbackAttempt.number)))


async def only(database: Database) -> Callback:
    async with database.transaction() as session:
        return (await session.scalars(select(Callback))).one()


async def commands_are_done(database: Database, at: datetime) -> None:
    async with database.transaction() as session:
        await session.execute(update(PbxCommand).values(state=CommandState.DONE, finished_at=at))


def recorded(name: str, attempt_id: str) -> Ledger:
    return table((SCENARIOS / f"{name}.txt").read_text().replace(RECORDED_ID, attempt_id))


class TestAsked:
    async def test_who_asks_twice_keeps_the_first_place(self, database: Database) -> None:
        first = await ask(database)
        second = await ask(database, wish(priority=1_000), at=AT + timedelta(minutes=5))
        assert (second.id, second.priority, second.expires_at) == (first.id, 2_087_000_000, AT + timedelta(hours=4))

    async def test_at_the_same_moment_too(self, database: Database) -> None:
        asked = await asyncio.gather(*(ask(database) for _ in range(5)))
        assert len({one.id for one in asked}) == 1

    async def test_another_queue_is_another_call_back(self, database: Database) -> None:
        assert (await ask(database)).id != (await ask(database, wish(queue_name="vip"))).id

    @pytest.mark.parametrize("number", ["+12125550123", "+864008001234", "+8657186000000"])
    async def test_not_at_foreign_dear_or_our_own_numbers(self, database: Database, number: str) -> None:
        with pytest.raises(NumberNotCallable):
            await ask(database, wish(number))

    async def test_one_line_asks_for_three(self, database: Database) -> None:
        for index in range(3):
            await ask(database, wish(f"+861380000001{index}", requested_from=PATIENT))
        with pytest.raises(CallbackRefused) as refused:
            await ask(database, wish("+8613800000019", requested_from=PATIENT))
        assert refused.value.details == {"reason": "caller_limit"}
        await ask(database, wish("+8613800000019", requested_from="+8613800000020"))

    @pytest.mark.parametrize("rules", [Rules(False, 600, 10), Rules(True, 600, 1)])
    async def test_a_queue_grants_none_or_no_more(self, database: Database, rules: Rules) -> None:
        await ask(database)
        async with database.transaction() as session:
            await service.put_rules(session, "consultation", rules)
            assert not await service.is_offered(session, "consultation")
        with pytest.raises(CallbackRefused):
            await ask(database, wish("+8613800000002"))
        with pytest.raises(QueueNotFound):
            await ask(database, wish(queue_name="nowhere"))


class TestPlaced:
    async def test_once_with_its_priority(self, database: Database) -> None:
        await ask(database, wish(app_queue="consultation--not-1003"))
        assert await place(database) == 1
        assert await place(database) == 0
        (attempt,) = await attempts(database)
        (command,) = await commands_of(database)
        assert command == PlaceCallback(
            attempt=attempt.id,
            queue="consultation",
            app_queue="consultation--not-1003",
            priority=2_087_000_000,
            timeout_seconds=4 * 3600,
        )
        assert PATIENT[3:] not in str(command.ami())  # the number is not given out before the claim

    async def test_only_on_its_own_pbx_and_in_its_time(self, database: Database) -> None:
        async with database.transaction() as session:
            later = AT + timedelta(hours=1)
            await service.request_callback(session, wish(), pbx=PBX, plan=PLAN, at=AT, not_before=later)
            assert await placing.place_due(session, "pbx2", later, HOME) == 0
        assert await place(database, later - timedelta(seconds=1)) == 0
        assert await place(database, later) == 1

    async def test_not_while_the_caller_is_still_on_the_line(self, database: Database, folder: LedgerFolder) -> None:
        await ask(database, wish(call_id="pbx1-1.1"), at=T0)
        line = "{} PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {}"
        start = [line.format("0.1 CHAN_START", "exten=8000"), line.format("0.2 CC_CALL", "did=8000:caller=13800000001")]
        folder.append(table("\n".join(start)))
        await read_all(folder, database)
        assert await place(database, T0 + timedelta(seconds=30)) == 0
        folder.append(table(line.format("31.0 LINKEDID_END", "")))
        await read_all(folder, database)
        assert await place(database, T0 + timedelta(seconds=31)) == 1

    async def test_a_caller_who_does_not_hang_up_is_called_all_the_same(self, database: Database) -> None:
        await ask(database, wish(call_id="pbx1-1.1"), at=T0)
        async with database.transaction() as session:
            values = {"direction": "inbound", "state": "open", "outcome": "open", "started_at": T0, "derived_at": T0}
            session.add(Call(id="pbx1-1.1", pbx=PBX, **values))
        assert await place(database, T0 + timedelta(seconds=59)) == 0
        assert await place(database, T0 + timedelta(seconds=61)) == 1

    async def test_the_number_is_given_out_once(self, database: Database) -> None:
        attempt = await placed(database)
        orders = await asyncio.gather(*(claim(database, attempt.id) for _ in range(4)))
        (order,) = [one for one in orders if one]
        assert (order.e164, order.did, order.language) == (PATIENT, OWN_LINE, "zh")
        assert (await only(database)).state == "dialling"
        assert await claim(database, RECORDED_ID) is None

    async def test_what_was_cancelled_or_settled_is_not_given_out(self, database: Database) -> None:
        attempt = await placed(database)
        async with database.transaction() as session:
            callback = await only(database)
            await service.cancel_callback(session, SYSTEM, callback.id, scope=(), at=AT)
        assert await claim(database, attempt.id) is None
        assert (await commands_of(database))[-1] == HangUpChannel(attempt=attempt.id)
        # the hang-up came before the channel: the next look takes it out
        async with database.transaction() as session:
            await placing.hang_up_left_over(session, PBX, {attempt.id})
        assert (await commands_of(database))[-2:] == [HangUpChannel(attempt=attempt.id)] * 2

    async def test_what_has_expired_is_not_given_out_though_no_engine_said_so(self, database: Database) -> None:
        attempt = await placed(database)
        async with database.transaction() as session:
            assert await placing.claim_dial(session, attempt.id, AT + timedelta(hours=4), HOME) is None

    async def test_an_attempt_of_the_past_is_not_given_out(self, database: Database) -> None:
        """A frozen engine wakes up and sends what its successor has settled and placed anew."""
        old = await placed(database)
        async with database.transaction() as session:
            await placing.settle_vanished(session, [old.id], AT)
        assert await place(database, AT) == 1
        assert await claim(database, old.id) is None
        assert await claim(database, (await attempts(database))[1].id) is not None

    async def test_expired(self, database: Database) -> None:
        attempt = await placed(database)
        async with database.transaction() as session:
            assert await placing.expire_due(session, PBX, AT + timedelta(hours=3, minutes=59)) == 0
            assert await placing.expire_due(session, PBX, AT + timedelta(hours=4)) == 1
        assert (await only(database)).state == "expired"
        assert (await commands_of(database))[-1] == HangUpChannel(attempt=attempt.id)

    async def test_looked_for_once_asterisk_was_told_some_time_ago(self, database: Database) -> None:
        attempt = await placed(database)
        later = AT + timedelta(minutes=5)

        async def looked_for() -> set[str]:
            async with database.transaction() as session:
                return await placing.list_to_look_for(session, PBX, later)

        assert await looked_for() == set()  # still to be sent
        await commands_are_done(database, later - timedelta(seconds=2))
        assert await looked_for() == set()  # its channel may just be coming
        await commands_are_done(database, later - timedelta(seconds=20))
        assert await looked_for() == {attempt.id}


class TestSettled:
    async def settled(self, database: Database, folder: LedgerFolder, name: str) -> tuple[Callback, CallbackAttempt]:
        """One that was claimed, and then went as recorded."""
        attempt = await placed(database)
        assert await claim(database, attempt.id) is not None
        for _ in range(2):  # whatever is read twice counts once
            folder.append(recorded(name, attempt.id))
            await read_all(folder, database, HANDLERS)
        (attempt,) = await attempts(database)
        return await only(database), attempt

    async def test_talked(self, database: Database, folder: LedgerFolder) -> None:
        callback, attempt = await self.settled(database, folder, "callback_answered")
        assert (callback.state, callback.reason, callback.tries) == ("completed", "completed", 1)
        assert (attempt.outcome, attempt.agent_number, attempt.dial_status) == ("completed", "1001", "ANSWER")
        assert attempt.answered_at is not None
        async with database.transaction() as session:
            call = (await session.scalars(select(Call))).one()
            assert call.id == attempt.id
            assert (call.direction, call.caller_number, call.agent_number) == ("outbound", PATIENT, "1001")
            assert sorted(await session.scalars(select(Leg.role))) == ["agent", "trunk"]
            assert not list(await session.scalars(select(QueueVisit)))

    async def test_busy(self, database: Database, folder: LedgerFolder) -> None:
        callback, attempt = await self.settled(database, folder, "callback_busy")
        assert (callback.state, callback.tries, callback.finished_at) == ("waiting", 1, None)
        assert (attempt.outcome, attempt.hangup_cause, attempt.agent_number) == ("busy", 17, "1001")
        assert attempt.ended_at is not None
        assert callback.next_attempt_at == attempt.ended_at + timedelta(minutes=5)
        assert await place(database, callback.next_attempt_at) == 1
        placings = [one for one in await commands_of(database) if isinstance(one, PlaceCallback)]
        assert {one.priority for one in placings} == {2_087_000_000}

    async def test_hung_up_in_the_greeting(self, database: Database, folder: LedgerFolder) -> None:
        callback, attempt = await self.settled(database, folder, "callback_greeting")
        assert (callback.state, attempt.outcome, callback.tries) == ("waiting", "hung_up_early", 1)

    async def test_the_service_was_away_when_the_agent_answered(self, database: Database, folder: LedgerFolder) -> None:
        attempt = await placed(database)
        folder.append(recorded("callback_refused", attempt.id))
        await read_all(folder, database, HANDLERS)
        callback = await only(database)
        assert (callback.state, callback.tries) == ("waiting", 0)
        assert [one.outcome for one in await attempts(database)] == ["not_placed"]

    async def test_vanished_before_the_dial_is_placed_again_at_once(self, database: Database) -> None:
        attempt = await placed(database)
        await claim(database, attempt.id)  # answered by an agent, and then Asterisk died
        async with database.transaction() as session:
            await placing.settle_vanished(session, [attempt.id], AT)
        callback = await only(database)
        assert (callback.state, callback.tries, callback.next_attempt_at) == ("waiting", 0, AT)
        assert await place(database, AT) == 1
        assert [one.outcome for one in await attempts(database)] == ["not_placed", None]

    async def test_a_dial_without_an_end_is_unknown_and_waits_for_a_person(
        self, database: Database, folder: LedgerFolder
    ) -> None:
        attempt = await placed(database)
        await claim(database, attempt.id)
        cut = recorded("callback_answered", attempt.id)
        dialled = next(index for index, line in enumerate(cut.cel) if b'"CC_DIAL"' in line)
        folder.append(Ledger(cut.cel[: dialled + 2], cut.queue_log))
        await read_all(folder, database, HANDLERS)
        async with database.transaction() as session:
            await placing.settle_vanished(session, [attempt.id], AT)
            await placing.settle_vanished(session, [attempt.id], AT)
        callback = await only(database)
        assert (callback.state, callback.tries) == ("unknown", 1)
        async with database.transaction() as session:
            (alarm,) = await session.scalars(select(Alarm).where(Alarm.kind == "callback_unknown"))
            assert (alarm.details["callback"], alarm.occurrences) == (str(callback.id), 1)
        assert await place(database, AT + timedelta(hours=1)) == 0
        again = AT + timedelta(hours=5)
        async with database.transaction() as session:
            await service.retry_callback(session, SYSTEM, callback.id, scope=(), at=again)
        assert await place(database, again) == 1

    async def test_who_died_while_talking_was_called_back(self, database: Database, folder: LedgerFolder) -> None:
        attempt = await placed(database)
        await claim(database, attempt.id)
        whole = recorded("callback_answered", attempt.id)
        parted = next(index for index, line in enumerate(whole.cel) if b'"BRIDGE_EXIT"' in line)
        folder.append(Ledger(whole.cel[:parted], whole.queue_log))
        await read_all(folder, database, HANDLERS)
        async with database.transaction() as session:
            await placing.settle_vanished(session, [attempt.id], AT)
        assert (await only(database)).state == "completed"

    async def test_phoned_again_and_answered_in_that_queue(self, database: Database, folder: LedgerFolder) -> None:
        attempt = await placed(database, T0 - timedelta(hours=1))
        await ask(database, wish(queue_name="vip"), at=T0 - timedelta(hours=1))
        folder.append(table(_ANSWERED))
        await read_all(folder, database, HANDLERS)
        async with database.transaction() as session:
            states = {one.queue_name: (one.state, one.reason) for one in await session.scalars(select(Callback))}
        assert states == {"consultation": ("cancelled", "served"), "vip": ("waiting", None)}
        assert HangUpChannel(attempt=attempt.id) in await commands_of(database)

    async def test_an_answer_before_the_request_does_not_count(self, database: Database, folder: LedgerFolder) -> None:
        await ask(database, at=T0 + timedelta(minutes=1))
        folder.append(table(_ANSWERED))
        await read_all(folder, database, HANDLERS)
        assert (await only(database)).state == "waiting"


async def test_figures_add_up(database: Database) -> None:
    states = ["waiting", "queued", "dialling", "completed", "completed", "failed", "expired", "cancelled", "unknown"]
    for index, state in enumerate(states):
        asked = await ask(database, wish(f"+861380000010{index}"))
        async with database.transaction() as session:
            await session.execute(update(Callback).where(Callback.id == asked.id).values(state=state))
    async with database.transaction() as session:
        figures = await service.get_figures(session, "consultation", AT, AT + timedelta(seconds=1))
        none = await service.get_figures(session, "vip", AT, AT + timedelta(seconds=1))
    assert figures.requested == len(states)
    assert (figures.waiting, figures.completed, figures.failed) == (3, 2, 1)
    assert (figures.expired, figures.cancelled, figures.unknown) == (1, 1, 1)
    assert none.requested == 0


def test_a_place_as_the_dialplan_computes_it() -> None:
    assert service.priority_at(datetime(2024, 1, 1, 0, 1, tzinfo=UTC)) == 2_147_483_647 - 60


_ANSWERED = """
    0.1 CHAN_START    PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8000
    0.2 CC_CALL       PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8000:caller=13800000001
    0.6 CC_QUEUE      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 visit=1:queue=consultation:prio=1
    0.7 CHAN_START    PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 exten=s
    1.4 ANSWER        PJSIP/seat-a-00000002  pbx1-1.2  pbx1-1.1
    1.5 BRIDGE_ENTER  PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"091be170"}
    1.6 BRIDGE_ENTER  PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"bridge_id":"091be170"}
"""
