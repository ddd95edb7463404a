"""How many codes may be wrong: never more than the limit in any window, however guesses lie in time."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.core.config import Settings
from callcenter.patients.code_guard import Budget, CodeLimits, Scope

WINDOW = timedelta(minutes=15)
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def minutes(*offsets: float) -> tuple[datetime, ...]:
    return tuple(START + timedelta(minutes=offset) for offset in offsets)


def budget(*failed: float, limit: int = 5) -> Budget:
    return Budget(limit, WINDOW, minutes(*failed))


def most_in_any_window(times: list[datetime]) -> int:
    """The fullest half-open window that begins at one of them (no other is fuller)."""
    times = sorted(times)
    return max((bisect_left(times, one + WINDOW) - index for index, one in enumerate(times)), default=0)


def test_five_wrong_codes_lock_for_a_window_after_the_last() -> None:
    assert not budget(0, 1, 2, 3).is_locked(*minutes(3))
    locked = budget(0, 1, 2, 3, 14)
    assert locked.locked_until == minutes(29)[0]
    assert locked.is_locked(*minutes(28.99))
    assert not locked.is_locked(*minutes(29))


def test_wrong_codes_spread_over_more_than_a_window_lock_nothing() -> None:
    assert budget(0, 4, 8, 12, 15).locked_until is None


def test_a_right_code_gives_its_place_back() -> None:
    (at,) = minutes(4)
    assert budget(0, 1, 2, 3).take(at).is_locked(at)
    assert budget(0, 1, 2, 3).take(at).give_back(at) == budget(0, 1, 2, 3)


def test_of_two_at_the_same_moment_one_is_given_back() -> None:
    assert budget(0, 1, 1).give_back(*minutes(1)) == budget(0, 1)


def test_giving_back_after_an_unlock_changes_nothing() -> None:
    assert budget().give_back(*minutes(1)) == budget()


def test_a_lowered_limit_counts_the_latest_and_a_raised_one_waits_for_more() -> None:
    assert budget(0, 1, 2, 3, 4, limit=2).is_locked(*minutes(5))
    assert budget(0, 1, limit=3).locked_until is None


_ATTEMPTS = st.lists(
    st.tuples(st.floats(min_value=0, max_value=20, allow_nan=False), st.booleans()), min_size=1, max_size=120
)
"""Minutes since the attempt before, and whether the code is right."""


@settings(deadline=None)
@given(limit=st.integers(1, 6), attempts=_ATTEMPTS)
def test_no_window_holds_more_wrong_codes_than_the_limit(limit: int, attempts: list[tuple[float, bool]]) -> None:
    state, at = Budget(limit, WINDOW), START
    wrong: list[datetime] = []
    for pause, right in attempts:
        at += timedelta(minutes=pause)
        if state.is_locked(at):
            assert len(wrong) >= limit  # nobody is locked who has not earned it
            assert at < wrong[-1] + WINDOW  # and for no longer than a window
            continue
        state = state.take(at)
        if right:
            state = state.give_back(at)
        else:
            wrong.append(at)
    assert most_in_any_window(wrong) <= limit


@settings(deadline=None)
@given(
    limit=st.integers(1, 6),
    steps=st.lists(
        st.tuples(st.floats(min_value=0, max_value=10, allow_nan=False), st.integers(0, 3), st.booleans()),
        max_size=120,
    ),
)
def test_nor_when_guesses_overlap(limit: int, steps: list[tuple[float, int, bool]]) -> None:
    """Each step either begins a guess or ends the oldest open one; a guess that never ends counts as wrong."""
    state, at = Budget(limit, WINDOW), START
    wrong: list[datetime] = []
    open_guesses: list[datetime] = []
    for pause, what, right in steps:
        at += timedelta(minutes=pause)
        if what and not state.is_locked(at):
            state = state.take(at)
            open_guesses.append(at)
        elif not what and open_guesses:
            begun = open_guesses.pop(0)
            if right:
                state = state.give_back(begun)
            else:
                wrong.append(begun)
    assert most_in_any_window(wrong + open_guesses) <= limit


def test_each_scope_has_its_setting() -> None:
    chosen = Settings(
        check_code_limit_card=2,
        check_code_limit_caller=3,
        check_code_limit_trunk=4,
        check_code_limit_line=5,
        check_code_window_minutes=6,
    )
    limits = CodeLimits.of(chosen)
    assert [limits.budget(scope).limit for scope in Scope] == [2, 3, 4, 5]
    assert limits.window == timedelta(minutes=6)
    assert CodeLimits.of(Settings()) == CodeLimits()
