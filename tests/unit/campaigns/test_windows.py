"""When a campaign may dial: weekdays, holidays, changes of the clock, parts of the day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.calendar.policy import DayFact
from callcenter.campaigns.rules import Windows
from callcenter.campaigns.windows import CallingHours, calling_hours

SHANGHAI, BERLIN, NEW_YORK = (ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"))
HOLIDAY = DayFact("holiday", "国庆节", "National Day")
MAKE_UP = DayFact("workday", "调休", "make-up workday")
SPANS = ("09:00-12:00", "14:00-20:00")


def hours(
    *spans: str,
    zone: ZoneInfo = SHANGHAI,
    facts: Mapping[date, DayFact] | None = None,
    on_holidays: bool = False,
    weekend: bool = True,
) -> CallingHours:
    """The same on every day; at the weekend too, unless told otherwise."""
    week = (spans,) * 5 + ((spans if weekend else ()),) * 2
    return calling_hours(Windows(week=week, on_holidays=on_holidays), zone, (facts or {}).get)


def local(zone: ZoneInfo, *when: int, fold: int = 0) -> datetime:
    year, month, day, hour, minute = (*when, 0)[:5]
    return datetime(year, month, day, hour, minute, tzinfo=zone, fold=fold)


class TestWeek:
    @pytest.mark.parametrize(
        ("hour", "minute", "is_open"),
        [
            (8, 59, False),
            (9, 0, True),
            (11, 59, True),
            (12, 0, False),
            (13, 59, False),
            (14, 0, True),
            (19, 59, True),
            (20, 0, False),
        ],
    )
    def test_from_the_first_minute_until_before_the_last(self, hour: int, minute: int, is_open: bool) -> None:
        assert hours(*SPANS).is_open(local(SHANGHAI, 2026, 3, 2, hour, minute)) is is_open

    def test_the_last_second_counts(self) -> None:
        assert hours(*SPANS).is_open(local(SHANGHAI, 2026, 3, 2, 11, 59).replace(second=59, microsecond=999_999))

    def test_until_midnight_and_over_it(self) -> None:
        night = hours("22:00-24:00", "00:00-01:00")
        for hour, minute in ((22, 0), (23, 59), (0, 0), (0, 59)):
            assert night.is_open(local(SHANGHAI, 2026, 3, 2, hour, minute))
        assert not night.is_open(local(SHANGHAI, 2026, 3, 2, 1, 0))
        assert night.next_open(local(SHANGHAI, 2026, 3, 2, 1, 0)) == local(SHANGHAI, 2026, 3, 2, 22)

    def test_a_closed_weekend(self) -> None:
        friday_night = local(SHANGHAI, 2026, 3, 6, 20)
        assert hours(*SPANS, weekend=False).next_open(friday_night) == local(SHANGHAI, 2026, 3, 9, 9)

    def test_an_open_moment_is_itself(self) -> None:
        at = local(SHANGHAI, 2026, 3, 2, 10, 17)
        assert hours(*SPANS).next_open(at) == at

    @pytest.mark.parametrize("span", ["12:00-12:00", "12:00-09:00", "9:00-12:00", "09:00-24:01", "24:00-24:00", "x"])
    def test_what_is_no_span(self, span: str) -> None:
        with pytest.raises(ValidationError):
            Windows(week=((span,),) * 7)

    def test_a_week_has_seven_days(self) -> None:
        with pytest.raises(ValidationError):
            Windows(week=(SPANS,) * 6)


class TestHolidays:
    FACTS = {date(2026, 10, day): HOLIDAY for day in range(1, 8)} | {date(2026, 10, 10): MAKE_UP}

    def test_are_skipped(self) -> None:
        at = local(SHANGHAI, 2026, 10, 1, 10)
        assert not hours(*SPANS, facts=self.FACTS).is_open(at)
        assert hours(*SPANS, facts=self.FACTS).next_open(at) == local(SHANGHAI, 2026, 10, 8, 9)

    def test_are_days_as_others_if_the_campaign_says_so(self) -> None:
        assert hours(*SPANS, facts=self.FACTS, on_holidays=True).is_open(local(SHANGHAI, 2026, 10, 1, 10))

    def test_a_make_up_saturday_is_a_workday(self) -> None:
        open_hours = hours(*SPANS, facts=self.FACTS, weekend=False)
        assert open_hours.is_open(local(SHANGHAI, 2026, 10, 10, 10))
        assert not open_hours.is_open(local(SHANGHAI, 2026, 10, 17, 10))

    def test_the_weekday_that_it_counts_as(self) -> None:
        week = Windows(week=(("09:00-10:00",), *[()] * 3, ("15:00-16:00",), (), ()))
        facts = {date(2026, 10, 10): DayFact("workday", "调休", "make-up workday", counts_as=5)}
        assert calling_hours(week, SHANGHAI, facts.get).is_open(local(SHANGHAI, 2026, 10, 10, 15))

    def test_two_months_with_nothing_open(self) -> None:
        at = local(SHANGHAI, 2026, 3, 2, 10)
        assert hours().next_open(at) is None
        assert hours().next_open_in_other_part(at, unlike=at) is None
        facts = {date(2026, 3, 1) + timedelta(days=number): HOLIDAY for number in range(90)}
        assert hours(*SPANS, facts=facts).next_open(at) is None


class TestChangesOfTheClock:
    def test_forward_over_the_beginning(self) -> None:
        """02:30 is not there: open from the change on."""
        nights = hours("02:30-05:00", zone=BERLIN)
        at = local(BERLIN, 2026, 3, 29, 1, 0)
        assert nights.next_open(at) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
        assert nights.is_open(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
        assert not nights.is_open(datetime(2026, 3, 29, 0, 59, tzinfo=UTC))

    def test_forward_over_all_of_it(self) -> None:
        nights = hours("02:00-03:00", zone=NEW_YORK)
        at = local(NEW_YORK, 2026, 3, 8, 0, 30)
        assert nights.next_open(at) == local(NEW_YORK, 2026, 3, 9, 2)

    def test_back_shows_an_hour_twice(self) -> None:
        nights = hours("02:00-03:00", zone=BERLIN)
        first, second = (local(BERLIN, 2026, 10, 25, 2, 30, fold=fold) for fold in (0, 1))
        assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=1)
        assert nights.is_open(first)
        assert nights.is_open(second)
        assert not nights.is_open(local(BERLIN, 2026, 10, 25, 3))

    def test_the_morning_after_either(self) -> None:
        for zone, day, before, after in (
            (BERLIN, (2026, 3, 29), 1, 2),
            (BERLIN, (2026, 10, 25), 2, 1),
            (NEW_YORK, (2026, 3, 8), -5, -4),
            (NEW_YORK, (2026, 11, 1), -4, -5),
        ):
            opens = hours(*SPANS, zone=zone).next_open(local(zone, *day, 0))
            assert opens == local(zone, *day, 9)
            assert opens == datetime(*day, 9, tzinfo=UTC) - timedelta(hours=after)
            assert local(zone, *day, 0).utcoffset() == timedelta(hours=before)


class TestOtherPartOfTheDay:
    @pytest.mark.parametrize(
        ("tried", "earliest", "expected"),
        [
            ((10, 0), (11, 0), (2, 14, 0)),
            ((15, 0), (16, 0), (2, 18, 0)),
            ((19, 0), (19, 30), (3, 9, 0)),
            ((10, 0), (14, 30), (2, 14, 30)),
            ((15, 0), (20, 30), (3, 9, 0)),
        ],
    )
    def test_of_usual_hours(
        self, tried: tuple[int, int], earliest: tuple[int, int], expected: tuple[int, int, int]
    ) -> None:
        found = hours(*SPANS).next_open_in_other_part(
            local(SHANGHAI, 2026, 3, 2, *earliest), unlike=local(SHANGHAI, 2026, 3, 2, *tried)
        )
        assert found == local(SHANGHAI, 2026, 3, *expected)

    def test_from_its_very_first_minute(self) -> None:
        """Shortly before noon: the afternoon is not begun late."""
        found = hours("09:00-12:10").next_open_in_other_part(
            local(SHANGHAI, 2026, 3, 2, 11, 55), unlike=local(SHANGHAI, 2026, 3, 2, 10)
        )
        assert found == local(SHANGHAI, 2026, 3, 2, 12)

    def test_none_within_three_days(self) -> None:
        at = local(SHANGHAI, 2026, 3, 2, 10)
        assert hours("09:00-12:00").next_open_in_other_part(at, unlike=at) is None


SPAN = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[0] < span[1])
WEEK = st.tuples(*[st.lists(SPAN.map(lambda span: f"{_clock(span[0])}-{_clock(span[1])}"), max_size=2).map(tuple)] * 7)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@given(
    WEEK,
    st.sampled_from([SHANGHAI, BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Havana")]),
    st.sampled_from([datetime(2026, 3, 7), datetime(2026, 3, 28), datetime(2026, 10, 24), datetime(2026, 10, 31)]),
    st.integers(0, 3 * 24 * 60),
    st.integers(-24 * 60, 0),
)
def test_what_is_found_is_open_and_nothing_before_it_is(
    week: tuple[tuple[str, ...], ...], zone: ZoneInfo, day: datetime, minutes: int, tried: int
) -> None:
    found_hours = calling_hours(Windows(week=week), zone, lambda _day: None)
    after = day.replace(tzinfo=UTC) + timedelta(minutes=minutes)
    found = found_hours.next_open(after)
    last = found if found is not None else after + timedelta(days=2)
    looked = after
    while looked < min(last, after + timedelta(days=2)):
        assert not found_hours.is_open(looked)
        looked += timedelta(minutes=1)
    if found is not None:
        assert found_hours.is_open(found)
    unlike = after + timedelta(minutes=tried)
    other = found_hours.next_open_in_other_part(after, unlike=unlike)
    if other is not None:
        assert other >= after
        assert found_hours.is_open(other)
        assert _part(other, zone) != _part(unlike, zone)


def _part(at: datetime, zone: ZoneInfo) -> str:
    hour = at.astimezone(zone).hour
    return "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
