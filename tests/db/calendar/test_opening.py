"""What a waiting caller's question costs, what happens when it cannot be answered, and the list of a coming year."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, event, select, update

from callcenter.calendar import closures
from callcenter.calendar.errors import ScheduleNotFound
from callcenter.calendar.policy import Opening
from callcenter.calendar.public_days import Place
from callcenter.calendar.service import get_opening, put_schedule, warn_of_missing_list
from callcenter.calendar.spans import Span
from callcenter.core.alarms import Alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.ivr.hours import DatabaseHours, RecentOpenings
from callcenter.ivr.line import Sound
from callcenter.speech.models import SpokenAudio, SpokenText

CHINA = Place(ZoneInfo("Asia/Shanghai"), "CN")
MONDAY = datetime(2026, 9, 28, 2, tzinfo=UTC)


async def given_office(database: Database) -> None:
    async with database.transaction() as session:
        hours = {"monday": (Span(480, 1050),)}
        await put_schedule(session, SYSTEM, "office", label_zh="人工", label_en="Office", hours=hours)


async def given_closure(database: Database) -> UUID:
    async with database.transaction() as session:
        closure = await closures.start_closure(
            session,
            SYSTEM,
            schedule_name="office",
            announcement_zh="因停电暂停服务。",
            announcement_en="Closed by a power cut.",
            until_at=None,
            at=MONDAY,
        )
    return closure.id


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to PostgreSQL meanwhile."""
    sent: list[str] = []

    def remember(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", remember)
    yield sent
    event.remove(database.engine.sync_engine, "before_cursor_execute", remember)


async def test_two_statements_at_most(database: Database) -> None:
    await given_office(database)
    await given_closure(database)
    for at in (MONDAY, datetime(2026, 10, 1, 2, tzinfo=UTC), datetime(2026, 9, 20, tzinfo=UTC)):
        async with database.transaction() as session:
            with statements(database) as sent:
                await get_opening(session, "office", at, place=CHINA)
        assert len(sent) == 2


async def test_a_schedule_that_is_not_there(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(ScheduleNotFound):
            await get_opening(session, "none", MONDAY, place=CHINA)


async def test_the_process_says_where_it_is_when_nobody_else_does(database: Database) -> None:
    await given_office(database)
    async with database.transaction() as session:
        assert (await get_opening(session, "office", MONDAY)).state == "open"  # 10:00 in Shanghai


async def test_another_clock_and_country(database: Database) -> None:
    await given_office(database)
    at = datetime(2026, 12, 7, 7, tzinfo=UTC)
    async with database.transaction() as session:
        berlin = Place(ZoneInfo("Europe/Berlin"), "DE")
        assert (await get_opening(session, "office", at, place=berlin)).state == "open"  # 8:00
        whit_monday = datetime(2026, 5, 25, 10, tzinfo=UTC)
        assert (await get_opening(session, "office", whit_monday, place=berlin)).state == "holiday"


async def test_a_caller_is_never_refused_because_of_us(database: Database) -> None:
    await given_office(database)
    sunday = datetime(2026, 9, 13, 2, tzinfo=UTC)
    hours = DatabaseHours(database, RecentOpenings(database, CHINA, lambda: sunday))
    assert (await hours.opening("office")).state == "outside_hours"
    assert await hours.opening("none") == Opening("open")
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:9/none")
    try:
        hours = DatabaseHours(away, RecentOpenings(away, CHINA, lambda: sunday))
        assert await hours.opening("office") == Opening("open")
        assert await hours.find_announcement(UUID(int=1), "zh") is None
    finally:
        await away.close()


async def test_the_announcement_of_a_closure_once_its_audio_is_there(database: Database) -> None:
    await given_office(database)
    closure_id = await given_closure(database)
    hours = DatabaseHours(database, RecentOpenings(database, CHINA, lambda: MONDAY))
    assert await hours.opening("office") == Opening("closure", None, closure_id)
    assert await hours.find_announcement(closure_id, "zh") is None
    audio = SpokenAudio(
        id=new_id(),
        text_fingerprint="x",
        provider="test",
        provider_version="1",
        voice="v",
        seconds=3.5,
        wav=b"",
        created_at=now(),
    )
    async with database.transaction() as session:
        session.add(audio)
        await session.flush()
        await session.execute(
            update(SpokenText).where(SpokenText.language == "zh").values(audio_id=audio.id, rendered_at=now())
        )
    sound = await hours.find_announcement(closure_id, "zh")
    assert isinstance(sound, Sound)
    assert (str(audio.id) in sound.file, sound.seconds) == (True, 3.5)
    assert await hours.find_announcement(closure_id, "en") is None


async def alarms(database: Database) -> list[tuple[str, str, str]]:
    async with database.transaction() as session:
        found = await session.scalars(select(Alarm).where(Alarm.kind == "holiday_list_missing").order_by(Alarm.id))
        return [(alarm.key, alarm.severity, alarm.details["source"]) for alarm in found]


async def test_a_year_without_list_is_told_once(database: Database) -> None:
    async def look(at: datetime, place: Place = CHINA) -> None:
        async with database.transaction() as session:
            await warn_of_missing_list(session, place, at)

    await look(datetime(2026, 10, 1, tzinfo=UTC))
    assert await alarms(database) == []
    await look(datetime(2097, 11, 29, tzinfo=UTC))
    assert await alarms(database) == [("2097", "info", "preliminary")]
    await look(datetime(2097, 12, 1, tzinfo=UTC))
    expected = [("2097", "info", "preliminary"), ("2098", "info", "preliminary")]
    assert await alarms(database) == expected
    async with database.transaction() as session:
        await session.execute(update(Alarm).values(acknowledged_at=now(), acknowledged_by="lead"))
    await look(datetime(2097, 12, 2, tzinfo=UTC))
    assert await alarms(database) == expected  # whoever acknowledged it knows
    await look(datetime(2026, 10, 1, tzinfo=UTC), Place(CHINA.zone, "XX"))
    assert await alarms(database) == [*expected, ("2026", "info", "unknown")]
