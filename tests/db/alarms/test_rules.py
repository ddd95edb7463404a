"""Rules looked at again and again: raised, counted, acknowledged, cleared, told; and kept by people over the API."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import delete, select

from callcenter.accounts.models import Role
from callcenter.alarms.models import AlarmRuleState
from callcenter.calls.models import QueueVisit
from callcenter.core.alarms import Alarm, raise_alarm
from callcenter.core.audit import SYSTEM, AuditEntry
from callcenter.core.db import Database
from callcenter.messaging.models import OutboxMessage
from callcenter.queues.models import Queue, WaitingCaller
from callcenter.supervision import alarm_queries, alarm_rules
from callcenter.supervision.alarm_measures import Measure, Reading, Readings
from callcenter.supervision.alarm_rules import RuleLook
from callcenter.supervision.alarm_shipped import SHIPPED
from tests.support.api import as_role
from tests.support.people import asker, given_queue

T0 = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
LONGEST_WAIT: dict[str, Any] = {
    "label_zh": "有人等待过久",
    "label_en": "Somebody waits too long",
    "measure": "longest_wait",
    "comparison": "above",
    "threshold": 60.0,
    "for_seconds": 5.0,
    "clear_threshold": 30.0,
    "clear_seconds": 10.0,
    "level": "critical",
}
DEFAULTS: dict[str, Any] = {
    "window_minutes": 30, "minimum_calls": 1, "scope": [], "tell_roles": [], "tell_users": [], "mail_to": [],
    "webhooks": [], "enabled": True,
}  # fmt: skip


async def given_rule(database: Database, rule_id: str = "wait", **values: object) -> None:
    async with database.transaction() as session:
        await alarm_rules.put_rule(session, SYSTEM, rule_id, DEFAULTS | LONGEST_WAIT | values)


async def looks(
    database: Database,
    second: float,
    seen: Mapping[Measure, Readings] | None = None,
    *,
    is_live: bool = True,
    counts_calls: bool = True,
    pbx: str = "pbx1",
) -> None:
    async with database.transaction() as session:
        look = RuleLook(session, pbx=pbx, seen=seen or {}, is_live=is_live, counts_calls=counts_calls, zone=ZONE)
        await look.evaluate(T0 + timedelta(seconds=second))


async def caller_waits(database: Database, since_second: float, queue: str = "consultation") -> None:
    joined_at = T0 + timedelta(seconds=since_second)
    async with database.transaction() as session:
        session.add(
            WaitingCaller(uniqueid=f"pbx1-{queue}.1", queue_name=queue, pbx="pbx1", priority=0, joined_at=joined_at)
        )


async def nobody_waits(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(delete(WaitingCaller))


async def alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.id)))


async def told(database: Database) -> list[OutboxMessage]:
    async with database.transaction() as session:
        return list(await session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


@pytest.fixture
async def queues(database: Database) -> Database:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        await given_queue(session, "vip")
    return database


async def test_raised_counted_acknowledged_and_cleared(queues: Database, client: httpx.AsyncClient) -> None:
    await given_rule(queues)
    await caller_waits(queues, -61)
    await looks(queues, 0)
    await looks(queues, 4)
    assert await alarms(queues) == []
    await looks(queues, 5)
    await looks(queues, 6)
    (alarm,) = await alarms(queues)
    assert (alarm.kind, alarm.severity, alarm.rule_id, alarm.queues) == (
        "longest_wait",
        "critical",
        "wait",
        ["consultation"],
    )
    assert (alarm.details["subject"], alarm.details["value"], alarm.details["threshold"]) == ("consultation", 66, 60)
    lead = await asker(queues, Role.SUPERVISOR, scope=("consultation",))
    answer = await client.post(f"/api/v1/alarms/{alarm.id}/acknowledge", headers=lead)
    assert (answer.json()["state"], answer.json()["title_zh"]) == ("acknowledged", "有人等待过久")
    await looks(queues, 7)
    assert len(await alarms(queues)) == 1  # it goes on, and somebody knows
    await nobody_waits(queues)
    await looks(queues, 8)
    await looks(queues, 17)
    assert (await alarms(queues))[0].cleared_at is None
    await looks(queues, 18)
    (alarm,) = await alarms(queues)
    assert alarm.cleared_at == T0 + timedelta(seconds=18)
    assert alarm.acknowledged_by == answer.json()["acknowledged_by"]
    await caller_waits(queues, -100)  # the next time is a new one
    await looks(queues, 20)
    await looks(queues, 25)
    assert len(await alarms(queues)) == 2


async def test_what_nobody_acknowledged_is_open_again_and_counted(queues: Database) -> None:
    await given_rule(queues, for_seconds=0, clear_seconds=0)
    for second in (0, 10):
        await caller_waits(queues, -100)
        await looks(queues, second)
        await nobody_waits(queues)
        await looks(queues, second + 5)
    (alarm,) = await alarms(queues)
    assert alarm.occurrences == 2
    assert alarm.cleared_at == T0 + timedelta(seconds=15)


async def test_only_the_scope_is_looked_at(queues: Database) -> None:
    await given_rule(queues, for_seconds=0, scope=["vip"])
    await caller_waits(queues, -100)
    await looks(queues, 0)
    assert await alarms(queues) == []
    await caller_waits(queues, -100, "vip")
    await looks(queues, 1)
    (alarm,) = await alarms(queues)
    assert alarm.queues == ["vip"]


async def test_waiting_is_not_judged_while_asterisk_is_away(queues: Database) -> None:
    await given_rule(queues, for_seconds=0)
    await caller_waits(queues, -100)
    await looks(queues, 0, is_live=False)
    assert await alarms(queues) == []


async def test_calls_are_counted_less_often(queues: Database) -> None:
    await given_rule(queues, measure="unanswered_calls", threshold=0, clear_threshold=0, for_seconds=0)
    async with queues.transaction() as session:
        session.add(
            QueueVisit(
                call_id="a", uniqueid="a", number=1, queue_name="vip", priority=0, outcome="overflowed", entered_at=T0,
                wait_seconds=1,
            )
        )  # fmt: skip
    await looks(queues, 1, counts_calls=False)
    assert await alarms(queues) == []
    await looks(queues, 2)
    assert [alarm.queues for alarm in await alarms(queues)] == [["vip"]]
    await looks(queues, 3, counts_calls=False)
    assert [alarm.cleared_at for alarm in await alarms(queues)] == [None]


async def test_a_queue_that_is_switched_off_has_no_alarm_any_more(queues: Database) -> None:
    await given_rule(queues, for_seconds=0, clear_seconds=0)
    await caller_waits(queues, -100)
    await looks(queues, 0)
    async with queues.transaction() as session:
        (await session.get_one(Queue, "consultation")).active = False
    await looks(queues, 1)
    assert (await alarms(queues))[0].cleared_at is not None


async def test_switched_off_changed_or_removed_it_takes_its_alarm_along(queues: Database) -> None:
    await caller_waits(queues, -100)
    for number, change in enumerate(({"enabled": False}, {"measure": "waiting_callers", "threshold": 5.0}, None)):
        rule_id = f"rule-{number}"
        await given_rule(queues, rule_id, for_seconds=0)
        await looks(queues, number)
        if change is None:
            async with queues.transaction() as session:
                await alarm_rules.remove_rule(session, SYSTEM, rule_id)
        else:
            await given_rule(queues, rule_id, for_seconds=0, **change)
        alarm = (await alarms(queues))[-1]
        assert alarm.rule_id == rule_id
        assert alarm.cleared_at is not None
    async with queues.transaction() as session:
        assert (await session.scalars(select(AlarmRuleState))).all() == []


async def test_what_an_engine_sees_is_its_own(queues: Database) -> None:
    await given_rule(
        queues, measure="disk_free", comparison="below", threshold=10, clear_threshold=15, for_seconds=0,
        clear_seconds=0,
    )  # fmt: skip
    full, empty = Reading(5.0), Reading(50.0)
    await looks(queues, 0, {Measure.DISK_FREE: {"pbx1:recordings": full, "pbx1:ledger": empty}})
    await looks(queues, 1, {Measure.DISK_FREE: {"pbx2:recordings": full}}, pbx="pbx2")
    assert [alarm.details["subject"] for alarm in await alarms(queues)] == ["pbx1:recordings", "pbx2:recordings"]
    await looks(queues, 2)  # this one cannot tell now: nothing changes
    assert [alarm.cleared_at for alarm in await alarms(queues)] == [None, None]
    await looks(queues, 3, {Measure.DISK_FREE: {"pbx2:recordings": empty}}, pbx="pbx2")
    assert [alarm.cleared_at is None for alarm in await alarms(queues)] == [True, False]


async def test_two_engines_that_look_at_once_raise_and_tell_it_once(queues: Database) -> None:
    await given_rule(queues, for_seconds=0, clear_seconds=0, webhooks=["https://hooks.hospital.example/"])
    await caller_waits(queues, -100)
    await asyncio.gather(*(looks(queues, 0, pbx=pbx) for pbx in ("pbx1", "pbx2", "pbx3")))
    (alarm,) = await alarms(queues)
    assert (alarm.occurrences, len(await told(queues))) == (1, 1)
    await nobody_waits(queues)
    await asyncio.gather(*(looks(queues, 1, pbx=pbx) for pbx in ("pbx1", "pbx2", "pbx3")))
    assert len(await told(queues)) == 2


async def test_a_rule_of_a_newer_version_does_not_disturb_the_others(queues: Database) -> None:
    await given_rule(queues, "newer", measure="of_a_newer_version")
    await given_rule(queues, for_seconds=0)
    await caller_waits(queues, -100)
    await looks(queues, 0)
    assert [alarm.rule_id for alarm in await alarms(queues)] == ["wait"]


# -- who is told


async def test_told_with_the_alarm_and_when_it_is_over(queues: Database) -> None:
    url = "https://hooks.hospital.example/alarms"
    await given_rule(queues, for_seconds=0, clear_seconds=0, mail_to=["duty@hospital.example"], webhooks=[url])
    await caller_waits(queues, -100)
    await looks(queues, 0)
    await looks(queues, 1)
    await nobody_waits(queues)
    await looks(queues, 2)
    mail, webhook, mail_over, webhook_over = await told(queues)
    assert (mail.channel, mail.target, mail.purpose) == ("mail", "duty@hospital.example", "alarm")
    assert mail.subject == "[告警·严重] 有人等待过久 consultation / Somebody waits too long"
    assert "当前值 100 (60)" in mail.content["text"]
    assert "时间：2026-01-05 18:00:02" in mail_over.content["text"]  # the clock on the hospital's wall
    assert (webhook.channel, webhook.target, webhook.content["event"]) == ("webhook", url, "raised")
    assert (webhook.content["rule"], webhook.content["subject"]) == ("wait", "consultation")
    assert (webhook.content["value"], webhook.content["threshold"]) == (100, 60)
    assert "[告警解除·严重]" in mail_over.subject
    assert webhook_over.content["event"] == "cleared"
    assert {message.reference for message in await told(queues)} == {str((await alarms(queues))[0].id)}


async def test_what_happens_is_told_once_and_says_nothing_of_patients(queues: Database) -> None:
    event = {"measure": "event", "mail_to": ["duty@hospital.example"]}
    await given_rule(queues, "emergencies", **event, level="info", scope=["emergency"])
    await given_rule(queues, "critical", **event, level="critical")
    async with queues.transaction() as session:
        secret = "0190b1b2-0000-7000-8000-000000000001"
        await raise_alarm(
            session, "emergency", key="pbx1-1.1", severity="critical", call_id="pbx1-1.1", patient_id=secret
        )
        await raise_alarm(session, "seat_away", key="seat-a")  # a warning: nobody asked for it
    await looks(queues, 0)
    await looks(queues, 1)
    (mail,) = await told(queues)
    assert "来电者紧急求助" in mail.subject
    assert secret not in str(mail.content)
    assert "pbx1-1.1" not in str(mail.content)
    async with queues.transaction() as session:
        await raise_alarm(session, "emergency", key="pbx1-1.1", severity="critical", call_id="pbx1-1.1")
    await looks(queues, 2)
    assert len(await told(queues)) == 1  # the same, counted


# -- people


async def test_the_standard_set_is_there_once_and_stays_as_staff_made_it(
    database: Database, client: httpx.AsyncClient
) -> None:
    admin = await as_role(database, Role.ADMIN)
    async with database.transaction() as session:
        await given_queue(session, "expert")
        await alarm_rules.ensure_shipped(session)
    listed = (await client.get("/api/v1/alarm-rules", headers=admin)).json()["items"]
    assert {rule["id"] for rule in listed} == SHIPPED.keys()
    assert all(rule["shipped"] and rule["enabled"] for rule in listed)
    for rule in listed:  # each as it is shipped is one that staff could have made
        body = {
            name: value for name, value in rule.items() if name not in {"id", "shipped", "changed_at", "changed_by"}
        }
        answer = await client.put(f"/api/v1/alarm-rules/{rule['id']}", json=body | {"enabled": False}, headers=admin)
        assert answer.status_code == 200, answer.text
    async with database.transaction() as session:
        await alarm_rules.ensure_shipped(session)
    listed = (await client.get("/api/v1/alarm-rules", headers=admin)).json()["items"]
    assert not any(rule["enabled"] for rule in listed)
    refused = await client.delete("/api/v1/alarm-rules/longest-wait", headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "alarm-rule-shipped")


async def test_made_tried_and_removed(queues: Database, client: httpx.AsyncClient) -> None:
    admin = await as_role(queues, Role.ADMIN)
    made = await client.put("/api/v1/alarm-rules/own", json=LONGEST_WAIT, headers=admin)
    assert made.status_code == 200, made.text
    assert (made.json()["id"], made.json()["shipped"], made.json()["enabled"]) == ("own", False, True)
    async with queues.transaction() as session:
        session.add(WaitingCaller(uniqueid="a", queue_name="vip", pbx="pbx1", priority=0, joined_at=T0))
    tried = (await client.post("/api/v1/alarm-rules/own/test", headers=admin)).json()
    assert [(one["subject"], one["is_bad"]) for one in tried] == [("consultation", False), ("vip", True)]
    scoped = await asker(queues, Role.SUPERVISOR, scope=("consultation",))
    tried = (await client.post("/api/v1/alarm-rules/own/test", headers=scoped)).json()
    assert [one["subject"] for one in tried] == ["consultation"]
    assert await alarms(queues) == []
    assert (await client.delete("/api/v1/alarm-rules/own", headers=admin)).status_code == 204
    missing = await client.post("/api/v1/alarm-rules/own/test", headers=admin)
    assert (missing.status_code, missing.json()["code"]) == (404, "alarm-rule-not-found")
    async with queues.transaction() as session:
        done = [entry.action for entry in await session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert done == ["alarm_rules.put", "alarm_rules.remove"]


async def test_what_engines_saw_is_what_a_try_shows(queues: Database, client: httpx.AsyncClient) -> None:
    await given_rule(queues, "disk", measure="disk_free", comparison="below", threshold=10, clear_threshold=15)
    async with queues.transaction() as session:
        rows = [("pbx1:recordings", 5.0), ("pbx1:ledger", 40.0)]
        await alarm_queries.put_readings(
            session,
            [
                {"measure": "disk_free", "subject": subject, "pbx": "pbx1", "value": value, "at": T0}
                for subject, value in rows
            ],
        )
    tried = (await client.post("/api/v1/alarm-rules/disk/test", headers=await as_role(queues, Role.ADMIN))).json()
    assert [(one["subject"], one["value"], one["is_bad"]) for one in tried] == [
        ("pbx1:ledger", 40.0, False),
        ("pbx1:recordings", 5.0, True),
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"clear_threshold": 61}, "alarm-rule-invalid"),
        ({"comparison": "below", "clear_threshold": 30}, "alarm-rule-invalid"),
        ({"scope": ["nowhere"]}, "alarm-rule-names-nobody"),
        ({"measure": "event", "scope": ["no_such_kind"]}, "alarm-rule-names-nobody"),
        ({"tell_users": ["nobody"]}, "alarm-rule-names-nobody"),
        ({"mail_to": ["duty@hospital.example"]}, "mail-not-set-up"),
        ({"webhooks": ["https://elsewhere.example/x"]}, "webhook-not-allowed"),
        ({"mail_to": ["a@b\r\nBcc: c@d"]}, "validation-failed"),
        ({"label_zh": "两\n行"}, "validation-failed"),
        ({"measure": "moon_phase"}, "validation-failed"),
        ({"threshold": "NaN"}, "validation-failed"),
    ],
)
async def test_what_is_refused(queues: Database, client: httpx.AsyncClient, change: Any, code: str) -> None:
    admin = await as_role(queues, Role.ADMIN)
    answer = await client.put("/api/v1/alarm-rules/own", json=LONGEST_WAIT | change, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_whose_attention_a_rule_asks_for(queues: Database, client: httpx.AsyncClient) -> None:
    boss = await asker(queues, Role.SUPERVISOR)
    name = (await client.get("/api/v1/auth/me", headers=boss)).json()["name"]
    everybody, admin = await asker(queues, Role.SUPERVISOR), await as_role(queues, Role.ADMIN)

    async def draws(headers: dict[str, str]) -> bool:
        (alarm,) = (await client.get("/api/v1/alarms", headers=headers)).json()["items"]
        return bool(alarm["is_for_me"])

    await given_rule(queues, for_seconds=0)
    await caller_waits(queues, -100)
    await looks(queues, 0)
    assert [await draws(who) for who in (boss, everybody, admin)] == [True, True, True]
    await given_rule(queues, for_seconds=0, tell_users=[name])
    assert [await draws(who) for who in (boss, everybody, admin)] == [True, False, False]
    await given_rule(queues, for_seconds=0, tell_users=[name], tell_roles=["admin"])
    assert [await draws(who) for who in (boss, everybody, admin)] == [True, False, True]
