"""Alarms for people: raised while the call goes on, told to all processes, acknowledged once."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.calls.handlers import EVENT_HANDLERS
from callcenter.calls.service import LedgerHandlers
from callcenter.core.alarms import TOPIC, Alarm, clear_alarm, raise_alarm
from callcenter.core.audit import AuditEntry
from callcenter.core.bus import BusListener
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.api import as_role, declared_roles
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import table
from tests.support.people import asker
from tests.support.polling import becomes

HANDLERS = LedgerHandlers(on_event=EVENT_HANDLERS)
PATIENT = "0190b1b2-0000-7000-8000-000000000001"
BEGUN = """
    0.1 CHAN_START   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8000
    0.2 CC_CALL      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8000:caller=13900000006
    0.3 CC_EMERGENCY PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient=0190b1b2-0000-7000-8000-000000000001:verified=1
"""
AGAIN = "5.3 CC_EMERGENCY PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient=:verified=0"


async def alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.id)))


async def given(database: Database, kind: str, *, key: str = "", severity: str = "warning") -> None:
    async with database.transaction() as session:
        await raise_alarm(session, kind, key=key, severity=severity)


async def test_an_emergency_is_one_alarm_of_its_call(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    folder.append(table(BEGUN))
    await read_all(folder, database, HANDLERS)
    (alarm,) = await alarms(database)
    assert (alarm.kind, alarm.key, alarm.severity, alarm.occurrences) == ("emergency", "pbx1-1.1", "critical", 1)
    assert alarm.details == {"call_id": "pbx1-1.1", "patient_id": PATIENT, "verified": True}
    folder.append(table(AGAIN))
    await read_all(folder, database, HANDLERS)
    (alarm,) = await alarms(database)
    assert alarm.occurrences == 2


async def test_all_processes_are_told(database: Database) -> None:
    told: list[str] = []
    bus = BusListener(database.url)
    listening = asyncio.Event()
    bus.subscribe(TOPIC, told.extend, listening.set)
    task = asyncio.create_task(bus.run())
    try:
        await asyncio.wait_for(listening.wait(), 10)
        await given(database, "emergency", key="pbx1-1.1")
        (alarm,) = await alarms(database)

        async def heard() -> list[str]:
            return told

        assert await becomes(heard, lambda ids: ids) == [str(alarm.id)]
    finally:
        task.cancel()


async def test_list(client: httpx.AsyncClient, database: Database) -> None:
    await given(database, "ledger_gap", severity="critical")
    await given(database, "ledger_bad_line", key="a")
    await given(database, "ledger_bad_line", key="b")
    asker = await as_role(database, Role.SUPERVISOR)

    async def listed(**criteria: str) -> list[str]:
        answer = await client.get("/api/v1/alarms", params=criteria, headers=asker)
        assert answer.status_code == 200, answer.text
        return [alarm["kind"] for alarm in answer.json()["items"]]

    assert await listed() == ["ledger_bad_line", "ledger_bad_line", "ledger_gap"]
    assert await listed(kind="ledger_gap") == await listed(severity="critical") == ["ledger_gap"]
    first = (await client.get("/api/v1/alarms", params={"limit": 1}, headers=asker)).json()
    assert await listed(cursor=first["next_cursor"]) == ["ledger_bad_line", "ledger_gap"]
    await client.post(f"/api/v1/alarms/{first['items'][0]['id']}/acknowledge", headers=asker)
    assert await listed(state="open") == ["ledger_bad_line", "ledger_gap"]
    assert await listed(state="acknowledged") == ["ledger_bad_line"]
    bad = await client.get("/api/v1/alarms", params={"cursor": "WyJhIl0"}, headers=asker)
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid-cursor")


async def test_acknowledged_by_the_first(client: httpx.AsyncClient, database: Database) -> None:
    await given(database, "emergency", key="pbx1-1.1", severity="critical")
    (alarm,) = await alarms(database)
    path = f"/api/v1/alarms/{alarm.id}/acknowledge"
    first = (await client.post(path, headers=await as_role(database, Role.SUPERVISOR))).json()
    second = (await client.post(path, headers=await as_role(database, Role.ADMIN))).json()
    assert first["acknowledged_by"] is not None
    assert (first["acknowledged_at"], first["acknowledged_by"]) == (
        second["acknowledged_at"],
        second["acknowledged_by"],
    )
    async with database.transaction() as session:
        actions = [entry.action for entry in await session.scalars(select(AuditEntry))]
    assert actions == ["alarms.acknowledge"]
    await given(database, "emergency", key="pbx1-1.1", severity="critical")  # again: a new one
    assert len(await alarms(database)) == 2
    missing = await client.post("/api/v1/alarms/999/acknowledge", headers=await as_role(database, Role.ADMIN))
    assert (missing.status_code, missing.json()["code"]) == (404, "alarm-not-found")


async def test_each_alarm_is_in_one_state_and_has_words(client: httpx.AsyncClient, database: Database) -> None:
    for kind in ("node_lost", "ledger_gap", "seat_away", "of_a_newer_version"):
        await given(database, kind)
    admin = await as_role(database, Role.ADMIN)
    first, second, third, fourth = await alarms(database)
    await client.post(f"/api/v1/alarms/{second.id}/acknowledge", headers=admin)
    await client.post(f"/api/v1/alarms/{third.id}/acknowledge", headers=admin)
    async with database.transaction() as session:
        await clear_alarm(session, third.id, at=now())
        await clear_alarm(session, fourth.id, at=now())

    async def listed(**criteria: str) -> dict[int, dict[str, Any]]:
        answer = await client.get("/api/v1/alarms", params=criteria, headers=admin)
        return {alarm["id"]: alarm for alarm in answer.json()["items"]}

    by_state = {state: set(await listed(state=state)) for state in ("open", "acknowledged", "cleared")}
    assert by_state == {"open": {first.id}, "acknowledged": {second.id}, "cleared": {third.id, fourth.id}}
    shown = await listed()
    assert {shown[one.id]["state"] for one in (third, fourth)} == {"cleared"}
    assert shown[third.id]["acknowledged_by"]
    assert shown[fourth.id]["acknowledged_by"] is None
    assert shown[first.id]["title_zh"] == "电话交换机异常终止，通话中断"
    assert shown[first.id]["title_en"] == "Asterisk died with calls in it"
    assert shown[fourth.id]["title_zh"] == "of_a_newer_version"


async def test_alarms_of_other_queues_are_nobody_elses_business(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as session:
        await raise_alarm(session, "longest_wait", key="a", queues=["theirs"])
        await raise_alarm(session, "longest_wait", key="b", queues=["mine", "theirs"])
        await raise_alarm(session, "node_lost")
    theirs, both, everybodys = await alarms(database)
    mine = await asker(database, Role.SUPERVISOR, scope=("mine",))
    found = {alarm["id"] for alarm in (await client.get("/api/v1/alarms", headers=mine)).json()["items"]}
    assert found == {both.id, everybodys.id}
    assert (await client.post(f"/api/v1/alarms/{theirs.id}/acknowledge", headers=mine)).status_code == 404
    assert (await client.get(f"/api/v1/alarms/{theirs.id}/messages", headers=mine)).status_code == 404
    assert (await client.post(f"/api/v1/alarms/{both.id}/acknowledge", headers=mine)).status_code == 200
    for whoever in (await as_role(database, Role.ADMIN), await asker(database, Role.SUPERVISOR)):
        assert len((await client.get("/api/v1/alarms", headers=whoever)).json()["items"]) == 3


async def test_who_may_call_what(client: httpx.AsyncClient, database: Database) -> None:
    for role in (Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION):
        assert (await client.get("/api/v1/alarms", headers=await as_role(database, role))).status_code == 403
    declared = await declared_roles(client, "alarms_")
    allowed = ["admin", "supervisor"]
    assert declared == {
        "alarms_list_alarms": allowed,
        "alarms_acknowledge_alarm": allowed,
        "alarms_list_alarm_messages": allowed,
        "alarms_list_alarm_measures": allowed,
        "alarms_list_alarm_rules": allowed,
        "alarms_try_alarm_rule": allowed,
        "alarms_put_alarm_rule": ["admin"],
        "alarms_remove_alarm_rule": ["admin"],
    }
