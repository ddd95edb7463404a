"""Daily at a time of the hospital's clock: each day once, whatever was missed, whoever looks."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.callouts.policy import Home
from callcenter.campaigns import queries, standard, triggers
from callcenter.campaigns.audience_models import CampaignTrigger, CampaignTriggerDay
from callcenter.campaigns.audiences import AUDIENCE
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.campaigns.triggers import Triggers
from callcenter.core.audit import SYSTEM
from callcenter.core.db import Database
from callcenter.patients.models import Appointment
from tests.support.api import as_role
from tests.support.audiences import HOME, PBX, PLAN, ZONE, given_campaign, given_patient, list_contacts, local

BIRTHDAY = {"kind": "birthday"}
MISSED = {"kind": "missed_appointments"}


class Clock:
    """The database's clock, as the triggers read it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = local("2026-11-23T00:00")

        async def read(_session: object) -> datetime:
            return self.at

        monkeypatch.setattr(queries, "database_now", read)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def given(database: Database, audience: dict[str, Any], at_time: str | None, **changes: Any) -> UUID:
    async with database.transaction() as session:
        campaign = await given_campaign(session, **changes)
        await triggers.put_trigger(
            session, SYSTEM, campaign.id, AUDIENCE.validate_python(audience), at_time, at=local("2026-01-01")
        )
    return campaign.id


async def given_birthdays(database: Database, *days: str) -> None:
    async with database.transaction() as session:
        for number, day in enumerate(days, start=1):
            await given_patient(session, f"P{number}", birth_date=date.fromisoformat(f"1958-{day}"))


async def look(database: Database, home: Home = HOME) -> None:
    await Triggers(database, PBX, home, PLAN).look()


async def found(database: Database, campaign_id: UUID) -> list[str]:
    async with database.transaction() as session:
        return sorted(one.name for one in await list_contacts(session, campaign_id))


async def days(database: Database, campaign_id: UUID) -> list[str]:
    async with database.transaction() as session:
        query = select(CampaignTriggerDay).where(CampaignTriggerDay.campaign_id == campaign_id)
        rows = (await session.scalars(query.order_by(CampaignTriggerDay.day))).all()
    assert all(row.finished_at is not None for row in rows)
    return [str(row.day) for row in rows]


async def test_when_the_time_has_come_and_once(database: Database, clock: Clock) -> None:
    campaign = await given(database, BIRTHDAY, "09:00")
    await given_birthdays(database, "11-23")
    clock.at = local("2026-11-23T08:59:59")
    await look(database)
    assert await found(database, campaign) == []
    clock.at = local("2026-11-23T09:00")
    await look(database)
    assert await found(database, campaign) == ["P1"]
    async with database.transaction() as session:  # too late for today
        await given_patient(session, "P9", birth_date=date(1990, 11, 23))
    clock.at = local("2026-11-23T23:59:59")
    await look(database)
    assert await found(database, campaign) == ["P1"]
    assert await days(database, campaign) == ["2026-11-23"]


async def test_a_missed_hour_costs_only_time_and_a_birthday_missed_is_over(database: Database, clock: Clock) -> None:
    campaign = await given(database, BIRTHDAY, "09:00")
    await given_birthdays(database, "11-22", "11-23")
    clock.at = local("2026-11-23T20:00")
    await look(database)
    assert await found(database, campaign) == ["P2"]
    assert await days(database, campaign) == ["2026-11-23"]


async def test_what_lies_behind_is_asked_about_after_an_outage_too(database: Database, clock: Clock) -> None:
    campaign = await given(database, MISSED, "09:00")
    async with database.transaction() as session:
        for number in range(1, 7):
            patient = await given_patient(session, f"P{number}")
            session.add(
                Appointment(
                    external_id=f"A{number}",
                    patient_id=patient.id,
                    booked_at=local("2026-11-01"),
                    starts_at=local(f"2026-11-{15 + number}T10:00"),
                    status="missed",
                )
            )
    clock.at = local("2026-11-21T10:00")  # nobody looked since the 17th; after three days it is no use
    await look(database)
    assert await found(database, campaign) == ["P2", "P3", "P4", "P5"]
    assert await days(database, campaign) == ["2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"]


