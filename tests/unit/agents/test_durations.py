"""Durations of an agent's states: every moment at work is counted exactly once."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from callcenter.agents.durations import Durations, Period, State, StateSpan, state_of, sum_up, tell_spans
from callcenter.agents.models import Activity, Wanted
from callcenter.agents.watch_spans import merge

EIGHT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    at: datetime
    wanted: str = Wanted.AVAILABLE
    pause_reason: str | None = None
    activity: str = Activity.IDLE
    call_id: str | None = None


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


ALWAYS = [Period(at(-10_000), at(10_000))]


def minutes(value: float) -> timedelta:
    return timedelta(minutes=value)


def durations(rows: list[Row], start: float, end: float, watched: list[Period] = ALWAYS) -> Durations:
    return sum_up(tell_spans(rows, at(start), at(end), watched))


MORNING = [
    Row(at(0), Wanted.PAUSED),  # logged in
    Row(at(2)),
    Row(at(5), activity=Activity.RINGING, call_id="a"),
    Row(at(6), activity=Activity.ON_CALL, call_id="a"),
    Row(at(11), activity=Activity.WRAP_UP),
    Row(at(12)),
    Row(at(20), Wanted.PAUSED, "lunch"),
    Row(at(50)),
    Row(at(60), Wanted.LOGGED_OUT),
]


def test_a_morning() -> None:
    assert durations(MORNING, -30, 90) == Durations(
        available=minutes(3 + 8 + 10),
        ringing=minutes(1),
        on_call=minutes(5),
        wrap_up=minutes(1),
        paused={None: minutes(2), "lunch": minutes(30)},
    )
    assert durations(MORNING, -30, 90).logged_in == minutes(60)


def test_the_state_before_the_first_change_counts() -> None:
    assert durations([*MORNING[:3], MORNING[3]], 6.5, 7) == Durations(on_call=minutes(0.5))
    assert durations([], 0, 60) == Durations()


def test_the_spans_of_a_call_name_it() -> None:
    spans = list(tell_spans(MORNING, at(4), at(13), ALWAYS))
    assert spans == [
        StateSpan(at(4), at(5), State.AVAILABLE),
        StateSpan(at(5), at(6), State.RINGING, call_id="a"),
        StateSpan(at(6), at(11), State.ON_CALL, call_id="a"),
        StateSpan(at(11), at(12), State.WRAP_UP, call_id="a"),
        StateSpan(at(12), at(13), State.AVAILABLE),
    ]


def test_what_nobody_watched_is_not_guessed() -> None:
    """Somebody available may have talked; who is paused said so, also while no engine ran."""
    watched = [Period(at(-60), at(4)), Period(at(9), at(18)), Period(at(30), at(90))]
    assert durations(MORNING, 0, 60, watched) == Durations(
        available=minutes(2 + 6 + 10),
        on_call=minutes(2),
        wrap_up=minutes(1),
        unobserved=minutes(5 + 2),
        paused={None: minutes(2), "lunch": minutes(30)},
    )


def test_a_call_that_outlasts_the_log_out_is_work_while_somebody_watches() -> None:
    rows = [
        Row(at(0), activity=Activity.ON_CALL),
        Row(at(5), Wanted.LOGGED_OUT, activity=Activity.ON_CALL),
        Row(at(8), Wanted.LOGGED_OUT),
    ]
    assert durations(rows, 0, 60) == Durations(on_call=minutes(8))
    assert durations(rows, 0, 60, [Period(at(-1), at(6))]) == Durations(on_call=minutes(6))


def test_a_wrap_up_ended_late_ends_the_next_state_for_no_one() -> None:
    """The engine came back and ended at 3 what the agent had outdated at 10: the later row begins with the earlier."""
    rows = [
        Row(at(0), activity=Activity.WRAP_UP),
        Row(at(10), Wanted.PAUSED, "lunch", activity=Activity.WRAP_UP),
        Row(at(3), Wanted.PAUSED, "lunch"),
    ]
    assert durations(rows, 0, 20) == Durations(wrap_up=minutes(10), paused={"lunch": minutes(10)})


def test_what_each_moment_counts_as() -> None:
    found = {
        (wanted.value, activity.value): tuple(state_of(wanted, activity, watched=watched) for watched in (True, False))
        for wanted in Wanted
        for activity in Activity
    }
    unobserved, paused = State.UNOBSERVED, State.PAUSED
    assert found == {
        ("logged_out", "idle"): (None, None),
        ("logged_out", "ringing"): (State.RINGING, None),
        ("logged_out", "on_call"): (State.ON_CALL, None),
        ("logged_out", "wrap_up"): (State.WRAP_UP, None),
        ("available", "idle"): (State.AVAILABLE, unobserved),
        ("available", "ringing"): (State.RINGING, unobserved),
        ("available", "on_call"): (State.ON_CALL, unobserved),
        ("available", "wrap_up"): (State.WRAP_UP, unobserved),
        ("paused", "idle"): (paused, paused),
        ("paused", "ringing"): (State.RINGING, unobserved),
        ("paused", "on_call"): (State.ON_CALL, unobserved),
        ("paused", "wrap_up"): (State.WRAP_UP, unobserved),
    }


instants = st.integers(-600, 600).map(lambda microseconds: EIGHT + timedelta(microseconds=microseconds))
histories = st.lists(
    st.builds(
        Row,
        at=instants,
        wanted=st.sampled_from(Wanted),
        pause_reason=st.sampled_from([None, "lunch", "training"]),
        activity=st.sampled_from(Activity),
    ),
    max_size=12,
)
watches = st.lists(st.builds(Period, instants, instants), max_size=5)


@given(histories, watches, instants, instants)
def test_every_microsecond_is_counted_once(
    rows: list[Row], watches: list[Period], one: datetime, other: datetime
) -> None:
    """Against the slow way: what holds at each microsecond, one by one."""
    start, end = sorted((one, other))
    watched = merge(watches, start, end)
    counted: Counter[tuple[State, str | None]] = Counter()
    moment = start
    while moment < end:
        holding = None
        for row in rows:
            if row.at > moment:
                break
            holding = row
        if holding is not None:
            state = state_of(
                holding.wanted, holding.activity, watched=any(one.start <= moment < one.end for one in watches)
            )
            if state is not None:
                counted[state, holding.pause_reason if state is State.PAUSED else None] += 1
        moment += timedelta(microseconds=1)
    spans = list(tell_spans(rows, start, end, watched))
    found = sum_up(spans)
    assert found.logged_in == timedelta(microseconds=counted.total())
    told = {state: getattr(found, state) for state in State if state is not State.PAUSED}
    assert told == {state: timedelta(microseconds=counted[state, None]) for state in State if state is not State.PAUSED}
    assert found.paused == {
        reason: timedelta(microseconds=count) for (state, reason), count in counted.items() if state is State.PAUSED
    }
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert all(span.start < span.end for span in spans)


@given(histories, watches, instants, instants, instants)
def test_durations_of_parts_add_up_to_the_whole(
    rows: list[Row], watches: list[Period], one: datetime, two: datetime, three: datetime
) -> None:
    start, middle, end = sorted((one, two, three))
    watched = merge(watches, start, end)
    first, second, whole = (
        sum_up(tell_spans(rows, *period, watched)) for period in ((start, middle), (middle, end), (start, end))
    )
    assert first.logged_in + second.logged_in == whole.logged_in
    assert first.on_call + second.on_call == whole.on_call
    assert first.unobserved + second.unobserved == whole.unobserved
