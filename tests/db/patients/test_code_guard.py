"""Guesses at check codes: whoever guesses, from wherever, however many at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.models import Role
from callcenter.core.alarms import Alarm
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.core.security import keyed_code_hash
from callcenter.ivr.callers import DatabaseCallers, Refusal, Verification
from callcenter.patients import code_guard
from callcenter.patients.code_guard import CodeLimits, Guess, Origin, Scope
from callcenter.patients.models import Card, CodeCounter, Patient, PatientNumber, VipGrade
from callcenter.patients.service import RecognisedPatient
from tests.support.api import as_role

KEY = "key-of-the-test"
RIGHT, WRONG = SecretStr("482913"), SecretStr("482914")
VIP, UNKNOWN = "+8613800000001", "+8613900000009"
VIP_CARD, UNKNOWN_CARD = SecretStr("10001"), SecretStr("77777")
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class TurnedClock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def callers(database: Database, clock: TurnedClock) -> DatabaseCallers:
    return DatabaseCallers(database, KEY, CodeLimits(), answer_seconds=0, clock=clock)


def origin(e164: str | None = VIP, trunk: str = "trunk") -> Origin:
    return Origin(e164, trunk)


async def given_patient(session: AsyncSession, card: str, e164: str | None = None, *, code: str = "482913") -> Patient:
    if await session.get(VipGrade, "gold") is None:
        session.add(VipGrade(code="gold", label_zh="金卡", label_en="Gold", head_start_seconds=600, benefits=[]))
        await session.flush()
    patient = Patient(
        id=new_id(), external_id=new_id().hex, name="女儿", vip_grade="gold", created_at=START, updated_at=START
    )
    session.add(patient)
    await session.flush()
    hashed = keyed_code_hash(code, owner=card, key=KEY)
    session.add(Card(number=card, patient_id=patient.id, check_code_hash=hashed))
    if e164 is not None:
        session.add(PatientNumber(e164=e164, patient_id=patient.id))
    await session.flush()
    return patient


@pytest.fixture
async def vip(database: Database) -> Patient:
    async with database.transaction() as session:
        return await given_patient(session, "JZ10001", VIP)


def is_verified(verification: Verification) -> bool:
    return isinstance(verification, RecognisedPatient)


async def test_five_wrong_codes_lock_the_card_until_a_window_after_the_last(
    callers: DatabaseCallers, clock: TurnedClock, vip: Patient
) -> None:
    for _ in range(5):
        assert await callers.verify(origin(), WRONG) is Refusal.WRONG
        clock.turn(minutes=2)
    assert await callers.verify(origin(), RIGHT) is Refusal.LOCKED
    assert await callers.verify_card(origin("+8613700000001"), VIP_CARD, RIGHT) is Refusal.LOCKED
    clock.turn(minutes=12.9)
    assert await callers.verify(origin(), RIGHT) is Refusal.LOCKED
    clock.turn(minutes=0.2)
    assert is_verified(await callers.verify(origin(), RIGHT))


async def test_right_codes_use_up_nothing(callers: DatabaseCallers, vip: Patient) -> None:
    for _ in range(4):
        assert await callers.verify(origin(), WRONG) is Refusal.WRONG
    for _ in range(20):
        assert is_verified(await callers.verify(origin(), RIGHT))
    assert await callers.verify(origin(), WRONG) is Refusal.WRONG
    assert await callers.verify(origin(), RIGHT) is Refusal.LOCKED


async def test_by_card_a_patient_is_verified_from_any_telephone(callers: DatabaseCallers, vip: Patient) -> None:
    for number in (UNKNOWN, None):
        found = await callers.verify_card(origin(number), VIP_CARD, RIGHT)
        assert isinstance(found, RecognisedPatient)
        assert (found.id, found.head_start_seconds) == (vip.id, 600)
    assert await callers.verify(origin(UNKNOWN), RIGHT) is Refusal.WRONG  # the code alone proves nothing from there


async def test_cards_with_the_same_digits_are_told_apart_by_the_code(
    database: Database, callers: DatabaseCallers, vip: Patient
) -> None:
    async with database.transaction() as session:
        other = await given_patient(session, "ZY-10001", code="555555")
    found = await callers.verify_card(origin(UNKNOWN), VIP_CARD, SecretStr("555555"))
    assert isinstance(found, RecognisedPatient)
    assert found.id == other.id


async def test_a_closed_card_is_no_card(database: Database, callers: DatabaseCallers, vip: Patient) -> None:
    async with database.transaction() as session:
        card = await session.get(Card, "JZ10001")
        assert card is not None
        card.active = False
    assert await callers.verify_card(origin(UNKNOWN), VIP_CARD, RIGHT) is Refusal.WRONG


async def test_what_does_not_exist_locks_the_same_way(callers: DatabaseCallers, vip: Patient) -> None:
    expected = [Refusal.WRONG] * 5 + [Refusal.LOCKED] * 2
    assert [await callers.verify(origin(UNKNOWN), WRONG) for _ in range(7)] == expected
    numbers = iter(f"+86137000000{n:02d}" for n in range(50))
    for digits in (UNKNOWN_CARD, VIP_CARD):
        assert [await callers.verify_card(origin(next(numbers)), digits, WRONG) for _ in range(7)] == expected


async def test_a_wrong_code_counts_against_each_card_of_a_family(
    database: Database, callers: DatabaseCallers, vip: Patient
) -> None:
    async with database.transaction() as session:
        await given_patient(session, "JZ10002", VIP, code="111222")
    assert is_verified(await callers.verify(origin(), SecretStr("111222")))
    for _ in range(5):
        await callers.verify(origin(), WRONG)
    assert await callers.verify_card(origin(UNKNOWN), SecretStr("10002"), SecretStr("111222")) is Refusal.LOCKED
    assert await callers.verify_card(origin(UNKNOWN), VIP_CARD, RIGHT) is Refusal.LOCKED


async def test_a_wards_switchboard_locks_no_ward(database: Database, callers: DatabaseCallers, vip: Patient) -> None:
    async with database.transaction() as session:
        for n in range(code_guard.MAX_CARDS_CHECKED):
            await given_patient(session, f"JZ2000{n}", VIP)
    outcomes = [await callers.verify(origin(), RIGHT) for _ in range(6)]
    assert outcomes == [Refusal.WRONG] * 5 + [Refusal.LOCKED]
    assert is_verified(await callers.verify_card(origin(UNKNOWN), VIP_CARD, RIGHT))


async def test_a_number_that_guesses_at_many_cards_is_refused_at_all(callers: DatabaseCallers, vip: Patient) -> None:
    for n in range(10):
        assert await callers.verify_card(origin(UNKNOWN), SecretStr(f"9000{n}"), WRONG) is Refusal.WRONG
    assert await callers.verify_card(origin(UNKNOWN), VIP_CARD, RIGHT) is Refusal.LOCKED
    assert is_verified(await callers.verify_card(origin("+8613700000001"), VIP_CARD, RIGHT))


async def test_withheld_numbers_share_one_budget(callers: DatabaseCallers, vip: Patient) -> None:
    for n in range(10):
        assert await callers.verify_card(origin(None), SecretStr(f"9000{n}"), WRONG) is Refusal.WRONG
    assert await callers.verify_card(origin(None), VIP_CARD, RIGHT) is Refusal.LOCKED


async def test_a_process_that_dies_after_the_reservation_has_counted(
    database: Database, callers: DatabaseCallers, vip: Patient
) -> None:
    for _ in range(5):
        assert await begin(database) is not None
    assert await begin(database) is None
    assert await callers.verify(origin(), RIGHT) is Refusal.LOCKED


async def begin(database: Database) -> Guess | None:
    async with database.transaction() as session:
        return await code_guard.guess_at_number(session, origin(), limits=CodeLimits(), key=KEY, at=START)


# -- nothing tells a wrong code from an unknown card


class Statements:
    """What the database was asked, in order, without the values."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine.sync_engine
        self.seen: list[str] = []

    def __enter__(self) -> "Statements":
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_exc: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _conn: object, _cursor: object, statement: str, *_: object) -> None:
        self.seen.append(statement)


