"""When an alarm is raised and cleared: by table, and what holds for any values at all."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.alarms.rule_policy import Comparison, Limits, Phase, Standing, look

T0 = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LONGEST_WAIT = Limits("above", threshold=60, for_seconds=5, clear_threshold=30, clear_seconds=10)
FREE_AGENTS = Limits("below", threshold=1, for_seconds=0, clear_threshold=2, clear_seconds=0)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def story(limits: Limits, values: list[tuple[float, float | None]]) -> list[str]:
    """(second, value) to what was said at it."""
    standing: Standing | None = None
    said = []
    for second, value in values:
        step = look(standing, value, limits, at(second))
        standing = step.standing
        word = "raises" if step.raises else "clears" if step.clears else ""
        said.append(word or (standing.phase.value if standing else "well"))
    return said


@pytest.mark.parametrize(
    ("limits", "values", "said"),
    [
        (LONGEST_WAIT, [(0, 10), (1, 60)], ["well", "well"]),
        (LONGEST_WAIT, [(0, 61), (4.9, 66), (5, 66)], ["pending", "pending", "raises"]),
        (LONGEST_WAIT, [(0, 61), (3, 10), (6, 61), (10, 65)], ["pending", "well", "pending", "pending"]),
        (
            LONGEST_WAIT,
            [(0, 61), (5, 66), (6, 40), (7, 61), (8, 30), (17, 5), (18, 5), (19, 5)],
            ["pending", "raises", "raised", "raised", "clearing", "clearing", "clears", "well"],
        ),
        # what is neither bad nor good again begins the span anew
        (
            LONGEST_WAIT,
            [(0, 61), (5, 66), (6, 30), (15, 31), (16, 30), (25, 30), (26, 30)],
            ["pending", "raises", "clearing", "raised", "clearing", "clearing", "clears"],
        ),
        # nobody waits any more
        (LONGEST_WAIT, [(0, 61), (5, 66), (6, None), (16, None)], ["pending", "raises", "clearing", "clears"]),
        (LONGEST_WAIT, [(0, None), (1, None)], ["well", "well"]),
        # at once, both ways
        (FREE_AGENTS, [(0, 1), (1, 0), (2, 1), (3, 2)], ["well", "raises", "raised", "clears"]),
        # the clock is set back while it is pending, and while it is clearing
        (LONGEST_WAIT, [(100, 61), (0, 61), (4, 61), (5, 61)], ["pending", "pending", "pending", "raises"]),
        (
            LONGEST_WAIT,
            [(100, 61), (105, 61), (106, 0), (0, 0), (9, 0), (10, 0)],
            ["pending", "raises", "clearing", "clearing", "clearing", "clears"],
        ),
    ],
)
def test_stories(limits: Limits, values: list[tuple[float, float | None]], said: list[str]) -> None:
    assert story(limits, values) == said


@pytest.mark.parametrize(
    ("comparison", "threshold", "clear", "in_order"),
    [("above", 60, 60, True), ("above", 60, 61, False), ("below", 80, 80, True), ("below", 80, 79, False)],
)
def test_the_clear_threshold_lies_on_the_good_side(
    comparison: Comparison, threshold: float, clear: float, in_order: bool
) -> None:
    limits = replace(LONGEST_WAIT, comparison=comparison, threshold=threshold, clear_threshold=clear)
    assert limits.are_in_order() is in_order


numbers = st.floats(-1000, 1000)
spans = st.floats(0, 600)


@st.composite
def any_limits(draw: st.DrawFn) -> Limits:
    comparison: Comparison = draw(st.sampled_from(["above", "below"]))
    threshold, other = draw(numbers), abs(draw(numbers))
    clear = threshold - other if comparison == "above" else threshold + other
    return Limits(comparison, threshold, draw(spans), clear, draw(spans))


looks = st.lists(st.tuples(st.floats(0, 300), numbers | st.none()), max_size=60)


@given(any_limits(), looks)
def test_raised_and_cleared_take_turns_and_neither_comes_too_early(
    limits: Limits, steps: list[tuple[float, float | None]]
) -> None:
    standing: Standing | None = None
    open_alarm, present = False, T0
    bad_since: datetime | None = None
    good_since: datetime | None = None
    for pause, value in steps:
        present += timedelta(seconds=pause)
        bad_since = (bad_since or present) if limits.is_bad(value) else None
        good_since = (good_since or present) if limits.is_good(value) else None
        step = look(standing, value, limits, present)
        standing = step.standing
        assert not (step.raises and step.clears)
        if step.raises:
            assert not open_alarm
            assert bad_since is not None
            assert (present - bad_since).total_seconds() >= limits.for_seconds
            open_alarm = True
        if step.clears:
            assert open_alarm
            assert good_since is not None
            assert (present - good_since).total_seconds() >= limits.clear_seconds
            open_alarm = False
        assert open_alarm == (standing is not None and standing.phase is not Phase.PENDING)


@given(any_limits(), numbers)
def test_what_stays_bad_is_raised_once_and_what_stays_away_is_cleared(limits: Limits, value: float) -> None:
    standing: Standing | None = None
    raised = 0
    for second in range(0, 700, 5):
        step = look(standing, value, limits, at(second))
        standing, raised = step.standing, raised + step.raises
    assert raised == limits.is_bad(value)
    cleared = 0
    for second in range(700, 1400, 5):
        step = look(standing, None, limits, at(second))
        standing, cleared = step.standing, cleared + step.clears
    assert cleared == raised
    assert standing is None


@given(any_limits(), numbers)
def test_nothing_is_bad_and_good_at_once(limits: Limits, value: float) -> None:
    assert not (limits.is_bad(value) and limits.is_good(value))
