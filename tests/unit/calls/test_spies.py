"""Supervisors who listen are in no record, until one takes the call over."""

from callcenter.asterisk.ledger import CelRecord
from callcenter.calls.derive import DerivedCall, derive_call
from tests.support.ledger_tables import table

SPY = f"pbx1-spy-{'a' * 32}-1767600000"
LISTENED = table(
    f"""
    5.0 CHAN_START    PJSIP/seat-lead-00000003 {SPY} {SPY}
    5.1 ANSWER        PJSIP/seat-lead-00000003 {SPY} {SPY}
    9.0 HANGUP        PJSIP/seat-lead-00000003 {SPY} {SPY} {{"hangupcause":16}}
    9.0 CHAN_END      PJSIP/seat-lead-00000003 {SPY} {SPY}
    9.0 LINKEDID_END  PJSIP/seat-lead-00000003 {SPY} {SPY}
    """
)
CALL = """
    0.1 CHAN_START    PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 exten=8000
    0.2 CC_CALL       PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 did=8000:caller=13800000001
    0.3 CC_QUEUE      PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 visit=1:queue=consultation:prio=1
    1.0 CHAN_START    PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1
    2.0 ANSWER        PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1
    2.0 BRIDGE_ENTER  PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {"bridge_id":"b1"}
    2.0 BRIDGE_ENTER  PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b1"}
"""
TAKEN_OVER = table(
    f"""{CALL}
    8.0 BLINDTRANSFER PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {{"transferee_channel_uniqueid":"pbx1-1.1"}}
    8.0 BRIDGE_EXIT   PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {{"bridge_id":"b1"}}
    8.0 BRIDGE_EXIT   PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {{"bridge_id":"b1"}}
    8.1 HANGUP        PJSIP/seat-rose-00000002 pbx1-1.2 pbx1-1.1 {{"hangupcause":16}}
    8.2 BRIDGE_ENTER  PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {{"bridge_id":"b2"}}
    8.2 BRIDGE_ENTER  PJSIP/seat-lead-00000003 {SPY}    pbx1-1.1 {{"bridge_id":"b2"}}
    20.0 HANGUP       PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1 {{"hangupcause":16}}
    20.0 HANGUP       PJSIP/seat-lead-00000003 {SPY}    pbx1-1.1 {{"hangupcause":16}}
    20.0 LINKEDID_END PJSIP/trunk-00000001     pbx1-1.1 pbx1-1.1
    """
)
AT_SEATS = {"seat-rose": "1001", "seat-lead": "2001"}


def call_of(events: list[CelRecord]) -> DerivedCall:
    found = derive_call("pbx1-1.1", events, agent_at=lambda seat, _at: AT_SEATS.get(seat))
    assert found is not None
    return found


def test_listening_is_no_call() -> None:
    for lines in range(1, len(LISTENED.events) + 1):
        assert derive_call(SPY, LISTENED.events[:lines]) is None


def test_who_takes_over_talks_from_then_on() -> None:
    call = call_of(TAKEN_OVER.events)
    assert [(leg.role, leg.agent_number) for leg in call.legs] == [
        ("caller", None),
        ("agent", "1001"),
        ("agent", "2001"),
    ]
    taken = call.legs[2]
    assert taken.answered_at == taken.started_at
    (visit,) = call.visits
    assert (visit.outcome, visit.reason, visit.agent_number) == ("answered", "transferred", "1001")
    assert (call.agent_number, call.outcome) == ("2001", "answered")
    assert round(call.talk_seconds, 3) == 17.8