async def test_unknown_and_wrong_cost_the_same_statements(
    database: Database, callers: DatabaseCallers, vip: Patient
) -> None:
    asked: list[list[str]] = []
    for digits in (VIP_CARD, UNKNOWN_CARD):
        for attempt in range(7):  # the last two are locked
            with Statements(database) as statements:
                await callers.verify_card(origin(f"+86137000000{attempt:02d}"), digits, WRONG)
            asked.append(statements.seen)
    assert asked[:7] == asked[7:]
    assert len(asked[0]) == 6
    assert len(asked[6]) < len(asked[0])  # what is locked writes nothing

    by_number: list[list[str]] = []
    for number in ("+8613800000002", UNKNOWN):
        async with database.transaction() as session:
            await given_patient(session, "JZ30001", "+8613800000002") if not by_number else None
        with Statements(database) as statements:
            assert await callers.verify(origin(number), WRONG) is Refusal.WRONG
        by_number.append(statements.seen)
    assert by_number[0] == by_number[1]


async def test_a_code_is_no_parameter_of_any_statement(
    database: Database, callers: DatabaseCallers, vip: Patient
) -> None:
    seen: list[str] = []

    def note(_conn: object, _cursor: object, _statement: str, parameters: object, *_: object) -> None:
        seen.append(repr(parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    for code in (RIGHT, WRONG):
        await callers.verify(origin(), code)
        await callers.verify_card(origin(), VIP_CARD, code)
    assert "10001" in " ".join(seen)  # the digits of the card are
    assert "48291" not in " ".join(seen)


async def test_counters_hold_no_telephone_number_and_no_unknown_card(
    database: Database, callers: DatabaseCallers, vip: Patient
) -> None:
    await callers.verify(origin(UNKNOWN), WRONG)
    await callers.verify_card(origin(), UNKNOWN_CARD, WRONG)
    async with database.transaction() as session:
        counters = (await session.scalars(select(CodeCounter))).all()
    assert len(counters) == 6
    for counter in counters:
        assert UNKNOWN_CARD.get_secret_value() not in counter.subject
        assert "13800000001" not in counter.subject
        assert "13900000009" not in counter.subject


# -- the flood


async def guessed(session: AsyncSession, at: Origin, digits: str | None, code: str) -> str:
    """One guess as :class:`DatabaseCallers` makes it, at the number's own cards or at the card of ``digits``."""
    how: dict[str, Any] = {"limits": CodeLimits(), "key": KEY, "at": now()}
    async with session.begin():
        guess = await (
            code_guard.guess_at_card(session, at, digits, **how)
            if digits
            else code_guard.guess_at_number(session, at, **how)
        )
    if guess is None:
        return "locked"
    if guess.owner_of(code, KEY) is None:
        return "wrong"
    async with session.begin():
        await code_guard.give_back(session, guess, limits=CodeLimits())
    return "verified"


async def test_ten_thousand_guesses_from_ten_thousand_numbers_do_not_get_through(
    database: Database, vip: Patient
) -> None:
    """Twenty connections over six trunks, at real cards, families' numbers and cards that do not exist."""
    async with database.transaction() as session:
        for n in range(30):
            await given_patient(session, f"JZ5{n:04d}", f"+8613800001{n // 3:03d}")  # three cards a number
    outcomes: Counter[str] = Counter()
    wrong_at: Counter[str] = Counter()
    guesses = iter(range(10_000))

    async def guess_on() -> None:
        """Over a connection of its own."""
        async with database.engine.connect() as connection:
            session = AsyncSession(connection, expire_on_commit=False)
            for n in guesses:
                trunk, digits = f"trunk{n % 6}", None if n % 3 == 0 else f"5{n % 900:04d}"
                number = f"+861590{n:07d}" if digits else f"+8613800001{n % 10:03d}"
                code = "482913" if n >= 5_000 and n % 10 == 0 else f"{100_000 + n}"  # luck comes late
                outcome = await guessed(session, Origin(number, trunk), digits, code)
                outcomes[outcome] += 1
                if outcome == "wrong":
                    wrong_at[trunk] += 1
                    wrong_at[digits or number] += 1

    await asyncio.gather(*(guess_on() for _ in range(20)))

    # the line's budget, to the last
    assert outcomes == {"wrong": 300, "locked": 9_700}
    for subject, count in wrong_at.items():
        assert count <= (100 if subject.startswith("trunk") else 5), subject
    async with database.transaction() as session:
        counters = (await session.scalars(select(CodeCounter))).all()
        alarms = (await session.scalars(select(Alarm).where(Alarm.key == "line"))).all()
    assert all(len(one.failed_at) <= CodeLimits().budget(Scope(one.scope)).limit for one in counters)
    assert [(one.kind, one.severity, one.occurrences) for one in alarms] == [("code_budget_used_up", "critical", 1)]
    assert is_verified(await later(database).verify(origin(), RIGHT))


def later(database: Database) -> DatabaseCallers:
    """Sixteen minutes from now."""
    soon: Callable[[], datetime] = lambda: now() + timedelta(minutes=16)  # noqa: E731
    return DatabaseCallers(database, KEY, CodeLimits(), answer_seconds=0, clock=soon)


async def test_a_used_up_trunk_leaves_the_others_and_raises_one_alarm(
    database: Database, callers: DatabaseCallers, clock: TurnedClock, vip: Patient
) -> None:
    small = DatabaseCallers(database, KEY, CodeLimits(trunk=3, line=5), answer_seconds=0, clock=clock)
    for n in range(4):
        await small.verify_card(origin(f"+861370000000{n}"), SecretStr(f"9000{n}"), WRONG)
    assert await small.verify(origin(), RIGHT) is Refusal.LOCKED
    assert is_verified(await small.verify(origin(trunk="other"), RIGHT))
    async with database.transaction() as session:
        alarms = (await session.scalars(select(Alarm))).all()
    assert [(one.key, one.severity, one.occurrences) for one in alarms] == [("trunk:trunk", "critical", 1)]


# -- staff


async def test_a_supervisor_sees_locked_cards_masked_and_unlocks_them(
    database: Database, client: httpx.AsyncClient, vip: Patient
) -> None:
    callers = DatabaseCallers(database, KEY, CodeLimits(), answer_seconds=0)
    for _ in range(5):
        await callers.verify(origin(), WRONG)
    supervisor = await as_role(database, Role.SUPERVISOR)
    answer = await client.get("/api/v1/locked-cards", headers=supervisor)
    (item,) = answer.json()["items"]
    assert (item["patient_id"], item["cards_masked"]) == (str(vip.id), ["****0001"])
    assert "JZ1" not in answer.text
    unlock = f"/api/v1/patients/{vip.id}/cards/unlock"
    assert (await client.post(unlock, headers=await as_role(database, Role.AGENT))).status_code == 403
    assert await callers.verify(origin(), RIGHT) is Refusal.LOCKED
    assert (await client.post(unlock, headers=supervisor)).json() == {"unlocked": 1}
    assert is_verified(await callers.verify(origin(), RIGHT))
    assert (await client.post(unlock, headers=supervisor)).json() == {"unlocked": 0}
    assert (await client.get("/api/v1/locked-cards", headers=supervisor)).json()["items"] == []
    async with database.transaction() as session:
        actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.patient_id == vip.id))
        assert Counter(actions) == {"patients.list_locked_cards": 1, "patients.unlock_cards": 2}


