"""Calls that agents passed on after asking, shared with a third, or made themselves: events as Asterisk 22.10 orders
them, times made round."""

from callcenter.calls.derive import DerivedCall, derive_call
from callcenter.core.phone_numbers import NumberPlan
from tests.support.ledger_tables import table

SEATS = {"seat-a": "1001", "seat-b": "1002"}

TALKING = """
  0.0 CHAN_START    PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 exten=8000
  0.0 CC_CALL       PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 did=8000:caller=13800000001
  0.1 ANSWER        PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1
  1.0 CC_QUEUE      PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 visit=1:queue=vip:prio=5
  1.0 STREAM_BEGIN  PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 {"class":"default"}
  1.1 CHAN_START    PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 exten=s
  2.0 ANSWER        PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1
  2.0 STREAM_END    PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1
  2.0 BRIDGE_ENTER  PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b1"}
  2.0 BRIDGE_ENTER  PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 {"bridge_id":"b1"}
  5.0 STREAM_BEGIN  PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 {"class":"default"}
  5.0 CHAN_START    Local/D@x-00000001;1  pbx1-1.3 pbx1-1.1 exten=D
  5.0 CHAN_START    Local/D@x-00000001;2  pbx1-1.4 pbx1-1.1 exten=D
  5.0 CHAN_START    PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1 exten=s
  5.1 BRIDGE_ENTER  Local/D@x-00000001;1  pbx1-1.3 pbx1-1.1 {"bridge_id":"b2"}
  5.1 BRIDGE_EXIT   PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b1"}
  5.1 BRIDGE_ENTER  PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b2"}
  6.0 ANSWER        PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1
  6.0 BRIDGE_ENTER  PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1 {"bridge_id":"b3"}
  6.0 BRIDGE_ENTER  Local/D@x-00000001;2  pbx1-1.4 pbx1-1.1 {"bridge_id":"b3"}
  8.0 STREAM_END    PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1
  8.0 ATTENDEDTRANSFER PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"transferee_channel_uniqueid":"pbx1-1.1"}
  8.0 BRIDGE_EXIT   PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b2"}
"""
B_JOINS = """
  8.1 BRIDGE_EXIT   PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1 {"bridge_id":"b3"}
  8.1 BRIDGE_ENTER  PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1 {"bridge_id":"b1"}
  8.2 HANGUP        Local/D@x-00000001;1  pbx1-1.3 pbx1-1.1 {"hangupcause":16}
  8.2 HANGUP        Local/D@x-00000001;2  pbx1-1.4 pbx1-1.1 {"hangupcause":16}
"""
B_TALKS_TO_THE_END = """
 11.0 BRIDGE_EXIT   PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1 {"bridge_id":"b1"}
 11.0 HANGUP        PJSIP/seat-b-00000003 pbx1-1.5 pbx1-1.1 {"hangupcause":16}
 11.0 BRIDGE_EXIT   PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 {"bridge_id":"b1"}
 11.0 CC_QUEUE_END  PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 visit=1:status=CONTINUE
 12.0 HANGUP        PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 {"hangupcause":16}
 12.0 LINKEDID_END  PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1
"""
A_IS_OUT = '  8.0 HANGUP PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"hangupcause":16}\n'
A_STAYS = """
  8.0 BRIDGE_ENTER  PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b1"}
 10.0 BRIDGE_EXIT   PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"bridge_id":"b1"}
 10.0 HANGUP        PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"hangupcause":16}
"""
OUTBOUND = """
  0.0 CHAN_START    PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc exten=s
  1.0 ANSWER        PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc
  1.1 CC_CALL       PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc did=8000:caller=+8613800000001
  1.2 CHAN_START    PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc exten=s
"""
ANSWERED = """
  3.0 ANSWER        PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc
  3.0 BRIDGE_ENTER  PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc {"bridge_id":"b1"}
  3.0 BRIDGE_ENTER  PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc {"bridge_id":"b1"}
  4.0 STREAM_BEGIN  PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc {"class":"default"}
  6.0 STREAM_END    PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc
  9.0 HANGUP        PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc {"hangupcause":16,"hangupsource":"PJSIP/trunk-00000002"}
  9.0 HANGUP        PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc {"hangupcause":16}
  9.0 LINKEDID_END  PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc
"""
BUSY = """
  2.0 HANGUP        PJSIP/trunk-00000002  pbx1-1.2 pbx1-ad-abc {"hangupcause":17}
  2.1 HANGUP        PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc {"hangupcause":17}
  2.1 LINKEDID_END  PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc
"""


def derived(text: str) -> DerivedCall:
    events = table(text).events
    call = derive_call(
        events[0].linkedid,
        events,
        agent_at=lambda seat, _at: SEATS.get(seat),
        normalise=NumberPlan("CN", "").normalise,
    )
    assert call is not None
    return call


def test_an_attended_transfer_ends_the_visit_and_the_call_is_the_second_agents() -> None:
    call = derived(TALKING + A_IS_OUT + B_JOINS + B_TALKS_TO_THE_END)
    (visit,) = call.visits
    assert (visit.outcome, visit.reason, visit.agent_number) == ("answered", "transferred", "1001")
    assert call.agent_number == "1002"
    assert (visit.talk_seconds, call.talk_seconds, call.hold_seconds) == (3.0, 6.0, 3.0)
    assert [leg.agent_number for leg in call.legs if leg.role == "agent"] == ["1001", "1002"]


def test_a_conference_is_no_transfer() -> None:
    """Asterisk writes the same line: but who asked goes on talking, and the visit with them."""
    call = derived(TALKING + A_STAYS + B_JOINS + B_TALKS_TO_THE_END)
    (visit,) = call.visits
    assert (visit.outcome, visit.reason, visit.talk_seconds) == ("answered", "agent_hangup", 6.0)
    assert call.agent_number == "1002"


def test_a_call_that_an_agent_makes_is_told_by_whom_they_called() -> None:
    call = derived(OUTBOUND + ANSWERED)
    assert (call.direction, call.outcome, call.agent_number) == ("outbound", "answered", "1001")
    assert (call.caller_number, call.dialled_number) == ("+8613800000001", "8000")
    assert (call.talk_seconds, call.hold_seconds, call.hung_up_by) == (4.0, 2.0, "caller")
    assert [(leg.role, leg.agent_number) for leg in call.legs] == [("agent", "1001"), ("trunk", None)]


def test_nobody_answers_the_agents_call() -> None:
    call = derived(OUTBOUND + BUSY)
    assert (call.direction, call.outcome, call.agent_number) == ("outbound", "not_served", "1001")
    assert (call.talk_seconds, call.hangup_cause) == (0.0, 17)


def test_while_only_the_own_telephone_rings_it_is_no_outbound_call_yet() -> None:
    call = derived("  0.0 CHAN_START PJSIP/seat-a-00000001 pbx1-ad-abc pbx1-ad-abc exten=s\n")
    assert (call.direction, call.state) == ("internal", "open")
