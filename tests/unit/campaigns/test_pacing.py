"""How fast is dialled, on a machine whose ticks come when they can."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns.pacing import Pacer

ALL = 10_000


def begun(pacer: Pacer, ticks: list[float], most: int = ALL) -> list[tuple[float, int]]:
    """How many calls each tick began."""
    found = []
    for at in ticks:
        calls = pacer.due(at, most)
        pacer.spend(calls)
        found.append((at, calls))
    return found


def jittering(seconds: float, seed: int = 1) -> list[float]:
    """About ten a second; some late, some very soon after."""
    luck = random.Random(seed)  # noqa: S311 - the same every time
    at, ticks = 1_000.0, []
    while at < 1_000 + seconds:
        ticks.append(at)
        at += luck.uniform(0.05, 0.15) + (luck.random() < 0.02) * 0.5
    return ticks


@pytest.mark.parametrize("rate", [0.5, 1.0, 1.5, 3.0, 20.0, 33.3, 100.0])
def test_the_rate_within_two_percent_over_two_minutes(rate: float) -> None:
    calls = sum(number for _, number in begun(Pacer(rate), jittering(120)))
    assert calls == pytest.approx(120 * rate, rel=0.02, abs=1)


def test_spread_evenly() -> None:
    for at, calls in begun(Pacer(20), [1_000 + number / 10 for number in range(1_200)])[1:]:
        assert 1 <= calls <= 3, at


def test_the_first_goes_at_once() -> None:
    assert Pacer(0.1).due(5.0, ALL) == 1


@pytest.mark.parametrize(("rate", "burst"), [(1.0, 1), (20.0, 20), (0.1, 1), (33.3, 33)])
def test_a_stall_is_not_made_good_beyond_a_second(rate: float, burst: int) -> None:
    pacer = Pacer(rate)
    begun(pacer, [0.0])
    assert pacer.due(3_600.0, ALL) == burst


def test_no_more_than_there_are_lines() -> None:
    pacer = Pacer(20)
    assert [calls for _, calls in begun(pacer, [0.0, 1.0, 2.0], most=7)] == [1, 7, 7]
    assert pacer.due(3.0, 0) == 0
    assert pacer.due(3.1, -5) == 0


def test_it_stands_still_without_a_rate() -> None:
    assert sum(calls for _, calls in begun(Pacer(0.0), [0.0, 1.0, 100.0])) == 1


def test_a_rate_that_is_lowered_counts_at_once() -> None:
    pacer = Pacer(100)
    begun(pacer, [0.0, 1.0])
    pacer.rate = 1.0
    assert sum(calls for _, calls in begun(pacer, [2.0, 3.0, 4.0])) <= 4


@given(st.floats(0.05, 200), st.lists(st.floats(0, 5), min_size=2, max_size=60), st.lists(st.integers(0, 50)))
def test_never_negative_and_never_beyond_rate_and_burst(rate: float, gaps: list[float], lines: list[int]) -> None:
    """Over every span of time, not only from the beginning on."""
    pacer, at, found = Pacer(rate), 0.0, []
    for number, gap in enumerate(gaps):
        at += gap
        calls = pacer.due(at, lines[number % len(lines)] if lines else ALL)
        assert calls >= 0
        pacer.spend(calls)
        found.append((at, calls))
    for first in range(len(found)):
        for last in range(first, len(found)):
            span = found[last][0] - found[first][0]
            calls = sum(number for _, number in found[first : last + 1])
            assert calls <= span * rate + max(1.0, rate * pacer.burst_seconds) + 1
