"""A period cut into quarter hours, hours, days, weeks or months of the hospital's own clock.

On the day on which the clocks change a day has 23 or 25 hours, and the hour that comes twice is two intervals.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Interval(StrEnum):
    """``period``: the whole of it is one."""

    QUARTER_HOUR = "quarter_hour"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    PERIOD = "period"


_MINUTES = {Interval.QUARTER_HOUR: 15, Interval.HOUR: 60}
_FIRST_DAYS: Mapping[Interval, Callable[[date], date]] = {
    Interval.DAY: lambda day: day,
    Interval.WEEK: lambda day: day - timedelta(days=day.weekday()),
    Interval.MONTH: lambda day: day.replace(day=1),
}
_LONGER_THAN = {
    Interval.DAY: timedelta(days=1),
    Interval.WEEK: timedelta(days=7),
    Interval.MONTH: timedelta(days=31),
}


def borders(start: datetime, end: datetime, interval: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    """``start``, every time between them at which an interval begins, and ``end``; in UTC.

    So the first and the last interval may be cut. ``start`` before ``end``, both aware.
    """
    at = start.astimezone(UTC)
    end = end.astimezone(UTC)
    while at < end:
        yield at
        at = _next(at, interval, zone) if interval is not Interval.PERIOD else end
    yield end


def _next(at: datetime, interval: Interval, zone: ZoneInfo) -> datetime:
    """The first time after ``at`` at which an interval begins."""
    if interval in _MINUTES:
        minutes = _MINUTES[interval]
        began = _floor(at, minutes, zone)
        after = began + timedelta(minutes=minutes)
        floored = _floor(after, minutes, zone)  # not the same where the clocks change by half an hour
        return floored if floored > at else after
    first_day = _FIRST_DAYS[interval]
    today = first_day(at.astimezone(zone).date())
    following = first_day(today + _LONGER_THAN[interval])
    return datetime.combine(following, time(), zone).astimezone(UTC)


def _floor(at: datetime, minutes: int, zone: ZoneInfo) -> datetime:
    local = at.astimezone(zone)
    return local.replace(minute=local.minute - local.minute % minutes, second=0, microsecond=0).astimezone(UTC)
