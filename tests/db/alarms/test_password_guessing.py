"""Refused SIP and AMI log-ins: one alarm for each address, counted, and a flood does not become a flood of writes."""

from sqlalchemy import select

from callcenter.alarms import handlers
from callcenter.alarms.handlers import LoginGuesses
from callcenter.asterisk.events import parse_event
from callcenter.asterisk.security_events import RefusedLogin
from callcenter.core.alarms import Alarm
from callcenter.core.db import Database


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def refused(source: str, *, kind: str = "ChallengeResponseFailed", account: str = "seat-rose") -> RefusedLogin:
    headers = {"Event": kind, "Service": "PJSIP", "AccountID": account, "RemoteAddress": f"IPV4/UDP/{source}/5099"}
    event = parse_event(headers)
    assert isinstance(event, RefusedLogin)
    return event


async def guess(database: Database, guesses: LoginGuesses, event: RefusedLogin, times: int) -> None:
    async with database.transaction() as session:
        for _ in range(times):
            await guesses.handlers[type(event)](event, session)


async def alarms(database: Database) -> dict[str, tuple[int, int]]:
    """Key -> how many guesses it tells of, how often it was written."""
    async with database.transaction() as session:
        return {one.key: (one.details["refused"], one.occurrences) for one in await session.scalars(select(Alarm))}


async def test_one_alarm_for_each_address(database: Database) -> None:
    clock = Clock()
    guesses = LoginGuesses(clock)
    await guess(database, guesses, refused("192.0.2.7"), handlers.TOLERATED)
    await guess(database, guesses, refused("192.0.2.8", kind="InvalidAccountID", account="x\r\nEvent: y"), 3)
    assert await alarms(database) == {}
    await guess(database, guesses, refused("192.0.2.7", kind="InvalidPassword"), 500)
    await guess(database, guesses, refused("192.0.2.8"), 50)
    assert await alarms(database) == {"PJSIP:192.0.2.7": (11, 1), "PJSIP:192.0.2.8": (11, 1)}
    clock.seconds += handlers.REPORT_SECONDS
    await guess(database, guesses, refused("192.0.2.7"), 100)
    assert (await alarms(database))["PJSIP:192.0.2.7"] == (511, 2)


async def test_slow_mistakes_are_no_alarm(database: Database) -> None:
    clock = Clock()
    guesses = LoginGuesses(clock)
    for _ in range(10):
        await guess(database, guesses, refused("192.0.2.7"), handlers.TOLERATED)
        clock.seconds += handlers.WINDOW_SECONDS + 1
    assert await alarms(database) == {}


async def test_forged_addresses_do_not_fill_the_memory(database: Database) -> None:
    guesses = LoginGuesses(Clock())
    async with database.transaction() as session:
        for n in range(handlers.MAX_SOURCES + 100):
            await guesses.on_refused_login(refused(f"10.0.{n // 250}.{n % 250}"), session)
    assert len(guesses._sources) == handlers.MAX_SOURCES


def test_an_address_that_is_none() -> None:
    event = parse_event({"Event": "InvalidPassword", "Service": "AMI", "RemoteAddress": "<null>"})
    assert isinstance(event, RefusedLogin)
    assert event.source == ""