async def test_a_paused_day_is_not_made_up_for(database: Database, clock: Clock) -> None:
    campaign = await given(database, MISSED, "09:00", state="paused")
    clock.at = local("2026-11-21T10:00")
    await look(database)
    async with database.transaction() as session:
        one = await session.get_one(Campaign, campaign)
        one.state, one.changed_at = CampaignState.RUNNING, clock.at
    await look(database)
    assert await days(database, campaign) == ["2026-11-21"]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "draft"},
        {"state": "paused"},
        {"state": "finished"},
        {"pbx": "another"},
        {"starts_at": local("2026-11-24")},
        {"ends_at": local("2026-11-23T08:00")},
    ],
)
async def test_only_campaigns_that_run_here_and_now(database: Database, clock: Clock, changes: dict[str, Any]) -> None:
    async with database.transaction() as session:
        campaign = await given_campaign(session, **changes)
        session.add(
            CampaignTrigger(
                campaign_id=campaign.id, audience=BIRTHDAY, at_time="09:00", changed_at=clock.at, changed_by="test"
            )
        )
    await given_birthdays(database, "11-23")
    clock.at = local("2026-11-23T12:00")
    await look(database)
    assert await found(database, campaign.id) == []
    assert await days(database, campaign.id) == []


async def test_without_a_time_only_staff_look(database: Database, clock: Clock) -> None:
    campaign = await given(database, BIRTHDAY, None)
    await given_birthdays(database, "11-23")
    clock.at = local("2026-11-23T12:00")
    await look(database)
    assert await days(database, campaign) == []
    for _ in range(2):
        await triggers.run_today(database, SYSTEM, campaign, home=HOME, plan=PLAN)
    assert await found(database, campaign) == ["P1"]
    assert await days(database, campaign) == ["2026-11-23"]


async def test_two_who_look_at_once(database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "PART_ROWS", 5)
    campaign = await given(database, BIRTHDAY, "09:00")
    await given_birthdays(database, *(["11-23"] * 23))
    clock.at = local("2026-11-23T12:00")
    await asyncio.gather(*(look(database) for _ in range(3)))
    await look(database)
    assert len(await found(database, campaign)) == 23
    async with database.transaction() as session:
        row = await session.get_one(CampaignTriggerDay, (campaign, date(2026, 11, 23)))
    assert (row.found, row.added, row.unreachable) == (23, 23, 0)


async def test_whoever_died_half_way_is_gone_on_for(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "PART_ROWS", 5)
    campaign = await given(database, BIRTHDAY, "09:00")
    await given_birthdays(database, *(["11-23"] * 12))
    clock.at = local("2026-11-23T12:00")
    async with database.transaction() as session:
        one, trigger = await session.get_one(Campaign, campaign), await session.get_one(CampaignTrigger, campaign)
        await triggers.put_part(session, one, trigger, date(2026, 11, 23), home=HOME, plan=PLAN, at=clock.at)
    assert len(await found(database, campaign)) == 5
    await look(database)
    assert len(await found(database, campaign)) == 12


async def test_another_audience_begins_the_day_anew(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "PART_ROWS", 2)
    campaign = await given(database, BIRTHDAY, "09:00")
    await given_birthdays(database, *(["11-23"] * 3))
    clock.at = local("2026-11-23T12:00")
    async with database.transaction() as session:
        one, trigger = await session.get_one(Campaign, campaign), await session.get_one(CampaignTrigger, campaign)
        await triggers.put_part(session, one, trigger, date(2026, 11, 23), home=HOME, plan=PLAN, at=clock.at)
        busy = AUDIENCE.validate_python({"kind": "busy_line"})
        await triggers.put_trigger(session, SYSTEM, campaign, busy, "09:00", at=clock.at)
    await look(database)
    assert await days(database, campaign) == ["2026-11-23"]


# -- the clock


NEW_YORK = ZoneInfo("America/New_York")


def due(at_time: str, at: datetime, zone: ZoneInfo = NEW_YORK, audience: dict[str, Any] | None = None) -> list[str]:
    one = AUDIENCE.validate_python(audience or BIRTHDAY)
    return [str(day) for day in triggers.days_due(at_time, one, local("2020-01-01"), at, Home("US", zone))]


