"""Calls under which the clock was set: nothing negative, nothing open for ever, the right order."""

from datetime import timedelta

import pytest

from callcenter.asterisk.ledger import CelRecord
from callcenter.calls.clock_steps import in_order
from callcenter.calls.derive import DerivedCall, derive_call
from tests.support.ledger_tables import scenario

FIVE_MINUTES = timedelta(minutes=5)
STORIES = ("agent_hangs_up", "caller_hangs_up_waiting", "timeout", "hold", "blind_to_queue", "callback_answered")


def stepped(events: list[CelRecord], index: int, step: timedelta) -> list[CelRecord]:
    """The clock is set by ``step`` before event ``index``."""
    return [event._replace(at=event.at + step) if at >= index else event for at, event in enumerate(events)]


def derive(name: str, events: list[CelRecord]) -> DerivedCall:
    call = derive_call(scenario(name).events[0].linkedid, events, scenario(name).queue_records)
    assert call is not None
    return call


def gist(call: DerivedCall) -> tuple[object, ...]:
    return (call.state, call.outcome, [(visit.outcome, visit.reason) for visit in call.visits], len(call.steps))


@pytest.mark.parametrize("name", STORIES)
def test_set_back_anywhere_the_call_is_the_same_and_not_longer(name: str) -> None:
    events = scenario(name).events
    true = derive(name, events)
    for index in range(len(events)):
        call = derive(name, stepped(events, index, -FIVE_MINUTES))
        assert gist(call) == gist(true), index
        durations = [call.wait_seconds, call.talk_seconds, call.hold_seconds, call.duration_seconds]
        assert all(seconds >= 0 for seconds in durations), index
        assert call.duration_seconds <= true.duration_seconds + 0.001, index
        assert call.talk_seconds <= true.talk_seconds + 0.001, index


@pytest.mark.parametrize("name", STORIES)
def test_set_forward_anywhere_the_call_is_the_same_and_longer_by_the_step_at_most(name: str) -> None:
    events = scenario(name).events
    true = derive(name, events)
    for index in range(len(events)):
        call = derive(name, stepped(events, index, FIVE_MINUTES))
        assert gist(call) == gist(true), index
        assert call.duration_seconds <= true.duration_seconds + FIVE_MINUTES.total_seconds() + 0.001, index


def test_lines_a_moment_apart_are_sorted_by_time_as_ever() -> None:
    events = scenario("agent_hangs_up").events
    swapped = [*events[:3], events[4], events[3], *events[5:]]
    assert in_order(swapped) == sorted(events, key=lambda event: event.at)
