"""The published lists: China's as the State Council announced it, other countries', and years nobody knows yet."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from callcenter.calendar.public_days import Place, find_public_day, public_year, read_lists


@pytest.mark.parametrize(
    ("day", "kind", "name_zh"),
    [
        # State Council, General Office, notice on the holidays of 2026
        ("2026-01-01", "holiday", "元旦"),
        ("2026-01-04", "workday", "元旦"),
        ("2026-02-14", "workday", "春节"),
        ("2026-02-15", "holiday", "春节"),
        ("2026-02-23", "holiday", "春节"),
        ("2026-02-28", "workday", "春节"),
        ("2026-04-06", "holiday", "清明"),
        ("2026-05-09", "workday", "劳动节"),
        ("2026-06-19", "holiday", "端午"),
        ("2026-09-20", "workday", "国庆节"),
        ("2026-09-25", "holiday", "中秋"),
        ("2026-10-07", "holiday", "国庆节"),
        ("2026-10-10", "workday", "国庆节"),
    ],
)
def test_china_2026(day: str, kind: str, name_zh: str) -> None:
    fact = find_public_day("CN", date.fromisoformat(day))
    assert fact is not None
    assert (fact.kind, fact.name_zh) == (kind, name_zh)
    assert fact.name_en
    assert fact.name_en.isascii()


@pytest.mark.parametrize("day", ["2026-01-05", "2026-01-10", "2026-01-11", "2026-10-08"])
def test_plain_days_and_weekends_are_as_their_weekday(day: str) -> None:
    assert find_public_day("CN", date.fromisoformat(day)) is None


def test_all_of_china_2026() -> None:
    year = public_year("CN", 2026)
    assert year.source == "published"
    assert sum(fact.kind == "holiday" for fact in year.days.values()) == 33
    assert sum(fact.kind == "workday" for fact in year.days.values()) == 6


def test_a_year_whose_list_is_not_published_has_the_statutory_days() -> None:
    year = public_year("CN", 2099)
    assert year.source == "preliminary"
    assert {date(2099, 1, 1), date(2099, 5, 1), date(2099, 10, 1)} <= set(year.days)
    assert year.days[date(2099, 1, 1)].name_zh == "元旦"
    assert {fact.kind for fact in year.days.values()} == {"holiday"}


@pytest.mark.parametrize("year", [2000, 2003, 2004, 2050, 2099])
def test_each_year_of_the_api_has_days_of_its_own(year: int) -> None:
    days = public_year("CN", year).days
    assert days
    assert {day.year for day in days} == {year}


def test_another_country() -> None:
    fact = find_public_day("DE", date(2026, 10, 3))
    assert fact is not None
    assert (fact.kind, fact.name_en) == ("holiday", "German Unity Day")
    assert public_year("DE", 2099).source == "published"


def test_a_country_that_nobody_knows_has_no_holidays() -> None:
    assert public_year("XX", 2026).source == "unknown"
    assert public_year("XX", 2026).days == {}


def test_the_lists_of_two_years_are_read_ahead() -> None:
    public_year.cache_clear()
    new_year = datetime(2025, 12, 31, 16, tzinfo=UTC)
    read_lists(Place(ZoneInfo("Asia/Shanghai"), "CN"), new_year)
    misses = public_year.cache_info().misses
    assert misses == 2
    assert find_public_day("CN", date(2026, 10, 1)) is not None
    find_public_day("CN", date(2027, 1, 1))
    assert public_year.cache_info().misses == misses
