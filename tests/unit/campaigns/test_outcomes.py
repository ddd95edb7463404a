"""What an attempt came to, read off tables of the ledger."""

from typing import get_args

import pytest

from callcenter.asterisk.variables import format_way
from callcenter.calls.models import LedgerEvent
from callcenter.campaigns.models import Outcome
from callcenter.campaigns.outcomes import CONCLUSIONS, read_attempt, user_events
from callcenter.ivr.steps.conclude import Conclude
from tests.support.ledger_tables import T0, table

ATTEMPT = "pbx1-ca-gggggggggggggggggggggggggggggggh"
TRUNK = "PJSIP/trunk-00000001"
START = f"0.1 CHAN_START {TRUNK} ATTEMPT ATTEMPT exten=s"
ANSWER = f"4.0 ANSWER {TRUNK} ATTEMPT ATTEMPT"
CALL = f"4.1 CC_CALL {TRUNK} ATTEMPT ATTEMPT did=8000:caller=13800000001"
FLOW = f"4.2 CC_FLOW {TRUNK} ATTEMPT ATTEMPT flow=campaign_reminder:rev=0123456789ab"
END = f"30.1 LINKEDID_END {TRUNK} ATTEMPT ATTEMPT"


def hangup(cause: object = 16, source: str = TRUNK) -> str:
    detail = f'{{"hangupcause":{cause},"hangupsource":"{source}","dialstatus":""}}'
    return f"30.0 HANGUP {TRUNK} ATTEMPT ATTEMPT {detail}"


def said(outcome: str) -> str:
    return f"20.0 CC_CONCLUDE {TRUNK} ATTEMPT ATTEMPT outcome={outcome}"


def events(*lines: str) -> list[LedgerEvent]:
    records = table("\n".join(lines).replace("ATTEMPT", ATTEMPT)).events
    return [
        LedgerEvent(
            kind=record.kind,
            at=record.at,
            uniqueid=record.uniqueid,
            linkedid=record.linkedid,
            channel=record.channel,
            extra=dict(record.extra),
        )
        for record in records
    ]


def outcome_of(*lines: str, talked: bool = False) -> Outcome:
    return read_attempt(ATTEMPT, events(*lines), talked=talked).outcome


BY_US = "dialplan/builtin"


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (17, Outcome.BUSY),
        (19, Outcome.NO_ANSWER),
        (18, Outcome.NO_ANSWER),
        (21, Outcome.REJECTED),
        (1, Outcome.INVALID_NUMBER),
        (28, Outcome.INVALID_NUMBER),
        (34, Outcome.NETWORK_FAILURE),
        (38, Outcome.NETWORK_FAILURE),
        (20, Outcome.UNREACHABLE),
        (127, Outcome.UNREACHABLE),
        (0, Outcome.UNREACHABLE),
        (16, Outcome.UNREACHABLE),
    ],
)
def test_not_answered(cause: int, outcome: Outcome) -> None:
    reading = read_attempt(ATTEMPT, events(START, hangup(cause), END))
    assert (reading.outcome, reading.cause, reading.answered_at) == (outcome, cause, None)
    assert reading.dialled_at is not None
    assert (reading.dialled_at - T0).total_seconds() == 0.1


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ((), Outcome.NOT_PLACED),
        ((f"1.0 CHAN_START {TRUNK} pbx1-1.7 ATTEMPT exten=s",), Outcome.NOT_PLACED),
        ((START,), Outcome.UNKNOWN),
        ((START, ANSWER, CALL, FLOW), Outcome.UNKNOWN),
        ((START, ANSWER, CALL, FLOW, hangup(), END), Outcome.HUNG_UP_EARLY),
        ((START, ANSWER, CALL, FLOW, hangup(source=BY_US), END), Outcome.ANSWERED_NO_INPUT),
        ((START, ANSWER, CALL, FLOW, hangup(source=""), END), Outcome.ANSWERED_NO_INPUT),
        ((START, ANSWER, CALL, FLOW, said("completed"), hangup(), END), Outcome.COMPLETED),
        ((START, ANSWER, CALL, FLOW, said("completed"), hangup(source=BY_US), END), Outcome.COMPLETED),
        ((START, ANSWER, CALL, FLOW, said("opted_out"), hangup(), END), Outcome.OPTED_OUT),
        ((START, ANSWER, CALL, FLOW, said("wrong_person"), hangup(), END), Outcome.WRONG_PERSON),
        ((START, ANSWER, CALL, FLOW, said("machine"), hangup(source=BY_US), END), Outcome.MACHINE),
        # the last word counts, and only a word of ours
        ((START, ANSWER, CALL, said("answered_no_input"), said("completed"), hangup(), END), Outcome.COMPLETED),
        ((START, ANSWER, CALL, said("completed"), said("rubbish"), hangup(), END), Outcome.COMPLETED),
        ((START, ANSWER, CALL, said("busy"), hangup(), END), Outcome.HUNG_UP_EARLY),
        ((START, ANSWER, CALL, said(""), hangup(), END), Outcome.HUNG_UP_EARLY),
        # Asterisk died after the person had said it all
        ((START, ANSWER, CALL, FLOW, said("completed")), Outcome.COMPLETED),
        # the service was away: they heard that we are sorry
        (
            (START, ANSWER, CALL, f"6.0 CC_FALLBACK {TRUNK} ATTEMPT ATTEMPT why=sentinel", hangup(source=BY_US), END),
            Outcome.ABANDONED_BY_US,
        ),
        (
            (START, ANSWER, CALL, f"6.0 CC_FALLBACK {TRUNK} ATTEMPT ATTEMPT why=sentinel", hangup(), END),
            Outcome.ABANDONED_BY_US,
        ),
    ],
)
def test_read_off_the_lines(lines: tuple[str, ...], outcome: Outcome) -> None:
    assert outcome_of(*lines) is outcome


