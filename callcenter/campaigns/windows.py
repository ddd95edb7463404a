"""When a campaign may dial: its hours in the contact's time zone, holidays, make-up workdays, changes of the clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callcenter.calendar.policy import DayFact, Timetable, next_open_at
from callcenter.calendar.spans import DAY_MINUTES, Span, Spans
from callcenter.campaigns.rules import Windows

_NOON, _EVENING = 12, 18
_OTHER_PART_DAYS = 3
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CallingHours:
    """Of one campaign in one time zone; a closed moment is never within."""

    timetable: Timetable

    def is_open(self, at: datetime) -> bool:
        return self.timetable.is_open(at)

    def next_open(self, after: datetime) -> datetime | None:
        """The first open instant from ``after`` on (UTC); None if none comes within two months."""
        return next_open_at(self.timetable, after)

    def closes_at(self, at: datetime) -> datetime:
        """When the hours end in which ``at`` lies, an open moment; the day's end at the latest."""
        local = at.astimezone(self.timetable.zone)
        minute = local.hour * 60 + local.minute
        closes = next(span.closes_minute for span in self.timetable.hours_of(local.date()).spans if minute in span)
        day = local.date() + timedelta(days=closes // DAY_MINUTES)
        ends_at = datetime.combine(day, time(*divmod(closes % DAY_MINUTES, 60)), self.timetable.zone)
        return ends_at.astimezone(at.tzinfo)

    def next_open_in_other_part(self, after: datetime, *, unlike: datetime) -> datetime | None:
        """The first open instant in another part of the day than ``unlike``'s; None: none within three days."""
        part = self._part(unlike)
        at = self.next_open(after)
        end = after + timedelta(days=_OTHER_PART_DAYS)
        while at is not None and at < end:
            if self._part(at) != part:
                return at
            at = self.next_open(self._end_of_part(at))
        return None

    def _part(self, at: datetime) -> int:
        """Morning, afternoon, evening."""
        hour = at.astimezone(self.timetable.zone).hour
        return (hour >= _NOON) + (hour >= _EVENING)

    def _end_of_part(self, at: datetime) -> datetime:
        local = at.astimezone(self.timetable.zone)
        hour = (_NOON, _EVENING, 24)[self._part(at)]
        day = local.date() + timedelta(days=1) if hour == 24 else local.date()
        ends_at = datetime.combine(day, time(hour % 24), self.timetable.zone)
        return ends_at if ends_at > at else at + _HOUR  # whatever a change of the clock does, it goes on


def calling_hours(windows: Windows, zone: ZoneInfo, fact_of: Callable[[date], DayFact | None]) -> CallingHours:
    """``fact_of``: what is known of a day (calendar); not asked of campaigns that dial on holidays too."""
    return CallingHours(
        Timetable(
            week=[_spans(day) for day in windows.week],
            public_holiday=(),
            makeup_weekday=1,
            zone=zone,
            fact_of=(lambda _day: None) if windows.on_holidays else fact_of,
        )
    )


def _spans(day: Sequence[str]) -> Spans:
    return tuple(Span(*(_minute(text) for text in span.split("-"))) for span in day)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
