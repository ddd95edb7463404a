"""The dialplan asks whether it may dial: the number comes once, with all that the record needs; else nothing."""

import pytest

from callcenter.callbacks import placing, service
from callcenter.callbacks.service import CallbackWish
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.callback_desk import CallbackDialling, DatabaseCallbackDesk
from callcenter.ivr.errors import DatabaseAway
from tests.support.agi_peer import Talk, request_block, talk
from tests.support.people import HOME, PBX, given_queue
from tests.support.ports import free_port

PLAN = NumberPlan("CN", "0571")
OK = "200 result=1"


async def placed(database: Database, e164: str) -> str:
    wish = CallbackWish("consultation", 2_087_000_000, e164, "en", "8000")
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        callback = await service.request_callback(session, wish, pbx=PBX, plan=PLAN, at=now())
        await placing.place_due(session, PBX, now(), HOME)
        (attempt,) = await service.list_attempts(session, callback)
    return attempt.id


async def ask(database: Database, attempt_id: str) -> Talk:
    return await talk(
        CallbackDialling(database, PLAN, HOME), *[OK] * 20, block=request_block("callback", uniqueid=attempt_id)
    )


async def test_once_as_the_trunk_dials_it(database: Database) -> None:
    attempt_id = await placed(database, "+8657188888888")
    first, second = await ask(database, attempt_id), await ask(database, attempt_id)
    assert first.commands == [
        'EXEC CELGenUserEvent "CC_CALL,did=8000:caller=+8657188888888"',
        'EXEC CELGenUserEvent "CC_WHO,patient=:grade=:verified=0"',
        'SET VARIABLE CC_PATIENT ""',
        'SET VARIABLE CC_DID "8000"',
        'SET VARIABLE CC_LANGUAGE "en"',
        'SET VARIABLE CC_NUMBER "057188888888"',
        'SET VARIABLE CC_OK "1"',
    ]
    assert second.commands == []


async def test_nothing_for_a_stranger(database: Database) -> None:
    assert (await ask(database, "pbx1-1795291833.1")).commands == []


async def test_nothing_when_the_database_is_away() -> None:
    away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/none")
    try:
        asked = await ask(away, "pbx1-cb-abc")
        assert (asked.commands, asked.error) == ([], None)
        with pytest.raises(DatabaseAway):
            await DatabaseCallbackDesk(away, PLAN, PBX).is_offered("consultation")
    finally:
        await away.close()


async def test_the_desk(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        await given_queue(session, "closed", active=False)
    desk = DatabaseCallbackDesk(database, PLAN, PBX)
    assert [await desk.is_offered(queue) for queue in ("consultation", "closed", "nowhere", "")] == [
        True,
        False,
        False,
        False,
    ]
    wish = CallbackWish("consultation", 1, "+8613800000001", "zh", "8000")
    assert await desk.request(wish)
    assert not await desk.request(CallbackWish("nowhere", 1, "+8613800000001", "zh", "8000"))
    assert desk.callable_number("138 0000 0001") == "+8613800000001"
    assert desk.callable_number("88888888") == "+8657188888888"
    assert [desk.callable_number(typed) for typed in (None, "", "110", "0012125550123")] == [None] * 4