def test_an_agent_talked_with_the_person() -> None:
    seat = "PJSIP/seat-rose-00000002"
    lines = (
        *(START, ANSWER, CALL),
        f"6.0 CHAN_START {seat} pbx1-1.2 ATTEMPT exten=s",
        f"7.0 ANSWER {seat} pbx1-1.2 ATTEMPT",
        f"29.0 HANGUP {seat} pbx1-1.2 ATTEMPT " + '{"hangupcause":16,"hangupsource":"","dialstatus":""}',
        *(hangup(), END),
    )
    assert outcome_of(*lines, talked=True) is Outcome.COMPLETED
    assert outcome_of(*lines) is Outcome.HUNG_UP_EARLY
    assert outcome_of(*lines[:-2]) is Outcome.UNKNOWN  # the agent's hang-up is not the person's


def test_what_an_agent_says_of_it_counts_more_than_that_they_talked() -> None:
    lines = (START, ANSWER, CALL, said("wrong_person"), hangup(), END)
    assert outcome_of(*lines, talked=True) is Outcome.WRONG_PERSON


def test_when_it_was_answered() -> None:
    reading = read_attempt(ATTEMPT, events(START, ANSWER, hangup(), END))
    assert reading.answered_at is not None
    assert (reading.answered_at - T0).total_seconds() == 4.0


@pytest.mark.parametrize("cause", ["null", '"17"', '"x"', "{}"])
def test_a_cause_that_is_no_number_breaks_nothing(cause: str) -> None:
    assert outcome_of(START, hangup(cause), END) in (Outcome.BUSY, Outcome.UNREACHABLE, Outcome.INVALID_NUMBER)


def test_several_events_in_one_line() -> None:
    said_first = [("CC_FLOW", {"flow": "f", "rev": "0123456789ab"}), ("CC_STEP", {"flow": "f", "step": "a"})]
    way = f"9.0 CC_WAY {TRUNK} ATTEMPT ATTEMPT {format_way(said_first)}"
    assert user_events(events(START, ANSWER, way, said("completed"))) == [
        ("CC_FLOW", "flow=f:rev=0123456789ab"),
        ("CC_STEP", "flow=f:step=a"),
        ("CC_CONCLUDE", "outcome=completed"),
    ]


def test_a_flow_can_say_nothing_that_is_no_outcome() -> None:
    assert set(CONCLUSIONS) == set(get_args(Conclude.model_fields["conclude"].annotation))
