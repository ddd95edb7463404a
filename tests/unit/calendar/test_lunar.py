"""The table of lunar months against festivals that another source knows, and days that everybody knows."""

from datetime import date, timedelta

import holidays
import pytest

from callcenter.calendar.lunar import is_lunar_day, solar_day

KNOWN = {
    (2000, 1, 1): date(2000, 2, 5),
    (2023, 8, 15): date(2023, 9, 29),  # behind the leap second month
    (2025, 1, 15): date(2025, 2, 12),
    (2025, 7, 7): date(2025, 8, 29),  # behind the leap sixth month
    (2026, 1, 1): date(2026, 2, 17),
    (2026, 5, 5): date(2026, 6, 19),
    (2026, 8, 15): date(2026, 9, 25),
    (2026, 9, 9): date(2026, 10, 18),
    (2025, 12, 8): date(2026, 1, 26),
    (2025, 12, 30): date(2026, 2, 16),  # that month has 29 days
    (2033, 8, 15): date(2033, 9, 8),  # the year whose leap month old tables have wrong
    (2100, 1, 1): date(2100, 2, 9),
}


@pytest.mark.parametrize(("lunar", "solar"), KNOWN.items())
def test_known_days(lunar: tuple[int, int, int], solar: date) -> None:
    assert solar_day(*lunar) == solar
    assert is_lunar_day(solar, *lunar[1:])
    assert not is_lunar_day(solar + timedelta(days=1), *lunar[1:])


def test_the_festivals_of_a_century_agree() -> None:
    """holidays has tables of its own, for the days that are free in China, Hong Kong and Macau."""
    years = range(2008, 2100)  # from when on they are free days in China
    china = holidays.country_holidays("CN", years=years, language="en_US")
    macau = holidays.country_holidays("MO", years=years, language="en_US")
    compared = 0
    for known, name, month, day in (
        (china, "Chinese New Year (Spring Festival)", 1, 1),
        (china, "Dragon Boat Festival", 5, 5),
        (china, "Mid-Autumn Festival", 8, 15),
        (macau, "Double Ninth Festival", 9, 9),
    ):
        for year in years:
            solar = solar_day(year, month, day)
            assert solar is not None
            assert name in (known.get(solar) or ""), (name, year)
            compared += 1
    assert compared == 4 * 92


def test_what_no_month_has_and_years_beyond_the_table() -> None:
    assert solar_day(1999, 1, 1) is None
    assert solar_day(2101, 1, 1) is None
    for month, day in ((0, 1), (13, 1), (1, 0), (1, 31)):
        with pytest.raises(ValueError, match="lunar"):
            solar_day(2026, month, day)
