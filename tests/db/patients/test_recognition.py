"""From a caller's number to patients, and from a check code to one of them."""

import json
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Select, event, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.core.security import keyed_code_hash
from callcenter.patients import code_guard, queries, service
from callcenter.patients.models import Card, Patient, PatientNumber, VipGrade
from tests.support.check_codes import owner_of_code

KEY = "key-of-the-test"
NUMBER = "+8613800000001"


def patient(name: str, **values: object) -> Patient:
    made = {"id": new_id(), "external_id": new_id().hex, "name": name, "created_at": now(), "updated_at": now()}
    return Patient(**(made | values))


def card(number: str, owner: Patient, code: str, *, active: bool = True) -> Card:
    hashed = keyed_code_hash(code, owner=number, key=KEY)
    return Card(number=number, patient_id=owner.id, check_code_hash=hashed, active=active)


async def given_family(session: AsyncSession) -> tuple[Patient, Patient]:
    """A gold VIP and her father without a grade, both reachable by NUMBER, each with a card."""
    grade = VipGrade(code="gold", label_zh="金卡", label_en="Gold", head_start_seconds=600, benefits=[])
    session.add(grade)
    await session.flush()
    daughter, father = patient("女儿", vip_grade="gold"), patient("父亲", language="en")
    session.add_all([daughter, father])
    await session.flush()
    session.add_all(PatientNumber(e164=NUMBER, patient_id=one.id) for one in (daughter, father))
    session.add(card("C10001", daughter, "482913"))
    session.add(card("C10002", father, "111222"))
    session.add(card("C10003", father, "999999", active=False))
    await session.flush()
    return daughter, father


async def test_a_family_is_recognised_the_vip_first(database: Database) -> None:
    async with database.transaction() as session:
        daughter, father = await given_family(session)
        caller = await service.recognise_caller(session, NUMBER)
    assert [one.id for one in caller.patients] == [daughter.id, father.id]
    assert (caller.vip_grade, caller.head_start_seconds) == ("gold", 600)
    assert caller.patients[1].language == "en"


@pytest.mark.parametrize("number", [None, "+8613900000009", ""])
async def test_unknown_and_withheld_numbers_are_nobody(database: Database, number: str | None) -> None:
    async with database.transaction() as session:
        await given_family(session)
        caller = await service.recognise_caller(session, number)
    assert caller.patients == ()


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [
        (NUMBER, "482913", "女儿"),
        (NUMBER, "111222", "父亲"),
        (NUMBER, "999999", None),
        (NUMBER, "482914", None),
        (NUMBER, "", None),
        (NUMBER, "4829134829134829130000", None),
        ("+8613900000009", "482913", None),
    ],
)
async def test_a_check_code_names_the_patient_of_an_active_card(
    database: Database, number: str, code: str, name: str | None
) -> None:
    async with database.transaction() as session:
        await given_family(session)
        found = await owner_of_code(session, e164=number, code=code, key=KEY)
    assert (found.name if found else None) == name


async def test_a_code_under_another_key_opens_nothing(database: Database) -> None:
    async with database.transaction() as session:
        await given_family(session)
        assert await owner_of_code(session, e164=NUMBER, code="482913", key="another") is None


async def test_without_a_card_as_many_codes_are_checked_as_with_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    def counting(code: str, *, owner: str, key: str) -> bytes:
        counted.append(owner)
        return keyed_code_hash(code, owner=owner, key=key)

    monkeypatch.setattr(code_guard, "keyed_code_hash", counting)
    async with database.transaction() as session:
        await given_family(session)
        await owner_of_code(session, e164="+8613900000009", code="482913", key=KEY)
        without = len(counted)
        await owner_of_code(session, e164=NUMBER, code="482913", key=KEY)
    assert len(counted) == 2 * without


async def statements_of(database: Database, work: Callable[[AsyncSession], Awaitable[object]]) -> list[str]:
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        async with database.transaction() as session:
            await work(session)
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    return seen


async def test_recognition_is_one_query(database: Database) -> None:
    async with database.transaction() as session:
        await given_family(session)
    assert len(await statements_of(database, lambda session: service.recognise_caller(session, NUMBER))) == 1


def scans_of(plan: dict[str, object]) -> list[tuple[str, str]]:
    here = [(str(plan["Node Type"]), str(plan.get("Relation Name")))] if "Relation Name" in plan else []
    below = plan.get("Plans", [])
    assert isinstance(below, list)
    return here + [scan for one in below for scan in scans_of(one)]


async def given_many_patients(session: AsyncSession, count: int) -> None:
    rows = [
        {"id": new_id(), "external_id": f"P{n}", "name": f"患者{n}", "created_at": now(), "updated_at": now()}
        for n in range(count)
    ]
    await session.execute(insert(Patient), rows)
    numbers = [{"e164": f"+86139{n:08d}", "patient_id": row["id"]} for n, row in enumerate(rows)]
    await session.execute(insert(PatientNumber), numbers)
    cards = [
        {"number": f"C{n:08d}", "patient_id": row["id"], "check_code_hash": b"\x00" * 32, "active": True}
        for n, row in enumerate(rows)
    ]
    await session.execute(insert(Card), cards)


async def test_among_ten_thousand_patients_nothing_is_scanned(database: Database) -> None:
    async with database.transaction() as session:
        await given_family(session)
        await given_many_patients(session, 10_000)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
        for statement in (
            queries.PATIENTS_OF_NUMBER.params(e164=NUMBER),
            queries.active_cards_of_number(NUMBER, limit=11),
            queries.active_cards_of_digits("10001", limit=11),
        ):
            assert isinstance(statement, Select)
            compiled = statement.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True})
            plan = await session.scalar(text(f"EXPLAIN (FORMAT JSON) {compiled}".replace(":", "\\:")))
            plan = json.loads(plan) if isinstance(plan, str) else plan
            scans = scans_of(plan[0]["Plan"])
            large = [(node, table) for node, table in scans if table != "vip_grades"]
            assert {table for _, table in large} >= {"patients"}
            assert all("Seq Scan" not in node for node, _ in large), scans


async def test_a_number_of_a_whole_ward_does_not_lose_its_vip(database: Database) -> None:
    async with database.transaction() as session:
        daughter, _ = await given_family(session)
        crowd = [patient(f"患者{n}", id=new_id()) for n in range(80)]
        session.add_all(crowd)
        await session.flush()
        session.add_all(PatientNumber(e164=NUMBER, patient_id=one.id) for one in crowd)
        await session.flush()
        caller = await service.recognise_caller(session, NUMBER)
    assert len(caller.patients) == queries.MAX_PATIENTS_OF_NUMBER
    assert caller.patients[0].id == daughter.id
