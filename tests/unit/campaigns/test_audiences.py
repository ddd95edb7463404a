"""What audiences ask for on a day, and what is said of those they find. Pure."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.campaigns.audience_queries import FoundRow
from callcenter.campaigns.audiences import AUDIENCE, Look, birthdays_on, plan_look, years_before
from callcenter.campaigns.found import VARIABLES, contact_of, moment_words
from callcenter.campaigns.rules import Texts
from callcenter.campaigns.standard import STANDARDS, Standard
from callcenter.campaigns.texts import variables_of

FLOWS = Path(__file__).parents[3] / "ivr_flows"
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
CAMPAIGN = UUID(int=7)


def plan(audience: dict[str, object], day: date, zone: ZoneInfo = SHANGHAI) -> Look:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    look = plan_look(AUDIENCE.validate_python(audience), day, zone, campaign_id=CAMPAIGN, at=at)
    assert look is not None
    return look


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
def test_everybody_has_one_birthday_a_year(born: date) -> None:
    for year in (2027, 2028):
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
        assert sum(f"{born:%m%d}" in birthdays_on(day) for day in days if day.year == year) == 1


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        (date(2026, 11, 23), 60, date(1966, 11, 23)),
        (date(2028, 2, 29), 60, date(1968, 2, 29)),
        (date(2028, 2, 29), 61, date(1967, 2, 28)),
    ],
)
def test_years_before(day: date, years: int, expected: date) -> None:
    assert years_before(day, years) == expected


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 5, 1), 24)])
def test_a_day_is_as_long_as_its_clock_makes_it(day: date, hours: int) -> None:
    span = plan({"kind": "missed_appointments", "days_ago": 1}, day + timedelta(days=1), NEW_YORK).parameters
    assert span["ends_at"].astimezone(UTC) - span["begins_at"].astimezone(UTC) == timedelta(hours=hours)


def test_ages_are_of_the_day() -> None:
    people = {"min_age": 60, "max_age": 69}
    parameters = plan({"kind": "patients", "people": people}, date(2026, 11, 23)).parameters
    assert (parameters["born_until"], parameters["born_after"]) == (date(1966, 11, 23), date(1956, 11, 23))


@pytest.mark.parametrize(
    ("audience", "key"),
    [
        ({"kind": "patients"}, "patient:x"),
        ({"kind": "birthday"}, "birthday:x:2026"),
        ({"kind": "birthday", "days_ahead": 1}, "birthday:x:2027"),
        ({"kind": "festival", "calendar": "solar", "month": 12, "day": 31}, "festival:solar-12-31:x:2026"),
        ({"kind": "appointments"}, "appointment:x:2027-01-01"),
        ({"kind": "missed_appointments"}, "missed:x:2026-12-30"),
        ({"kind": "busy_line"}, "busy_line:x:2026-12-30"),
        ({"kind": "discharged", "days_ago": 7}, "discharge:x:7"),
        ({"kind": "reminders", "kinds": ["medication"]}, "reminder:x:2027-01-01"),
        ({"kind": "visit_sample", "size": 5}, "visit:x:2026-12-30"),
    ],
)
def test_a_key_names_the_occasion(audience: dict[str, object], key: str) -> None:
    assert plan(audience, date(2026, 12, 31)).occasion("x") == key


def test_a_festival_is_nobody_s_on_other_days() -> None:
    audience = AUDIENCE.validate_python({"kind": "festival", "calendar": "lunar", "month": 12, "day": 30})
    at = datetime(2026, 2, 1, tzinfo=UTC)
    looks = {
        day: plan_look(audience, date(2026, 2, day), SHANGHAI, campaign_id=CAMPAIGN, at=at) for day in (15, 16, 17)
    }
    assert [day for day, look in looks.items() if look is not None] == [
        16
    ]  # the eve of a year whose last month is short


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "x"},
        {"kind": "birthday", "more": 1},
        {"kind": "discharged"},
        {"kind": "visit_sample", "size": 0},
        {"kind": "reminders", "kinds": []},
        {"kind": "reminders", "kinds": ["x"]},
        {"kind": "festival", "calendar": "solar", "month": 13, "day": 1},
    ],
)
def test_what_is_no_audience(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AUDIENCE.validate_python(bad)


@pytest.mark.parametrize(
    ("hour", "zh", "en"),
    [
        (0, "11月23日凌晨12:05", "23 November at 12:05 AM"),
        (9, "11月23日上午9:05", "23 November at 9:05 AM"),
        (12, "11月23日中午12:05", "23 November at 12:05 PM"),
        (14, "11月23日下午2:05", "23 November at 2:05 PM"),
        (20, "11月23日晚上8:05", "23 November at 8:05 PM"),
    ],
)
def test_a_moment_in_words(hour: int, zh: str, en: str) -> None:
    local = datetime(2026, 11, 23, hour, 5, tzinfo=SHANGHAI)
    assert (moment_words(local, "zh"), moment_words(local, "en")) == (zh, en)


def test_who_is_found_has_every_variable_in_their_language() -> None:
    row = FoundRow(
        position="p",
        subject="s",
        appointment_id=None,
        patient_id=None,
        name="Li",
        language="en",
        email=None,
        numbers=["+8613800000001"],
        birth_date=date(1958, 11, 23),
        at=datetime(2026, 11, 24, 1, 30, tzinfo=UTC),
        department_zh="心内科",
        department_en="",
        doctor_zh="王",
        doctor_en="Dr Wang",
        item="vaccination",
        note="n" * 300,
    )
    contact = contact_of(row, plan({"kind": "appointments"}, date(2026, 11, 23)), date(2026, 11, 23), SHANGHAI)
    assert dict(contact.variables or {}) == {
        "when": "24 November at 9:30 AM",
        "day": "24 November",
        "department": "心内科",
        "doctor": "Dr Wang",
        "item": "vaccination",
        "note": "n" * 200,
        "age": "68",
    }


# -- standard campaigns


@pytest.mark.parametrize("standard", STANDARDS, ids=lambda one: one.code)
def test_a_standard_campaign_says_what_it_needs_in_both_languages(standard: Standard) -> None:
    values = standard.values("8000", "Asia/Shanghai", datetime(2026, 11, 23, tzinfo=UTC))
    texts = Texts.model_validate(values["texts"])
    said = [*texts.spoken.values(), *([texts.sms] if texts.sms else [])]
    said += [texts.email.subject, texts.email.text] if texts.email else []
    for text in said:
        assert text.zh
        assert text.en
        assert variables_of(text.zh) | variables_of(text.en) <= {"name", *VARIABLES}
    assert ("telephone" in values["channels"]) == bool(texts.spoken)
    assert ("sms" in values["channels"]) == bool(texts.sms)
    assert ("email" in values["channels"]) == bool(texts.email)


def test_standard_campaigns_are_told_apart() -> None:
    assert len({one.code for one in STANDARDS}) == len({one.name for one in STANDARDS}) == len(STANDARDS)


@pytest.mark.parametrize("standard", [one for one in STANDARDS if one.spoken], ids=lambda one: one.code)
def test_a_standard_campaign_s_flow_tells_what_it_has(standard: Standard) -> None:
    flow = yaml.safe_load((FLOWS / f"{standard.flow}.yaml").read_text())
    told = {step[kind] for step in flow["steps"].values() for kind in ("tell", "question") if kind in step}
    assert told == set(standard.spoken)
