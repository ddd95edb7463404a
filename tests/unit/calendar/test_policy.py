"""When a service is open, by tables; and a property: the next opening is open, and no instant before it is."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.calendar.policy import (
    LOOK_AHEAD_DAYS,
    DayFact,
    DayKind,
    OpenClosure,
    Opening,
    Timetable,
    next_open_at,
    opening_at,
)
from callcenter.calendar.spans import ALL_DAY, Span, Spans

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING, AFTERNOON = Span(8 * 60, 12 * 60), Span(13 * 60 + 30, 17 * 60 + 30)
WORKDAY: Spans = (MORNING, AFTERNOON)
NIGHT: Spans = (Span(0, 6 * 60), Span(22 * 60, 1440))
OWN, EVERYWHERE = UUID(int=1), UUID(int=2)


def fact(kind: DayKind, counts_as: int | None = None) -> DayFact:
    return DayFact(kind, "节", "Feast", counts_as)


# Thursday 2026-10-01 to Wednesday 2026-10-07 off, Saturday 2026-10-10 worked
NATIONAL_DAYS: Mapping[date, DayFact] = {date(2026, 10, day): fact("holiday") for day in range(1, 8)} | {
    date(2026, 10, 10): fact("workday"),
    date(2026, 10, 17): fact("workday", counts_as=6),
    date(2026, 10, 21): fact("workday"),  # a Wednesday: worked as ever
    date(2026, 10, 25): fact("ordinary"),
}
SPECIAL_DAYS: Mapping[date, Spans] = {
    date(2026, 10, 2): (Span(9 * 60, 10 * 60),),
    date(2026, 10, 12): (),
    date(2026, 10, 18): ALL_DAY,
}


def office(*, public_holiday: Spans = (), makeup_weekday: int = 1) -> Timetable:
    """Monday to Thursday with a lunch break, Friday without, Saturday morning."""
    return Timetable(
        week=(WORKDAY, WORKDAY, WORKDAY, WORKDAY, (Span(480, 1050),), (MORNING,), ()),
        public_holiday=public_holiday,
        makeup_weekday=makeup_weekday,
        zone=SHANGHAI,
        special_days=SPECIAL_DAYS,
        fact_of=NATIONAL_DAYS.get,
    )


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("at", "state", "next_open"),
    [
        ("2026-09-28 07:59:59", "outside_hours", "2026-09-28 08:00"),  # a Monday
        ("2026-09-28 08:00", "open", None),
        ("2026-09-28 11:59:59", "open", None),
        ("2026-09-28 12:00", "outside_hours", "2026-09-28 13:30"),
        ("2026-09-28 13:30", "open", None),
        ("2026-09-28 17:30", "outside_hours", "2026-09-29 08:00"),
        ("2026-09-26 12:00", "outside_hours", "2026-09-28 08:00"),  # over the Sunday
        ("2026-10-01 10:00", "holiday", "2026-10-02 09:00"),  # open for an hour in the holidays: a special day
        ("2026-10-02 09:30", "open", None),
        ("2026-10-02 10:00", "special_day", "2026-10-08 08:00"),  # over the other holidays
        ("2026-10-10 16:00", "open", None),  # a Saturday afternoon, worked as a Monday
        ("2026-10-10 17:30", "outside_hours", "2026-10-13 08:00"),  # over Sunday and a closed Monday
        ("2026-10-12 10:00", "special_day", "2026-10-13 08:00"),
        ("2026-10-17 16:00", "outside_hours", "2026-10-18 00:00"),  # this one counts as a Saturday
        ("2026-10-18 23:59:59", "open", None),
        ("2026-10-21 16:00", "open", None),
        ("2026-10-25 10:00", "outside_hours", "2026-10-26 08:00"),
    ],
)
def test_a_week_with_holidays(at: str, state: str, next_open: str | None) -> None:
    expected_at = local(next_open).astimezone(UTC) if next_open else None
    found = opening_at(office(), (), local(at))
    assert (found.state, found.next_open_at, found.closure_id) == (state, expected_at, None)


def test_a_makeup_workday_counts_as_the_weekday_of_the_schedule() -> None:
    at = local("2026-10-10 12:30")
    assert opening_at(office(makeup_weekday=1), (), at).state == "outside_hours"
    assert opening_at(office(makeup_weekday=5), (), at).state == "open"


def test_a_service_may_work_on_holidays() -> None:
    assert opening_at(office(public_holiday=ALL_DAY), (), local("2026-10-01 03:00")).state == "open"
    assert opening_at(office(public_holiday=(MORNING,)), (), local("2026-10-01 12:00")) == Opening(
        "holiday", local("2026-10-02 09:00").astimezone(UTC)
    )


def test_over_midnight() -> None:
    night = Timetable((NIGHT,) * 7, NIGHT, 1, SHANGHAI)
    assert opening_at(night, (), local("2026-10-01 23:59:59.999999")).state == "open"
    assert opening_at(night, (), local("2026-10-02 00:00")).state == "open"
    assert opening_at(night, (), local("2026-10-02 06:00")).next_open_at == local("2026-10-02 22:00")


def test_nothing_opens_within_the_look_ahead() -> None:
    closed = Timetable(((),) * 7, (), 1, SHANGHAI)
    assert opening_at(closed, (), local("2026-10-01 10:00")) == Opening("outside_hours", None)


def test_the_last_day_of_the_look_ahead_counts() -> None:
    at = local("2026-10-01 10:00")
    for days, found in ((LOOK_AHEAD_DAYS, True), (LOOK_AHEAD_DAYS + 1, False)):
        day = at.date() + timedelta(days=days)
        once = Timetable(((),) * 7, (), 1, SHANGHAI, {day: (MORNING,)})
        assert (next_open_at(once, at) is not None) == found


@pytest.mark.parametrize(
    ("closures", "next_open", "closure_id"),
    [
        ([(OWN, True, None)], None, OWN),
        ([(OWN, True, "2026-09-28 11:00")], "2026-09-28 11:00", OWN),
        ([(OWN, True, "2026-09-28 12:30")], "2026-09-28 13:30", OWN),
        ([(EVERYWHERE, False, "2026-09-30 20:00")], "2026-10-02 09:00", EVERYWHERE),
        ([(EVERYWHERE, False, "2026-09-28 16:00"), (OWN, True, "2026-09-28 11:00")], "2026-09-28 16:00", OWN),
        ([(EVERYWHERE, False, None), (OWN, True, "2026-09-28 11:00")], None, OWN),
    ],
)
def test_closures_win(closures: list[tuple[UUID, bool, str | None]], next_open: str | None, closure_id: UUID) -> None:
    open_closures = [OpenClosure(one, own, local(until) if until else None) for one, own, until in closures]
    found = opening_at(office(), open_closures, local("2026-09-28 10:00"))
    assert found == Opening("closure", local(next_open).astimezone(UTC) if next_open else None, closure_id)


@pytest.mark.parametrize(
    ("zone", "day", "spans", "after", "expected"),
    [
        # New York, 2026-03-08: no clock shows 2:00 to 2:59
        ("America/New_York", "2026-03-08", (Span(150, 240),), "2026-03-08T05:00Z", "2026-03-08T07:00Z"),
        ("America/New_York", "2026-03-08", (Span(130, 170),), "2026-03-08T05:00Z", None),
        # 2026-11-01: every clock shows 1:00 to 1:59 twice
        ("America/New_York", "2026-11-01", (Span(75, 90),), "2026-11-01T04:00Z", "2026-11-01T05:15Z"),
        ("America/New_York", "2026-11-01", (Span(75, 90),), "2026-11-01T05:30Z", "2026-11-01T06:15Z"),
        ("America/New_York", "2026-11-01", (Span(60, 90),), "2026-11-01T05:45Z", "2026-11-01T06:00Z"),
        # Lord Howe, 2026-04-05: 1:30 to 1:59 twice
        ("Australia/Lord_Howe", "2026-04-05", (Span(100, 110),), "2026-04-04T14:50Z", "2026-04-04T15:10Z"),
        # Cairo, 2026-04-24: the day begins at 1:00
        ("Africa/Cairo", "2026-04-24", (Span(0, 120),), "2026-04-23T12:00Z", "2026-04-23T22:00Z"),
    ],
)
def test_when_the_clock_is_put_forward_and_back(
    zone: str, day: str, spans: Spans, after: str, expected: str | None
) -> None:
    once = Timetable(((),) * 7, (), 1, ZoneInfo(zone), {date.fromisoformat(day): spans})
    found = next_open_at(once, datetime.fromisoformat(after))
    assert found == (datetime.fromisoformat(expected) if expected else None)


ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Europe/London",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
)
CLOCK_CHANGES = ("2026-03-08", "2026-11-01", "2026-04-05", "2026-09-06", "2026-04-24", "2026-10-30", "2026-03-29")


@st.composite
def days_spans(draw: st.DrawFn) -> Spans:
    minutes = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
    pairs = zip(minutes[::2], minutes[1::2], strict=False)
    return tuple(Span(opens, closes) for opens, closes in pairs)


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    near = datetime.fromisoformat(draw(st.sampled_from(CLOCK_CHANGES))).replace(tzinfo=UTC)
    return near + timedelta(seconds=draw(st.integers(-3 * 86_400, 2 * 86_400)))


@st.composite
def timetables(draw: st.DrawFn) -> Timetable:
    around = st.sampled_from([date.fromisoformat(day) for day in CLOCK_CHANGES])
    facts = draw(st.dictionaries(around, st.sampled_from([fact("holiday"), fact("workday"), fact("workday", 3)])))
    return Timetable(
        week=draw(st.lists(st.one_of(st.just(()), days_spans()), min_size=7, max_size=7)),
        public_holiday=draw(days_spans()),
        makeup_weekday=draw(st.integers(1, 7)),
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        special_days=draw(st.dictionaries(around, days_spans(), max_size=4)),
        fact_of=facts.get,
    )


def instants_before(found: datetime, after: datetime) -> Iterator[datetime]:
    """``after`` and every whole minute behind it: nothing changes between them. Far ones only now and then."""
    yield after
    at = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while at < found:
        yield at
        at += timedelta(minutes=1 if found - at < timedelta(days=2) else 7)


def test_a_change_of_the_clock_early_on_the_next_day_hides_nothing_before_it() -> None:
    """London, one second before a Sunday that opens at midnight and whose clock goes forward at one."""
    sunday = date(2026, 3, 29)
    timetable = Timetable(
        week=[(Span(0, 1),)] * 7,
        public_holiday=(),
        makeup_weekday=1,
        zone=ZoneInfo("Europe/London"),
        special_days={sunday: (Span(0, 121),)},
    )
    midnight = datetime(2026, 3, 29, tzinfo=UTC)
    assert next_open_at(timetable, midnight - timedelta(seconds=1)) == midnight


@settings(max_examples=150, deadline=None)
@given(timetables(), instants())
def test_the_next_opening_is_open_and_no_instant_before_it_is(timetable: Timetable, after: datetime) -> None:
    found = next_open_at(timetable, after)
    if found is not None:
        assert found >= after
        assert timetable.is_open(found)
    end = found or after + timedelta(days=LOOK_AHEAD_DAYS - 1)
    assert not any(timetable.is_open(at) for at in instants_before(end, after) if at < end)


@settings(max_examples=150, deadline=None)
@given(timetables(), instants())
def test_open_or_not_agrees_with_the_next_opening(timetable: Timetable, at: datetime) -> None:
    found = opening_at(timetable, (), at)
    assert (found.state == "open") == (next_open_at(timetable, at) == at)
    assert (found.next_open_at is None) or found.state != "open"