@pytest.mark.parametrize(
    ("at_time", "at", "expected"),
    [
        ("02:30", "2026-03-08T01:59", []),  # 02:30 is left out on this day
        ("02:30", "2026-03-08T03:30", ["2026-03-08"]),
        ("01:30", "2026-11-01T01:29", []),  # shown twice on this day: at the first
        ("01:30", "2026-11-01T01:30", ["2026-11-01"]),
        ("00:00", "2026-11-23T00:00", ["2026-11-23"]),
        ("23:59", "2026-11-23T00:00", []),
        ("23:59", "2026-11-23T23:59", ["2026-11-23"]),
    ],
)
def test_the_day_is_the_hospital_s(at_time: str, at: str, expected: list[str]) -> None:
    assert due(at_time, local(at, NEW_YORK)) == expected


def test_an_hour_that_comes_twice_is_one_day() -> None:
    first = local("2026-11-01T01:30", NEW_YORK)
    assert due("01:30", first) == due("01:30", first + timedelta(hours=1)) == ["2026-11-01"]


def test_the_day_turns_where_the_hospital_is() -> None:
    at = local("2026-11-23T00:30")  # in Shanghai; the 22nd in New York
    assert due("00:00", at, ZONE) == ["2026-11-23"]
    assert due("00:00", at) == ["2026-11-22"]


# -- standard campaigns, and the API


async def test_standard_campaigns_are_put_in_once_and_switched_off(database: Database) -> None:
    async with database.transaction() as session:
        await given_campaign(session)
    for expected in (len(standard.STANDARDS), 0):
        async with database.transaction() as session:
            made = await standard.put_standards(
                session, SYSTEM, pbx=PBX, zone=ZONE.key, caller_id=None, at=local("2026-11-23")
            )
        assert len(made) == expected
        assert {campaign.state for campaign in made} <= {CampaignState.DRAFT}
    async with database.transaction() as session:
        rows = (await session.scalars(select(CampaignTrigger))).all()
    assert {row.standard for row in rows} == {one.code for one in standard.STANDARDS}
    assert all(row.at_time for row in rows)


async def test_the_api_of_audiences(client: httpx.AsyncClient, database: Database) -> None:
    headers = await as_role(database, Role.SCHEDULER)
    async with database.transaction() as session:
        campaign = await given_campaign(session, state="draft")
        await given_patient(session, "P1")
        await given_patient(session, "P2", numbers={})
    url = f"/api/v1/campaigns/{campaign.id}/audience"
    assert (await client.get(url, headers=headers)).json()["code"] == "campaign-audience-not-found"
    for bad in (
        {"audience": {"kind": "nobody"}},
        {"audience": {"kind": "festival", "calendar": "lunar", "month": 1, "day": 31}},
        {"audience": {"kind": "festival", "calendar": "solar", "month": 2, "day": 30}},
        {"audience": {"kind": "patients", "people": {"departments": ["CARD"]}}},
        {"audience": {"kind": "patients"}, "at_time": "24:00"},
    ):
        assert (await client.put(url, json=bad, headers=headers)).status_code == 422, bad
    body = {"audience": {"kind": "patients"}, "at_time": None}
    put = await client.put(url, json=body, headers=headers)
    assert (put.status_code, put.json()["days"]) == (200, [])
    counted = await client.get(f"{url}/count?day=2026-11-23", headers=headers)
    assert counted.json() == {"day": "2026-11-23", "found": 2}
    for _ in range(2):
        answer = await client.post(f"{url}/look", headers=headers)
        (day,) = answer.json()["days"]
        assert (day["found"], day["added"], day["unreachable"]) == (2, 1, 1)
    assert (await client.delete(url, headers=headers)).status_code == 204
    assert (await client.post(f"{url}/look", headers=headers)).status_code == 404


async def test_the_api_of_standard_campaigns_and_reminders(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    answer = await client.post("/api/v1/campaigns/standard", json={"caller_id": "9999"}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-campaign")  # none of ours
    async with database.transaction() as session:
        await given_campaign(session)
        await given_patient(session, "P1")
    answer = await client.post("/api/v1/campaigns/standard", json={"caller_id": "8000"}, headers=admin)
    assert len(answer.json()["added"]) == len(answer.json()["standards"])
    body = {"patient": "P1", "kind": "vaccination", "due_on": "2026-12-01"}
    for status in (201, 200):
        assert (await client.put("/api/v1/reminders/R1", json=body, headers=admin)).status_code == status
    body["patient"] = "P404"
    assert (await client.put("/api/v1/reminders/R2", json=body, headers=admin)).json()["code"] == "unknown-patient"
