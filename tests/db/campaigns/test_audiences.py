"""Each audience over real tables: who is in it, who is not, and the edges between them."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.models import Call, QueueVisit
from callcenter.campaigns import audience_queries
from callcenter.campaigns.audience_models import CampaignTrigger
from callcenter.campaigns.audiences import AUDIENCE, plan_look
from callcenter.campaigns.models import Campaign, CampaignContact
from callcenter.campaigns.triggers import put_part
from callcenter.core.db import Database
from callcenter.directory.models import Department
from callcenter.patients.models import Appointment, Discharge, PatientReminder, Visit
from tests.support.audiences import HOME, PLAN, given_campaign, given_patient, list_contacts, local

DAY = date(2026, 11, 23)


@pytest.fixture
async def session(database: Database) -> AsyncIterator[AsyncSession]:
    async with database.transaction() as session:
        yield session


async def look(
    session: AsyncSession, audience: dict[str, Any], day: date = DAY, *, campaign: Campaign | None = None, **more: Any
) -> list[CampaignContact]:
    """The contacts of a campaign once it has looked on ``day`` at 00:05."""
    campaign = campaign or await given_campaign(session, **more)
    at = local(f"{day}T00:05")
    trigger = CampaignTrigger(
        campaign_id=campaign.id,
        audience=AUDIENCE.validate_python(audience).model_dump(mode="json"),
        at_time="00:05",
        changed_at=at,
        changed_by="test",
    )
    session.add(trigger)
    await session.flush()
    row = await put_part(session, campaign, trigger, day, home=HOME, plan=PLAN, at=at)
    assert row is not None
    assert row.finished_at is not None
    contacts = await list_contacts(session, campaign.id)
    assert (row.found, row.added) == (row.found, len(contacts))
    return contacts


def names(contacts: list[CampaignContact]) -> list[str]:
    return sorted(one.name for one in contacts)


# -- birthdays and festivals


async def test_birthdays_are_of_the_day_and_of_the_living(session: AsyncSession) -> None:
    await given_patient(session, "P1", birth_date=date(1958, 11, 23))
    await given_patient(session, "P2", birth_date=date(2026, 11, 23))
    await given_patient(session, "P3", birth_date=date(1958, 11, 22))
    await given_patient(session, "P4", birth_date=date(1958, 11, 24))
    await given_patient(session, "P5", birth_date=date(1958, 11, 23), deceased=True)
    await given_patient(session, "P6")
    await given_patient(session, "P7", birth_date=date(1958, 11, 23), numbers={})
    found = await look(session, {"kind": "birthday"})
    assert names(found) == ["P1", "P2"]
    first = next(one for one in found if one.name == "P1")
    assert first.key == f"birthday:{first.patient_id}:2026"
    assert (first.person, first.numbers, first.variables["age"]) == (str(first.patient_id), ["+8613900000001"], "68")


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2027, 2, 28), ["P28", "P29"]),
        (date(2028, 2, 28), ["P28"]),
        (date(2028, 2, 29), ["P29"]),
        (date(2027, 3, 1), ["P1"]),
    ],
)
async def test_a_birthday_on_the_leap_day(session: AsyncSession, day: date, expected: list[str]) -> None:
    await given_patient(session, "P28", birth_date=date(2000, 2, 28))
    await given_patient(session, "P29", birth_date=date(2000, 2, 29))
    await given_patient(session, "P1", birth_date=date(2000, 3, 1))
    assert names(await look(session, {"kind": "birthday"}, day)) == expected


async def test_a_year_later_it_is_another_birthday(session: AsyncSession) -> None:
    await given_patient(session, "P1", birth_date=date(1958, 11, 23))
    campaign = await given_campaign(session)
    await look(session, {"kind": "birthday"}, campaign=campaign)
    trigger = await session.get_one(CampaignTrigger, campaign.id)
    for day in (DAY, date(2027, 11, 23)):
        await put_part(session, campaign, trigger, day, home=HOME, plan=PLAN, at=local(f"{day}T00:10"))
    keys = [one.key.rsplit(":", 1)[1] for one in await list_contacts(session, campaign.id)]
    assert keys == ["2026", "2027"]


async def test_a_festival_is_one_day_of_the_lunar_calendar(session: AsyncSession) -> None:
    old = await given_patient(session, "P1", birth_date=date(1966, 10, 18))
    await given_patient(session, "P2", birth_date=date(1966, 10, 19))  # sixty tomorrow
    await given_patient(session, "P3", birth_date=date(1950, 1, 1), deceased=True)
    double_ninth = {"kind": "festival", "calendar": "lunar", "month": 9, "day": 9, "people": {"min_age": 60}}
    assert await look(session, double_ninth, date(2026, 10, 17)) == []
    found = await look(session, double_ninth, date(2026, 10, 18))
    assert [one.key for one in found] == [f"festival:lunar-9-9:{old.id}:2026"]


async def test_people_are_chosen_by_what_is_known_of_them(session: AsyncSession) -> None:
    ward = Department(code="CARD", name_zh="心内科", name_en="Cardiology")
    session.add(ward)
    await session.flush()
    for number, (sex, born, visited, where) in enumerate(
        [
            ("female", date(1980, 1, 1), "2026-11-20T09:00", ward.id),
            ("male", date(1980, 1, 1), "2026-11-20T09:00", ward.id),
            ("female", date(1980, 1, 1), "2026-10-01T09:00", ward.id),
            ("female", date(1980, 1, 1), "2026-11-20T09:00", None),
            ("female", date(2020, 1, 1), "2026-11-20T09:00", ward.id),
        ],
        start=1,
    ):
        patient = await given_patient(session, f"P{number}", sex=sex, birth_date=born)
        session.add(
            Visit(
                external_id=f"V{number}",
                patient_id=patient.id,
                kind="outpatient",
                visited_at=local(visited),
                department_id=where,
            )
        )
    await session.flush()
    people = {"sex": "female", "min_age": 18, "max_age": 60, "visited_within_days": 30, "departments": ["CARD"]}
    assert names(await look(session, {"kind": "patients", "people": people})) == ["P1"]
    assert len(await look(session, {"kind": "patients"})) == 5


# -- appointments


async def given_appointment(session: AsyncSession, external_id: str, starts: str, booked: str, status: str) -> None:
    patient = await given_patient(session, external_id)
    session.add(
        Appointment(
            external_id=f"A{external_id}",
            patient_id=patient.id,
            booked_at=local(booked),
            starts_at=local(starts),
            status=status,
        )
    )
    await session.flush()


async def test_tomorrow_s_appointments_booked_more_than_ten_days_ahead(session: AsyncSession) -> None:
    await given_appointment(session, "P1", "2026-11-24T00:00", "2026-11-13T23:59", "booked")
    await given_appointment(session, "P2", "2026-11-24T23:59", "2026-11-14T00:00", "booked")  # ten days, not more
    await given_appointment(session, "P3", "2026-11-23T23:59", "2026-10-01T09:00", "booked")
    await given_appointment(session, "P4", "2026-11-25T00:00", "2026-10-01T09:00", "booked")
    await given_appointment(session, "P5", "2026-11-24T09:00", "2026-10-01T09:00", "cancelled")
    await given_appointment(session, "P6", "2026-11-24T09:00", "2026-10-01T09:00", "confirmed")
    found = await look(session, {"kind": "appointments", "days_ahead": 1, "booked_more_than_days_ahead": 10})
    assert names(found) == ["P1"]
    assert found[0].variables["when"] == "11月24日凌晨12:00"
    assert found[0].appointment_id is not None
    assert found[0].key == f"appointment:{found[0].appointment_id}:2026-11-24"


async def test_today_s_appointments_are_those_still_to_come(session: AsyncSession) -> None:
    await given_appointment(session, "P1", "2026-11-23T00:04", "2026-11-22T09:00", "booked")
    await given_appointment(session, "P2", "2026-11-23T08:30", "2026-11-22T09:00", "confirmed")
    await given_appointment(session, "P3", "2026-11-24T00:00", "2026-11-22T09:00", "booked")
    audience = {"kind": "appointments", "days_ahead": 0, "statuses": ["booked", "confirmed"]}
    assert names(await look(session, audience)) == ["P2"]


async def test_the_day_after_a_missed_appointment(session: AsyncSession) -> None:
    await given_appointment(session, "P1", "2026-11-22T00:00", "2026-11-20T09:00", "missed")
    await given_appointment(session, "P2", "2026-11-22T23:59", "2026-11-20T09:00", "missed")
    await given_appointment(session, "P3", "2026-11-21T23:59", "2026-11-20T09:00", "missed")
    await given_appointment(session, "P4", "2026-11-23T00:00", "2026-11-20T09:00", "missed")
    await given_appointment(session, "P5", "2026-11-22T09:00", "2026-11-20T09:00", "attended")
    assert names(await look(session, {"kind": "missed_appointments"})) == ["P1", "P2"]


# -- discharges, reminders, samples


async def test_so_many_days_after_discharge(session: AsyncSession) -> None:
    for number, at in enumerate(("2026-11-16T00:00", "2026-11-16T23:59", "2026-11-15T23:59", "2026-11-17T00:00"), 1):
        patient = await given_patient(session, f"P{number}")
        session.add(Discharge(external_id=f"D{number}", patient_id=patient.id, discharged_at=local(at)))
    await session.flush()
    assert names(await look(session, {"kind": "discharged", "days_ago": 7})) == ["P1", "P2"]


async def test_what_is_due_tomorrow(session: AsyncSession) -> None:
    cases = [
        ("vaccination", date(2026, 11, 24), True),
        ("vaccination", date(2026, 11, 23), True),
        ("vaccination", date(2026, 11, 25), True),
        ("vaccination", date(2026, 11, 24), False),
        ("medication", date(2026, 11, 24), True),
    ]
    for number, (kind, due_on, active) in enumerate(cases, start=1):
        patient = await given_patient(session, f"P{number}", language="en")
        session.add(
            PatientReminder(
                external_id=f"R{number}", patient_id=patient.id, kind=kind, due_on=due_on, note="MMR", active=active
            )
        )
    await session.flush()
    found = await look(session, {"kind": "reminders", "kinds": ["vaccination"], "days_ahead": 1})
    assert names(found) == ["P1"]
    assert {name: found[0].variables[name] for name in ("item", "note", "day")} == {
        "item": "vaccination",
        "note": "MMR",
        "day": "24 November",
    }


async def test_a_sample_is_the_same_however_often_it_is_drawn(session: AsyncSession) -> None:
    for number in range(1, 41):
        patient = await given_patient(session, f"P{number}")
        for visit in ("a", "b"):  # twice on the day: still one of them
            visited_at = local(f"2026-11-22T{number % 24:02d}:30")
            session.add(
                Visit(external_id=f"V{number}{visit}", patient_id=patient.id, kind="outpatient", visited_at=visited_at)
            )
    outside = await given_patient(session, "P99")
    for external_id, at in (("V98", "2026-11-21T23:59"), ("V99", "2026-11-23T00:00")):
        session.add(Visit(external_id=external_id, patient_id=outside.id, kind="outpatient", visited_at=local(at)))
    await session.flush()
    campaign = await given_campaign(session)
    audience = AUDIENCE.validate_python({"kind": "visit_sample", "size": 10})

    async def draw(of: Campaign) -> list[str]:
        plan = plan_look(audience, DAY, HOME.zone, campaign_id=of.id, at=local("2026-11-23T09:00"))
        assert plan is not None
        rows = await audience_queries.find_rows(session, plan.query, plan.parameters, after=None, limit=100)
        assert len({row.patient_id for row in rows}) == len(rows)
        return [row.name for row in rows]

    drawn = await draw(campaign)
    assert len(drawn) == 10
    assert "P99" not in drawn
    assert await draw(campaign) == drawn
    assert await draw(await given_campaign(session)) != drawn
    assert names(await look(session, audience.model_dump(), campaign=campaign)) == sorted(drawn)


# -- busy lines


async def given_call(
    session: AsyncSession, call_id: str, number: str | None, at: str, outcome: str, **more: Any
) -> None:
    session.add(
        Call(
            id=call_id,
            pbx="main",
            direction=more.pop("direction", "inbound"),
            caller_number=number,
            state="finished",
            outcome=outcome,
            started_at=local(at),
            derived_at=local(at),
            **more,
        )
    )
    await session.flush()


async def given_visit(session: AsyncSession, call_id: str, at: str, reason: str) -> None:
    session.add(
        QueueVisit(
            call_id=call_id,
            uniqueid=call_id,
            number=1,
            queue_name="consultation",
            priority=0,
            outcome="overflowed",
            reason=reason,
            entered_at=local(at),
            wait_seconds=0.0,
        )
    )
    await session.flush()


async def test_the_day_after_a_busy_line(session: AsyncSession) -> None:
    await given_call(session, "c1", "+8613900000001", "2026-11-22T00:00", "abandoned")
    await given_call(session, "c2", "+8613900000002", "2026-11-21T23:59", "abandoned")
    await given_call(session, "c3", "+8613900000003", "2026-11-23T00:00", "abandoned")
    await given_call(session, "c4", "+8613900000004", "2026-11-22T09:00", "answered")
    await given_call(session, "c5", "+8613900000005", "2026-11-22T09:00", "not_served")
    await given_visit(session, "c5", "2026-11-22T09:00", "full")
    await given_call(session, "c6", "+8613900000006", "2026-11-22T09:00", "not_served")
    await given_visit(session, "c6", "2026-11-22T09:00", "key")
    await given_call(session, "c7", None, "2026-11-22T09:00", "abandoned")
    await given_call(session, "c8", "+8613900000008", "2026-11-22T09:00", "abandoned", direction="outbound")
    await given_call(session, "c9", "+8613900000009", "2026-11-22T09:00", "abandoned")
    await given_call(session, "c10", "+8613900000009", "2026-11-22T09:30", "answered")  # served in the end
    await given_call(session, "c11", "+8613900000001", "2026-11-22T10:00", "abandoned")  # the same number again
    found = await look(session, {"kind": "busy_line"})
    assert [one.numbers for one in found] == [["+8613900000001"], ["+8613900000005"]]
    assert [one.key for one in found] == ["busy_line:+8613900000001:2026-11-22", "busy_line:+8613900000005:2026-11-22"]


async def test_a_caller_is_a_patient_only_if_it_was_proved(session: AsyncSession) -> None:
    patient = await given_patient(session, "P1", language="en")
    await given_call(session, "c1", "+8613900000001", "2026-11-22T09:00", "abandoned", patient_id=patient.id)
    await given_call(
        session, "c2", "+8613900000002", "2026-11-22T09:00", "abandoned", patient_id=patient.id, verified=True
    )
    found = await look(session, {"kind": "busy_line"})
    assert [(one.patient_id, one.name, one.language) for one in found] == [(None, "", "zh"), (patient.id, "P1", "en")]


# -- all of them


@pytest.mark.parametrize("hostile", ["'; DROP TABLE patients; --", "${SHELL(id)}", "%s :after"])
async def test_what_staff_write_is_never_sql(session: AsyncSession, hostile: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        AUDIENCE.validate_python({"kind": "discharged", "days_ago": 1, "departments": [hostile]})


async def test_numbers_are_tried_their_own_first(session: AsyncSession) -> None:
    numbers = {"+8613900000009": "work", "+8613900000008": "family", "+8613900000007": "self"}
    await given_patient(session, "P1", birth_date=date(1958, 11, 23), numbers=numbers)
    (found,) = await look(session, {"kind": "birthday"})
    assert found.numbers == ["+8613900000007", "+8613900000008", "+8613900000009"]


async def test_the_channel_is_the_first_by_which_they_can_be_reached(session: AsyncSession) -> None:
    born = date(1958, 11, 23)
    await given_patient(session, "P1", birth_date=born, email="p1@example.com")
    await given_patient(session, "P2", birth_date=born, email="p2@example.com", numbers={})
    await given_patient(session, "P3", birth_date=born, numbers={})
    found = await look(session, {"kind": "birthday"}, channels=["telephone", "email"])
    assert {one.name: one.next_channel for one in found} == {"P1": "telephone", "P2": "email"}


async def test_the_views_cannot_be_written(session: AsyncSession) -> None:
    await given_patient(session, "P1")
    assert (await session.execute(select(text("count(*)")).select_from(text("audience_patients")))).scalar_one() == 1
    with pytest.raises(Exception, match="numbers"):
        await session.execute(text("UPDATE audience_patients SET numbers = '{}'"))
    await session.rollback()