async def test_unlocking_nobody_is_not_found(database: Database, client: httpx.AsyncClient) -> None:
    headers = await as_role(database, Role.SUPERVISOR)
    answer = await client.post(f"/api/v1/patients/{new_id()}/cards/unlock", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "patient-not-found")


async def test_locked_cards_come_in_pages(database: Database, client: httpx.AsyncClient) -> None:
    callers = DatabaseCallers(database, KEY, CodeLimits(card=1), answer_seconds=0)
    async with database.transaction() as session:
        locked = [str((await given_patient(session, f"JZ6000{n}", f"+861380000000{n}")).id) for n in range(3)]
    for n in range(3):
        await callers.verify(origin(f"+861380000000{n}"), WRONG)
    headers, cursor, seen = await as_role(database, Role.ADMIN), "", []
    for _ in range(3):
        page = (await client.get(f"/api/v1/locked-cards?limit=1&cursor={cursor}", headers=headers)).json()
        seen += [item["patient_id"] for item in page["items"]]
        cursor = page["next_cursor"] or ""
    assert seen == sorted(locked)
    assert cursor == ""


async def test_counters_go_when_they_can_lock_nothing_any_more(
    database: Database, callers: DatabaseCallers, clock: TurnedClock, vip: Patient
) -> None:
    await callers.verify(origin(), WRONG)
    clock.turn(minutes=29)
    await callers.verify(origin(UNKNOWN), WRONG)
    clock.turn(minutes=2)
    async with database.transaction() as session:
        await code_guard.purge_counters(session, limits=CodeLimits(), at=clock())
    async with database.transaction() as session:
        scopes = await session.scalars(select(CodeCounter.scope).order_by(CodeCounter.scope))
        assert scopes.all() == ["caller", "card", "line", "trunk"]
        assert await session.scalar(select(func.count()).where(CodeCounter.subject == "JZ10001")) == 0
