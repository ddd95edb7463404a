"""Intervals of the hospital's own clock, also where the clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.reports.intervals import Interval, borders

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def told(start: str, end: str, interval: Interval, zone: ZoneInfo = SHANGHAI) -> list[str]:
    """Borders on the zone's own clock; ``start`` and ``end`` too."""
    first, last = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (start, end))
    found = borders(first, last, interval, zone)
    return [f"{border.astimezone(zone):%m-%d %H:%M}" for border in found]


def test_the_first_and_the_last_interval_may_be_cut() -> None:
    assert told("2026-01-05 08:50", "2026-01-05 09:20", Interval.QUARTER_HOUR) == [
        "01-05 08:50",
        "01-05 09:00",
        "01-05 09:15",
        "01-05 09:20",
    ]
    assert told("2026-01-05 08:50", "2026-01-05 10:00", Interval.HOUR) == ["01-05 08:50", "01-05 09:00", "01-05 10:00"]
    assert told("2026-01-05 08:50", "2026-01-07 00:00", Interval.DAY) == ["01-05 08:50", "01-06 00:00", "01-07 00:00"]
    # 2026-01-05 is a Monday
    assert told("2026-01-07 00:00", "2026-01-13 00:00", Interval.WEEK) == ["01-07 00:00", "01-12 00:00", "01-13 00:00"]
    assert told("2026-01-31 00:00", "2026-04-02 00:00", Interval.MONTH) == [
        "01-31 00:00",
        "02-01 00:00",
        "03-01 00:00",
        "04-01 00:00",
        "04-02 00:00",
    ]
    assert told("2026-01-05 08:50", "2026-02-05 09:20", Interval.PERIOD) == ["01-05 08:50", "02-05 09:20"]


def test_days_on_which_the_clocks_change() -> None:
    spring = list(
        borders(datetime(2026, 3, 28, tzinfo=BERLIN), datetime(2026, 3, 31, tzinfo=BERLIN), Interval.DAY, BERLIN)
    )
    assert [(after - before) for before, after in pairwise(spring)] == [
        timedelta(hours=hours) for hours in (24, 23, 24)
    ]
    assert told("2026-03-29 00:00", "2026-03-29 05:00", Interval.HOUR, BERLIN) == [
        f"03-29 0{hour}:00" for hour in (0, 1, 3, 4, 5)
    ]
    assert told("2026-10-25 01:00", "2026-10-25 04:00", Interval.HOUR, BERLIN) == [
        f"10-25 0{hour}:00" for hour in (1, 2, 2, 3, 4)
    ]
    assert told("2026-10-04 01:00", "2026-10-04 04:00", Interval.HOUR, LORD_HOWE) == [
        "10-04 01:00",
        "10-04 02:30",
        "10-04 03:00",
        "10-04 04:00",
    ]


@pytest.mark.parametrize("interval", Interval)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    days=st.floats(0.01, 40),
    zone=st.sampled_from([SHANGHAI, BERLIN, LORD_HOWE, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Santiago")]),
)
def test_intervals_fill_the_period_and_each_border_is_one_of_the_clock(
    interval: Interval, start: datetime, days: float, zone: ZoneInfo
) -> None:
    if interval in (Interval.QUARTER_HOUR, Interval.HOUR):
        days /= 20  # as many borders as a day has are enough
    end = start + timedelta(days=days)
    found = list(borders(start, end, interval, zone))
    assert (found[0], found[-1]) == (start, end)
    assert all(before < after for before, after in pairwise(found))
    for border in found[1:-1]:
        local = border.astimezone(zone)
        assert (local.second, local.microsecond) == (0, 0)
        assert local.minute % 15 == 0
        if interval is Interval.WEEK:
            assert local.weekday() == 0
        if interval is Interval.MONTH:
            assert local.day == 1
