"""To which visit a mark belongs, and what else callers leave behind."""

import pytest

from callcenter.calls.derive import DerivedCall, derive_call
from tests.support.ledger_tables import Ledger, scenario, table


def derive(ledger: Ledger) -> DerivedCall:
    call = derive_call(ledger.events[0].linkedid, ledger.events, ledger.queue_records)
    assert call is not None
    return call


def said(name: str, *lines: str) -> DerivedCall:
    """The recorded call, with ``time EVENT detail`` on the caller's channel."""
    ledger = scenario(name)
    main = ledger.events[0]
    text = "\n".join(
        f"{at} {kind} {main.channel} {main.uniqueid} {main.linkedid} {detail}"
        for at, kind, detail in (line.split() for line in lines)
    )
    return derive(ledger + table(text))


def test_as_recorded_on_a_real_asterisk() -> None:
    call = derive(scenario("rated_with_remark"))
    assert ([visit.rating for visit in call.visits], call.rating) == ([2], 2)
    assert [(tape.file, tape.purpose, tape.queue_name) for tape in call.recordings] == [
        (f"remark-{call.id}-1.wav", "remark", None)
    ]


def test_a_mark_is_for_the_visit_before_it() -> None:
    call = said("agent_hangs_up", "3.6823 CC_RATING mark=4")
    assert ([visit.rating for visit in call.visits], call.rating) == ([4], 4)


def test_of_two_visits_the_last_that_was_answered() -> None:
    call = said("blind_to_queue", "6.681 CC_RATING mark=2")
    assert [visit.rating for visit in call.visits] == [None, 2]


def test_a_mark_between_two_conversations_is_for_the_first() -> None:
    first = derive(scenario("blind_to_queue")).visits[0]
    assert first.answered_at is not None
    at = first.answered_at.second + first.answered_at.microsecond / 1e6 + 0.1
    call = said("blind_to_queue", f"{at:.6f} CC_RATING mark=2", "6.681 CC_RATING mark=5")
    assert ([visit.rating for visit in call.visits], call.rating) == ([2, 5], 5)


def test_the_last_mark_counts() -> None:
    call = said("agent_hangs_up", "3.6823 CC_RATING mark=1", "3.6824 CC_RATING mark=3")
    assert ([visit.rating for visit in call.visits], call.rating) == ([3], 3)


@pytest.mark.parametrize("mark", ["0", "6", "55", "", "x"])
def test_what_is_no_mark_is_none(mark: str) -> None:
    call = said("agent_hangs_up", f"3.6823 CC_RATING mark={mark}")
    assert (call.visits[0].rating, call.rating) == (None, None)


def test_without_an_answered_visit_a_mark_stays_with_the_call() -> None:
    call = said("timeout", "9.9 CC_RATING mark=3")
    assert ([visit.rating for visit in call.visits], call.rating) == ([None], 3)


def test_recordings_of_a_call() -> None:
    call = said(
        "agent_hangs_up",
        "3.68221 CC_RECORD purpose=complaint:day=20260105",
        "3.68222 CC_RECORD purpose=message:day=20260105:number=1:queue=consultation",
        "3.68223 CC_RECORD purpose=remark:day=20260105:number=2",
        "3.68224 CC_RECORD purpose=message:day=20260105:number=x:queue=../x",
        "3.68225 CC_RECORD purpose=../x:day=20260105",
    )
    uniqueid = call.id
    assert [(recording.file, recording.queue_name) for recording in call.recordings] == [
        (f"20260105/complaint-{uniqueid}.wav", None),
        (f"message-{uniqueid}-1.wav", "consultation"),
        (f"remark-{uniqueid}-2.wav", None),
        (f"20260105/message-{uniqueid}.wav", None),
    ]


def test_whom_a_complaint_is_about() -> None:
    assert said("agent_hangs_up", "3.6823 CC_COMPLAINT patient=").about_agent_number is None
    call = said("agent_hangs_up", "3.6823 CC_COMPLAINT patient=", "3.6824 CC_COMPLAINT patient=:agent=1001")
    assert call.about_agent_number == "1001"
