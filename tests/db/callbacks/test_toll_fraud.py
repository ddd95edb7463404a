"""Nobody has us phone the world: call-backs obey the hospital's rules for calls out when asked for and when dialled."""

from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.callbacks import placing, service
from callcenter.callbacks.errors import NumberNotCallable
from callcenter.callbacks.models import Callback, CallbackAttempt
from callcenter.callbacks.service import CallbackWish
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Limits, PrefixRule
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.callback_desk import DatabaseCallbackDesk
from callcenter.queues.models import Did
from tests.support.api import as_role
from tests.support.people import HOME, PBX, given_queue

PLAN = NumberPlan("CN", "0571")
HONG_KONG = "+85221234567"
PATIENT = "+8613800000001"


@pytest.fixture(autouse=True)
async def hospital(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        session.add(Did(number="057186000000", label_zh="热线", label_en="Hotline", fallback_queue="consultation"))


def wish(e164: str = PATIENT, line: str | None = PATIENT) -> CallbackWish:
    return CallbackWish("consultation", 2_087_000_000, e164, "zh", "057186000000", requested_from=line)


async def allow(database: Database, **prefixes: bool) -> None:
    async with database.transaction() as session:
        for prefix, allowed in prefixes.items():
            await callouts.put_prefix(session, SYSTEM, PrefixRule(prefix.removeprefix("p"), allowed), "")


async def promised(database: Database, e164: str) -> Callback:
    async with database.transaction() as session:
        return await service.request_callback(session, wish(e164), pbx=PBX, plan=PLAN, at=now())


async def place(database: Database) -> int:
    async with database.transaction() as session:
        return await placing.place_due(session, PBX, now() + timedelta(minutes=5), HOME)


async def claim(database: Database, attempt_id: str) -> placing.DialOrder | None:
    async with database.transaction() as session:
        return await placing.claim_dial(session, attempt_id, now(), HOME)


async def only(database: Database) -> Callback:
    async with database.transaction() as session:
        return (await session.scalars(select(Callback))).one()


async def attempt(database: Database) -> CallbackAttempt:
    async with database.transaction() as session:
        return (await session.scalars(select(CallbackAttempt))).one()


async def alarm_keys(database: Database) -> Sequence[str]:
    async with database.transaction() as session:
        query = select(Alarm.key).where(Alarm.kind == "toll_fraud_suspected").order_by(Alarm.key)
        return (await session.scalars(query)).all()


@pytest.mark.parametrize("forged", ["+12125550123", "+864008001234", HONG_KONG, "+882161234567"])
async def test_a_forged_caller_s_number_is_not_promised_and_raises_an_alarm(database: Database, forged: str) -> None:
    desk = DatabaseCallbackDesk(database, PLAN, PBX)
    assert desk.callable_number(forged) is None
    assert not await desk.request(wish(forged, line=forged))
    async with database.transaction() as session:
        assert (await session.scalars(select(Callback))).all() == []
    (key,) = await alarm_keys(database)
    assert "line:" in key
    assert forged not in key


async def test_what_a_caller_types_raises_an_alarm(database: Database) -> None:
    desk = DatabaseCallbackDesk(database, PLAN, PBX)
    for typed in ("0012125550123", "120", "13800000002", "12" * 10):
        await desk.report_not_callable(typed, PATIENT)
    assert await alarm_keys(database) == ["abroad:line:+86138****0001"]


async def test_staff_are_refused_with_an_alarm_though_the_request_fails(
    client: httpx.AsyncClient, database: Database
) -> None:
    headers = await as_role(database, Role.AGENT)
    body = {"queue": "consultation", "number": "00 852 2123 4567"}
    answer = await client.post("/api/v1/callbacks", headers=headers, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "number-not-callable")
    assert answer.json()["details"] == {"reason": "abroad"}
    (key,) = await alarm_keys(database)
    assert key.startswith("abroad:staff:user-")
    await allow(database, p852=True)
    answer = await client.post("/api/v1/callbacks", headers=headers, json=body)
    assert answer.status_code == 201


async def test_a_rule_that_changed_meanwhile_holds_at_the_dial(database: Database) -> None:
    await allow(database, p852=True)
    await promised(database, HONG_KONG)
    assert await place(database) == 1
    await allow(database, p852=False)
    assert await claim(database, (await attempt(database)).id) is None
    callback = await only(database)
    assert (callback.state, callback.reason) == ("failed", "forbidden_prefix")
    assert await alarm_keys(database) == ["forbidden_prefix:line:+86138****0001"]


async def test_one_beyond_the_limit_ends_before_an_agent_is_asked(database: Database) -> None:
    async with database.transaction() as session:
        await callouts.put_limits(session, SYSTEM, Limits(0, 10, 10))
    await promised(database, PATIENT)
    assert await place(database) == 0
    callback = await only(database)
    assert (callback.state, callback.reason) == ("failed", "number_limit")
    assert await alarm_keys(database) == ["number_limit:line:+86138****0001"]


async def test_each_dial_takes_a_place(database: Database) -> None:
    async with database.transaction() as session:
        await callouts.put_limits(session, SYSTEM, Limits(10, 10, 1))
    await promised(database, PATIENT)
    assert await place(database) == 1
    order = await claim(database, (await attempt(database)).id)
    assert order is not None
    other = wish("+8613800000002", line=None)
    async with database.transaction() as session:
        await service.request_callback(session, other, pbx=PBX, plan=PLAN, at=now())
    assert await place(database) == 0
    assert await alarm_keys(database) == ["total_limit"]


async def test_our_own_number_is_no_fraud(database: Database) -> None:
    with pytest.raises(NumberNotCallable) as refused:
        await promised(database, "+8657186000000")
    assert refused.value.details == {"reason": "ours"}
