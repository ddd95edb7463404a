"""Who sat where, when: for legs that queue_log does not name."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callcenter.agents.models import Agent, AgentStateChange, Seat
from callcenter.agents.seat_history import agents_at_seats
from callcenter.core.db import Database
from tests.support.ledger_reading import LedgerFolder, derived, read_all
from tests.support.ledger_tables import T0, Ledger, scenario


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


@pytest.fixture
async def day(database: Database) -> None:
    """1001 sits at seat-a, then moves to seat-b; 1002 takes seat-a; 1001 logs out."""
    async with database.transaction() as session:
        session.add_all(Seat(name=name, label=name, sip_password="x", registered=True) for name in ("seat-a", "seat-b"))
        agents = {
            number: Agent(number=number, display_name=number, wanted_since=T0, activity_since=T0, sequence=0)
            for number in ("1001", "1002")
        }
        session.add_all(agents.values())
        await session.flush()
        for minute, number, seat, wanted in (
            (0, "1001", "seat-a", "paused"),
            (1, "1001", "seat-a", "available"),
            (10, "1001", "seat-b", "paused"),
            (12, "1002", "seat-a", "paused"),
            (20, "1001", "seat-b", "logged_out"),
        ):
            session.add(
                AgentStateChange(
                    agent_id=agents[number].id,
                    sequence=minute,
                    at=at(minute),
                    cause="agent",
                    actor_name="test",
                    wanted_before="logged_out",
                    wanted=wanted,
                    activity_before="idle",
                    activity="idle",
                    seat_name=seat,
                )
            )


@pytest.mark.usefixtures("day")
async def test_who_sat_there_then(database: Database) -> None:
    expected = {
        ("seat-a", -1): None,
        ("seat-a", 5): "1001",
        ("seat-b", 5): None,
        ("seat-b", 11): "1001",
        ("seat-a", 11): None,  # left for seat-b, nobody came yet
        ("seat-a", 15): "1002",
        ("seat-b", 21): None,  # logged out
    }
    async with database.transaction() as session:
        found = await agents_at_seats(session, [(seat, at(minute)) for seat, minute in expected])
        assert await agents_at_seats(session, []) == {}
    assert {(seat, minute): found.get((seat, at(minute))) for seat, minute in expected} == expected


@pytest.mark.usefixtures("day")
async def test_a_call_between_seats_names_both_agents(database: Database, tmp_path: Path) -> None:
    folder = LedgerFolder(tmp_path)
    folder.append(Ledger(scenario("seat_to_seat", start=13 * 60).cel, []))
    await read_all(folder, database)
    legs = (await derived(database))["legs"]
    assert sorted((leg["seat_name"], leg["agent_number"]) for leg in legs) == [("seat-a", "1002"), ("seat-b", "1001")]
