"""Places are taken before the dial, by everybody who dials: no race passes a limit; refusals raise an alarm."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.callouts import service
from callcenter.callouts.models import CallOutCount
from callcenter.callouts.policy import Limits, PrefixRule, Refusal
from callcenter.callouts.service import CallOut
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM, AuditEntry
from callcenter.core.db import Database
from tests.support.api import as_role, declared_roles
from tests.support.people import HOME

AT = datetime(2026, 1, 5, 15, 30, tzinfo=UTC)
"""Half past eleven at night in the hospital."""
PATIENT, HONG_KONG = "+8613800000001", "+85221234567"


async def given_limits(database: Database, number: int = 1000, asker: int = 1000, total: int = 1000) -> None:
    async with database.transaction() as session:
        await service.put_limits(session, SYSTEM, Limits(number, asker, total))


async def take(database: Database, wanted: CallOut, at: datetime = AT) -> Refusal | None:
    async with database.transaction() as session:
        return await service.take_place(session, wanted, HOME, at)


async def alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.key)))


async def taken(database: Database) -> dict[str, int]:
    async with database.transaction() as session:
        return {row.scope: row.taken for row in await session.scalars(select(CallOutCount))}


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        ({"number": 3}, Refusal.NUMBER_LIMIT),
        ({"asker": 3}, Refusal.ASKER_LIMIT),
        ({"total": 3}, Refusal.TOTAL_LIMIT),
    ],
)
async def test_fifty_at_once_do_not_pass_a_limit(database: Database, limits: dict[str, int], refusal: Refusal) -> None:
    await given_limits(database, **limits)
    wanted = CallOut(PATIENT, staff="li.na")
    results = await asyncio.gather(*(take(database, wanted) for _ in range(50)))
    assert (results.count(None), results.count(refusal)) == (3, 47)
    assert await taken(database) == {"number": 3, "asker": 3, "total": 3}, "a refused dial holds no place"


async def test_different_numbers_and_askers_share_only_the_total(database: Database) -> None:
    await given_limits(database, number=1, asker=1, total=20)
    wishes = [CallOut(f"+861380000{n:04}", line=f"+861390000{n:04}") for n in range(30)]
    results = await asyncio.gather(*(take(database, one) for one in wishes))
    assert results.count(None) == 20
    assert results.count(Refusal.TOTAL_LIMIT) == 10


async def test_a_day_is_the_hospital_s(database: Database) -> None:
    await given_limits(database, number=1)
    wanted = CallOut(PATIENT, line=PATIENT)
    assert await take(database, wanted) is None
    assert await take(database, wanted, AT + timedelta(minutes=29)) is Refusal.NUMBER_LIMIT
    assert await take(database, wanted, AT + timedelta(minutes=31)) is None


async def test_zero_stops_all(database: Database) -> None:
    await given_limits(database, total=0)
    assert await take(database, CallOut(PATIENT)) is Refusal.TOTAL_LIMIT


async def test_an_alarm_for_each_asker_without_whole_numbers(database: Database) -> None:
    for wanted in (
        CallOut(HONG_KONG, staff="li.na"),
        CallOut("+85227654321", staff="li.na"),
        CallOut("+864008001234", line=PATIENT),
        CallOut(HONG_KONG),
        CallOut("+86138", staff="li.na"),
    ):
        assert await take(database, wanted) is not None
    raised = await alarms(database)
    assert {alarm.kind for alarm in raised} == {"toll_fraud_suspected"}
    assert [(alarm.key, alarm.occurrences) for alarm in raised] == [
        ("abroad:line:withheld", 1),
        ("abroad:staff:li.na", 2),
        ("costs_extra:line:+86138****0001", 1),
    ]
    assert PATIENT not in str([alarm.details for alarm in raised])
    assert await taken(database) == {}


async def test_the_total_is_one_critical_alarm(database: Database) -> None:
    await given_limits(database, total=1)
    for n in range(3):
        await take(database, CallOut(f"+861380000000{n}", staff=f"agent{n}"))
    assert [(one.key, one.severity, one.occurrences) for one in await alarms(database)] == [
        ("total_limit", "critical", 2)
    ]


async def test_rules_count_from_the_next_dial(database: Database) -> None:
    wanted = CallOut(HONG_KONG, staff="li.na")
    async with database.transaction() as session:
        await service.put_prefix(session, SYSTEM, PrefixRule("852", True), "")
    assert await take(database, wanted) is None
    async with database.transaction() as session:
        await service.put_prefix(session, SYSTEM, PrefixRule("85221", False), "")
    assert await take(database, wanted) is Refusal.FORBIDDEN


async def test_old_counts_go(database: Database) -> None:
    await take(database, CallOut(PATIENT))
    async with database.transaction() as session:
        assert await service.purge_counts(session, AT + timedelta(days=1)) == 0
        assert await service.purge_counts(session, AT + timedelta(days=30)) == 3


# -- over HTTP


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    lead = ["admin", "supervisor"]
    staff = ["admin", "agent", "expert", "integration", "scheduler", "supervisor"]
    assert await declared_roles(client, "callouts_") == {
        "callouts_get_call_out_limits": lead,
        "callouts_put_call_out_limits": ["admin"],
        "callouts_list_call_out_prefixes": lead,
        "callouts_put_call_out_prefix": ["admin"],
        "callouts_remove_call_out_prefix": ["admin"],
        "callouts_add_do_not_call": staff,
        "callouts_search_do_not_call": staff,
        "callouts_remove_do_not_call": ["admin", "integration", "supervisor"],
    }


async def test_an_admin_changes_the_rules_and_that_is_audited(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    before = (await client.get("/api/v1/call-outs/limits", headers=admin)).json()
    assert before == {"number_daily": 6, "asker_daily": 100, "total_daily": 2000}
    changed = await client.put("/api/v1/call-outs/limits", headers=admin, json=before | {"total_daily": 5})
    assert (await client.get("/api/v1/call-outs/limits", headers=admin)).json() == changed.json()
    for prefix, allowed in (("852", False), ("1", True), ("852", True)):
        put = await client.put(
            f"/api/v1/call-outs/prefixes/{prefix}", headers=admin, json={"allowed": allowed, "note": "港"}
        )
        assert put.status_code == 200
    first = (await client.get("/api/v1/call-outs/prefixes", headers=admin, params={"limit": 1})).json()
    second = await client.get(
        "/api/v1/call-outs/prefixes", headers=admin, params={"limit": 1, "cursor": first["next_cursor"]}
    )
    listed = [*first["items"], *second.json()["items"]]
    assert [(rule["prefix"], rule["allowed"]) for rule in listed] == [("1", True), ("852", True)]
    assert (await client.delete("/api/v1/call-outs/prefixes/852", headers=admin)).status_code == 204
    gone = await client.delete("/api/v1/call-outs/prefixes/852", headers=admin)
    assert (gone.status_code, gone.json()["code"]) == (404, "prefix-not-found")
    async with database.transaction() as session:
        actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("callouts.")))
    assert sorted(actions) == ["callouts.put_limits", *["callouts.put_prefix"] * 3, "callouts.remove_prefix"]


@pytest.mark.parametrize("prefix", ["0", "00", "+86", "086", "123456789", "86 ", "8%", "86;DROP"])
async def test_odd_prefixes_are_refused(client: httpx.AsyncClient, database: Database, prefix: str) -> None:
    answer = await client.put(
        f"/api/v1/call-outs/prefixes/{prefix}", headers=await as_role(database, Role.ADMIN), json={"allowed": True}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")
