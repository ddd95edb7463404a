"""Whether a person may be called now, whatever the campaign."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.campaigns.governor import DEFAULT_LIMITS, Limits, Refusal, Standing, find_refusal, quiet_until
from callcenter.campaigns.models import CampaignKind

SHANGHAI, BERLIN, NEW_YORK = (ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"))
AT = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
TOMORROW = datetime(2026, 3, 3, tzinfo=SHANGHAI)
FREE = Standing()
EVERY = sorted(CampaignKind)


def refusal_of(standing: Standing, kind: CampaignKind = CampaignKind.REMINDER, at: datetime = AT) -> Refusal | None:
    return find_refusal(kind, standing, DEFAULT_LIMITS, at=at, tomorrow=TOMORROW, zone=SHANGHAI)


@pytest.mark.parametrize("kind", EVERY)
def test_nothing_stands_against_it(kind: CampaignKind) -> None:
    assert refusal_of(FREE, kind) is None


@pytest.mark.parametrize("kind", EVERY)
def test_the_dead_are_not_called(kind: CampaignKind) -> None:
    assert refusal_of(replace(FREE, deceased=True), kind) == Refusal("deceased")


@pytest.mark.parametrize("kind", EVERY)
def test_no_birthday_greeting_to_the_ward(kind: CampaignKind) -> None:
    expected = Refusal("in_hospital") if kind is CampaignKind.CARE else None
    assert refusal_of(replace(FREE, in_hospital=True), kind) == expected


@pytest.mark.parametrize("kind", EVERY)
def test_no_survey_over_an_open_complaint(kind: CampaignKind) -> None:
    expected = Refusal("open_complaint", AT + timedelta(days=1)) if kind is CampaignKind.SURVEY else None
    assert refusal_of(replace(FREE, open_complaint=True), kind) == expected


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing(unwilling=True), Refusal("person_do_not_call")),
        (Standing(conversations=1), Refusal("conversation_today", TOMORROW)),
        (Standing(attempts_of_number=3), Refusal("number_today", TOMORROW)),
        (Standing(attempts_of_number=2), None),
        (Standing(attempts_of_person=4), Refusal("person_today", TOMORROW)),
        (Standing(attempts_of_person=3), None),
        (
            Standing(last_conversation_at=AT - timedelta(hours=11)),
            Refusal("conversation_lately", AT + timedelta(hours=1)),
        ),
        (Standing(last_conversation_at=AT - timedelta(hours=12)), None),
    ],
)
def test_budgets(standing: Standing, expected: Refusal | None) -> None:
    assert refusal_of(standing) == expected


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        (SHANGHAI, datetime(2026, 3, 2, 7, 59, tzinfo=SHANGHAI), datetime(2026, 3, 2, 8, tzinfo=SHANGHAI)),
        (SHANGHAI, datetime(2026, 3, 2, 8, 0, tzinfo=SHANGHAI), None),
        (SHANGHAI, datetime(2026, 3, 2, 20, 59, tzinfo=SHANGHAI), None),
        (SHANGHAI, datetime(2026, 3, 2, 21, 0, tzinfo=SHANGHAI), datetime(2026, 3, 3, 8, tzinfo=SHANGHAI)),
        (SHANGHAI, datetime(2026, 12, 31, 23, 59, tzinfo=SHANGHAI), datetime(2027, 1, 1, 8, tzinfo=SHANGHAI)),
        (NEW_YORK, datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI), datetime(2026, 3, 2, 8, tzinfo=NEW_YORK)),
        (BERLIN, datetime(2026, 3, 28, 22, tzinfo=BERLIN), datetime(2026, 3, 29, 6, tzinfo=UTC)),
        (BERLIN, datetime(2026, 10, 24, 22, tzinfo=BERLIN), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ],
)
def test_quiet_hours_of_the_person_s_own_day(zone: ZoneInfo, at: datetime, until: datetime | None) -> None:
    assert quiet_until(DEFAULT_LIMITS, at, zone) == until


def test_no_quiet_hours_at_all() -> None:
    limits = Limits(quiet_from=24, quiet_until=0)
    for hour in range(24):
        assert quiet_until(limits, datetime(2026, 3, 2, hour, tzinfo=SHANGHAI), SHANGHAI) is None


def test_the_quiet_time_is_a_night() -> None:
    with pytest.raises(ValidationError):
        Limits(quiet_from=8, quiet_until=21)


@given(
    st.integers(0, 22),
    st.integers(2, 24),
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)),
    st.sampled_from([SHANGHAI, BERLIN, NEW_YORK]),
)
def test_quiet_hours_end_where_it_is_no_longer_quiet(begin: int, length: int, at: datetime, zone: ZoneInfo) -> None:
    limits = Limits(quiet_until=begin, quiet_from=min(24, begin + length))
    instant = at.replace(tzinfo=UTC)
    until = quiet_until(limits, instant, zone)
    if until is None:
        assert begin <= instant.astimezone(zone).hour < limits.quiet_from
    else:
        assert instant < until <= instant + timedelta(hours=25)
        assert quiet_until(limits, until, zone) is None


STANDINGS = st.builds(
    Standing,
    deceased=st.booleans(),
    in_hospital=st.booleans(),
    open_complaint=st.booleans(),
    attempts_of_number=st.integers(0, 6),
    attempts_of_person=st.integers(0, 6),
    conversations=st.integers(0, 3),
    last_conversation_at=st.none() | st.integers(0, 48).map(lambda hours: AT - timedelta(hours=hours)),
)


@given(st.sampled_from(EVERY), STANDINGS, st.integers(0, 23))
def test_what_may_be_called_passes_no_limit(kind: CampaignKind, standing: Standing, hour: int) -> None:
    at = AT.replace(hour=hour)
    refusal = refusal_of(standing, kind, at)
    if refusal is None:
        assert not standing.deceased
        assert standing.conversations < DEFAULT_LIMITS.conversations_per_person_daily
        assert standing.attempts_of_number < DEFAULT_LIMITS.attempts_per_number_daily
        assert standing.attempts_of_person < DEFAULT_LIMITS.attempts_per_person_daily
        assert 8 <= hour < 21
    elif refusal.until is not None:
        assert refusal.until > at
