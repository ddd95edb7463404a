"""Days of the Chinese lunar calendar, 2000 to 2100. Pure.

The lengths of the months are those of the Hong Kong Observatory's Gregorian-Lunar calendar conversion tables, in the
usual packing: bits 15 to 4 are months 1 to 12 (1: 30 days, 0: 29), bits 3 to 0 the month that is followed by its leap
month (0: none), bit 16 whether that leap month has 30 days. tests/unit/calendar/test_lunar.py compares the festivals
that the library ``holidays`` knows.
"""

from datetime import date, timedelta

_FIRST_YEAR = 2000
_FIRST_DAY = date(2000, 2, 5)
"""The first day of the first month of the first year."""
_YEARS = (
    0x0C960, 0x0D954, 0x0D4A0, 0x0DA50, 0x07552, 0x056A0, 0x0ABB7, 0x025D0, 0x092D0, 0x0CAB5,
    0x0A950, 0x0B4A0, 0x0BAA4, 0x0AD50, 0x055D9, 0x04BA0, 0x0A5B0, 0x15176, 0x052B0, 0x0A930,
    0x07954, 0x06AA0, 0x0AD50, 0x05B52, 0x04B60, 0x0A6E6, 0x0A4E0, 0x0D260, 0x0EA65, 0x0D530,
    0x05AA0, 0x076A3, 0x096D0, 0x04AFB, 0x04AD0, 0x0A4D0, 0x1D0B6, 0x0D250, 0x0D520, 0x0DD45,
    0x0B5A0, 0x056D0, 0x055B2, 0x049B0, 0x0A577, 0x0A4B0, 0x0AA50, 0x1B255, 0x06D20, 0x0ADA0,
    0x14B63, 0x09370, 0x049F8, 0x04970, 0x064B0, 0x168A6, 0x0EA50, 0x06B20, 0x1A6C4, 0x0AAE0,
    0x092E0, 0x0D2E3, 0x0C960, 0x0D557, 0x0D4A0, 0x0DA50, 0x05D55, 0x056A0, 0x0A6D0, 0x055D4,
    0x052D0, 0x0A9B8, 0x0A950, 0x0B4A0, 0x0B6A6, 0x0AD50, 0x055A0, 0x0ABA4, 0x0A5B0, 0x052B0,
    0x0B273, 0x06930, 0x07337, 0x06AA0, 0x0AD50, 0x14B55, 0x04B60, 0x0A570, 0x054E4, 0x0D160,
    0x0E968, 0x0D520, 0x0DAA0, 0x16AA6, 0x056D0, 0x04AE0, 0x0A9D4, 0x0A2D0, 0x0D150, 0x0F252,
    0x0D520,
)  # fmt: skip


def solar_day(year: int, month: int, day: int) -> date | None:
    """The day of the lunar ``year`` (which begins in January or February of the solar one), of a month that is no
    leap month; None: a year that is not known.

    The 30th of a month of 29 days is its last day, so that 12-30 is New Year's Eve of every year. Raises ValueError
    for what no month has.
    """
    if not (1 <= month <= 12 and 1 <= day <= 30):
        raise ValueError("no day of the lunar calendar")
    if not _FIRST_YEAR <= year < _FIRST_YEAR + len(_YEARS):
        return None
    before = sum(_days_before(packed, 13) for packed in _YEARS[: year - _FIRST_YEAR])
    packed = _YEARS[year - _FIRST_YEAR]
    in_month = min(day, _length(packed, month))
    return _FIRST_DAY + timedelta(days=before + _days_before(packed, month) + in_month - 1)


def is_lunar_day(on: date, month: int, day: int) -> bool:
    """Whether ``on`` is this day of the lunar calendar, of its own year or of the one that began in the year before."""
    return on in (solar_day(on.year, month, day), solar_day(on.year - 1, month, day))


def _length(packed: int, month: int) -> int:
    return 30 if packed >> (16 - month) & 1 else 29


def _days_before(packed: int, month: int) -> int:
    """Days of a year before a month of it; month 13: of the whole year."""
    leap = packed & 0xF
    days = sum(_length(packed, one) for one in range(1, month))
    if leap and leap < month:
        days += 30 if packed >> 16 & 1 else 29
    return days
