"""Calls derived from ledgers recorded on a real Asterisk: one table per call pattern (scenarios/*.txt)."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls.derive import DerivedCall, derive_call, seats_in
from callcenter.core.phone_numbers import NumberPlan
from tests.support.ledger_tables import SCENARIOS, T0, Ledger, scenario, table

VISITS = {
    # what ended Queue(): queue outcome reason wait talk agent offers
    "agent_hangs_up": ["consultation answered agent_hangup 0.707 1.503 1001 1"],
    "rated_with_remark": ["consultation answered agent_hangup 0.517 3.007 1001 1"],
    "caller_hangs_up_talking": ["consultation answered caller_hangup 0.711 1.795 1001 1"],
    "caller_hangs_up_waiting": ["idle abandoned caller_hangup 1.009 0.000 - 0"],
    "caller_hangs_up_ringing": ["consultation abandoned caller_hangup 1.507 0.000 - 1"],
    "timeout": ["idle overflowed timeout 2.003 0.000 - 0"],
    "refused_then_timeout": ["consultation overflowed timeout 3.011 0.000 - 3"],
    "full": ["full overflowed full 0.000 0.000 - 0", "consultation abandoned caller_hangup 1.509 0.000 - 1"],
    "joinempty": ["nobody overflowed nobody_there 0.000 0.000 - 0"],
    "leaveempty": ["leaver overflowed left_empty 0.001 0.000 - 0"],
    "no_such_queue": ["nosuch overflowed no_such_queue 0.000 0.000 - 0"],
    "key": ["keyq overflowed key 1.956 0.000 - 0"],
    "withdraw": ["idle moved withdrawn 2.001 0.000 - 0"],
    "redirect_waiting": ["idle moved redirected 1.902 0.000 - 0"],
    "blind": ["consultation answered transferred 0.707 2.033 1001 1"],
    "blind_to_queue": [
        "consultation answered transferred 0.710 2.081 1001 1",
        "two answered caller_hangup 0.707 2.007 1002 1",
    ],
    "hold": ["consultation answered agent_hangup 0.310 1.013 1001 1"],
    "feature_code": [],
    "seat_to_seat": [],
    "callback_answered": [],
    "callback_busy": [],
    "callback_greeting": [],
    "callback_refused": [],
}
CALLS = {
    # direction state outcome queue agent hung_up_by cause
    "agent_hangs_up": "inbound finished answered consultation 1001 agent 16",
    "rated_with_remark": "inbound finished answered consultation 1001 agent 16",
    "caller_hangs_up_talking": "inbound finished answered consultation 1001 caller 16",
    "caller_hangs_up_waiting": "inbound finished abandoned idle - caller 0",
    "caller_hangs_up_ringing": "inbound finished abandoned consultation - caller 0",
    "timeout": "inbound finished not_served idle - pbx 16",
    "refused_then_timeout": "inbound finished not_served consultation - pbx 16",
    "full": "inbound finished abandoned consultation - caller 0",
    "joinempty": "inbound finished not_served nobody - pbx 16",
    "leaveempty": "inbound finished not_served leaver - pbx 16",
    "no_such_queue": "inbound finished not_served nosuch - pbx 16",
    "key": "inbound finished not_served keyq - pbx 16",
    "withdraw": "inbound finished not_served idle - pbx 16",
    "redirect_waiting": "inbound finished not_served idle - pbx 16",
    "blind": "inbound finished answered consultation 1001 caller 16",
    "blind_to_queue": "inbound finished answered two 1002 caller 16",
    "hold": "inbound finished answered consultation 1001 agent 16",
    "feature_code": "internal finished self_service - - pbx 16",
    "seat_to_seat": "internal finished answered - - agent 16",
    "callback_answered": "outbound finished answered - 1001 caller 16",
    "callback_busy": "outbound finished not_served - - caller 17",
    "callback_greeting": "outbound finished not_served - - caller 16",
    "callback_refused": "outbound finished not_served - - pbx 16",
}


def derive(ledger: Ledger, call_id: str | None = None, **options: object) -> DerivedCall:
    events = ledger.events
    wanted = call_id or events[0].linkedid
    call = derive_call(
        wanted,
        [event for event in events if event.linkedid == wanted],
        ledger.queue_records,
        **options,  # type: ignore[arg-type]
    )
    assert call is not None
    return call


def words(*values: object) -> str:
    return " ".join(
        f"{value:.3f}" if isinstance(value, float) else "-" if value is None else str(value) for value in values
    )


def visit_words(call: DerivedCall) -> list[str]:
    return [
        words(v.queue_name, v.outcome, v.reason, v.wait_seconds, v.talk_seconds, v.agent_number, v.offers)
        for v in call.visits
    ]


@pytest.mark.parametrize("name", VISITS)
def test_visits_of_each_call_pattern(name: str) -> None:
    assert visit_words(derive(scenario(name))) == VISITS[name]


@pytest.mark.parametrize("name", CALLS)
def test_call_of_each_call_pattern(name: str) -> None:
    call = derive(scenario(name))
    said = (call.direction, call.state, call.outcome, call.queue_name, call.agent_number, call.hung_up_by)
    assert words(*said, call.hangup_cause) == CALLS[name]


def test_every_recorded_scenario_is_expected_here() -> None:
    assert {file.stem for file in SCENARIOS.glob("*.txt")} == {*VISITS, "node_lost"}


def test_facts_of_flow_and_caller() -> None:
    call = derive(scenario("agent_hangs_up"), normalise=NumberPlan().normalise)
    assert (call.caller_number, call.dialled_number) == ("+8613800000001", "8000")
    assert (call.flow, call.flow_revision, call.language) == ("main", "abc123", "zh")
    assert str(call.patient_id) == "0190b1b2-0000-7000-8000-000000000001"
    assert (call.verified, call.vip_grade) == (True, "gold")
    assert [(step.number, step.step, step.outcome) for step in call.steps] == [(1, "menu", "2"), (2, "bye", "done")]
    assert call.started_at == T0 + timedelta(microseconds=969014)
    assert call.answered_at == T0 + timedelta(microseconds=969857)
    assert call.duration_seconds == 2.713798  # exact: no float came near the clock


def test_legs_with_their_agents() -> None:
    call = derive(scenario("blind"), agent_at=lambda seat, _at: {"seat-b": "1002"}.get(seat))
    assert [(leg.role, leg.seat_name, leg.agent_number, leg.hangup_cause) for leg in call.legs] == [
        ("caller", None, None, 16),
        ("agent", "seat-a", "1001", 16),  # queue_log says so
        ("agent", "seat-b", "1002", 16),  # dialled: whoever sat there
    ]
    assert call.agent_number == "1002"  # talked last


def test_a_refused_leg_was_never_answered() -> None:
    legs = derive(scenario("refused_then_timeout")).legs[1:]
    assert [(leg.answered_at, leg.hangup_cause) for leg in legs] == [(None, 17), (None, 17), (None, 0)]


def test_agent_from_the_seat_when_queue_log_is_missing() -> None:
    ledger = replace(scenario("caller_hangs_up_talking"), queue_log=[])
    call = derive(ledger, agent_at=lambda seat, _at: "1007" if seat == "seat-a" else None)
    assert call.visits[0].agent_number == call.agent_number == "1007"
    assert {seat for seat, _ in seats_in(ledger.events)} == {"seat-a"}


def test_who_hung_up_at_once_has_answered() -> None:
    """On a busy machine the agent had left the bridge before the caller entered it: app_queue connected them."""
    ledger = scenario("agent_hangs_up")
    without = replace(
        ledger,
        cel=[line for line in ledger.cel if not (b'"BRIDGE_' in line and b"PJSIP/trunk" in line.split(b"peer")[0])],
    )
    call = derive(without)
    assert visit_words(call) == ["consultation answered agent_hangup 2.211 0.000 1001 1"]
    assert (call.outcome, call.agent_number) == ("answered", "1001")


def test_hold_is_music_inside_the_bridge_only() -> None:
    call = derive(scenario("hold"))
    assert call.hold_seconds == 1.004868
    assert call.talk_seconds == 1.012511
    assert call.wait_seconds == 0.309938  # with music too, but not on hold


def test_priority_is_kept() -> None:
    assert derive(scenario("timeout")).visits[0].priority == 2088000000


class TestPbxDied:
    @staticmethod
    def calls(*boots: datetime) -> tuple[DerivedCall, DerivedCall]:
        ledger = scenario("node_lost")
        talking, waiting = dict.fromkeys(event.linkedid for event in ledger.events)
        return derive(ledger, talking, boots=boots), derive(ledger, waiting, boots=boots)

    def test_until_the_next_boot_the_calls_are_open(self) -> None:
        for call in self.calls(T0 - timedelta(days=1)):  # an earlier boot says nothing
            assert (call.state, call.outcome, call.ended_at) == ("open", "open", None)

    def test_then_they_are_lost_with_the_bounds_that_are_known(self) -> None:
        talking, waiting = self.calls(T0 + timedelta(seconds=60))
        assert (talking.state, talking.outcome, talking.visits[0].outcome) == ("node_lost", "answered", "answered")
        assert (waiting.state, waiting.outcome, waiting.visits[0].outcome) == ("node_lost", "lost", "lost")
        assert waiting.ended_at == T0 + timedelta(seconds=3, microseconds=488218)  # its last event
        assert waiting.visits[0].left_at == waiting.ended_at

    def test_a_call_that_ended_before_is_not(self) -> None:
        assert derive(scenario("timeout"), boots=[T0 + timedelta(days=1)]).state == "finished"


def test_redirect_while_waiting_that_nobody_recorded() -> None:
    """Without CC_QUEUE_END the next visit shows it."""
    call = derive(
        table(
            """
            0.1 CHAN_START    PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  exten=8000
            1.0 CC_QUEUE      PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  visit=1:queue=consultation:prio=1
            4.0 CC_QUEUE      PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  visit=2:queue=vip:prio=1
            1|pbx1-1.1|consultation|NONE|ENTERQUEUE||13800000001|1
            4|pbx1-1.1|consultation|NONE|ABANDON|1|1|3
            4|pbx1-1.1|vip|NONE|ENTERQUEUE||13800000001|1
            """
        )
    )
    assert visit_words(call) == [
        "consultation moved redirected 3.000 0.000 - 0",
        "vip open - 0.000 0.000 - 0",
    ]


def test_key_without_a_status_is_known_from_queue_log() -> None:
    call = derive(
        table(
            """
            0.1 CHAN_START    PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  exten=8000
            1.0 CC_QUEUE      PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  visit=1:queue=consultation:prio=1
            4.0 CC_QUEUE_END  PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  visit=1:status=
            4|pbx1-1.1|consultation|NONE|EXITWITHKEY|1|1|1|3
            """
        )
    )
    assert visit_words(call) == ["consultation overflowed key 3.000 0.000 - 0"]


def test_a_way_written_as_one_event_is_read_as_its_parts() -> None:
    """What the flow runner tells in one line (variables.EVENT_WAY) and what it told one by one is the same call."""
    frame = """
        0.0 CHAN_START   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1
        {way}
        0.9 CC_STEP      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 flow=main:step=menu:outcome=2
        2.0 CHAN_END     PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1
        2.0 LINKEDID_END PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1
    """
    way = [
        ("CC_FLOW", "flow=main:rev=a:lang=zh"),
        ("CC_STEP", "flow=main:step=hours:outcome=open"),
        ("CC_WHO", "patient=:grade=gold:verified=1"),
    ]
    line = "0.2 {} PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {}"
    apart = "\n".join(line.format(kind, said) for kind, said in way)
    together = line.format("CC_WAY", "~".join(f"{kind}:{said}" for kind, said in way))
    call = derive(table(frame.format(way=together)))
    assert call == derive(table(frame.format(way=apart)))
    assert [(step.step, step.outcome) for step in call.steps] == [("hours", "open"), ("menu", "2")]
    assert (call.flow, call.language, call.vip_grade, call.verified) == ("main", "zh", "gold", True)


def test_fallback_and_recording() -> None:
    call = derive(
        table(
            """
            0.1 CHAN_START    PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  exten=8001
            0.2 CC_RECORD     PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  purpose=complaint:day=20260105
            0.3 CC_RECORD     PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  purpose=../x:day=20260105
            2.2 CC_FALLBACK   PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  why=FAILURE
            """
        )
    )
    assert [recording.file for recording in call.recordings] == ["20260105/complaint-pbx1-1.1.wav"]
    assert [(step.flow, step.outcome) for step in call.steps] == [("fallback", "FAILURE")]


def test_a_channel_from_another_call_is_not_its_leg() -> None:
    """A channel whose CHAN_START is elsewhere (attended transfer) belongs there."""
    ledger = table(
        """
        0.1 CHAN_START    PJSIP/trunk-00000001  pbx1-1.1  pbx1-1.1  exten=8000
        3.0 HANGUP        PJSIP/seat-a-00000009 pbx1-0.9  pbx1-1.1  {"hangupcause":16}
        """
    )
    assert [leg.uniqueid for leg in derive(ledger).legs] == ["pbx1-1.1"]


def test_nothing_is_no_call() -> None:
    assert derive_call("pbx1-1.1", []) is None


@given(st.data())
def test_any_part_in_any_order_of_files_gives_a_call_that_adds_up(data: st.DataObject) -> None:
    """Whatever has come so far: each visit has one outcome, no time is negative."""
    ledger = scenario(data.draw(st.sampled_from(sorted(VISITS))))
    events = ledger.events[: data.draw(st.integers(1, len(ledger.cel)))]
    lines = ledger.queue_records[: data.draw(st.integers(0, len(ledger.queue_log)))]
    call = derive_call(events[0].linkedid, events, lines)
    if call is None:  # of a call-back nothing but its place has come
        assert all(event.channel.startswith("Local/") for event in events)
        return
    outcomes = [visit.outcome for visit in call.visits]
    assert set(outcomes) <= {"answered", "abandoned", "overflowed", "moved", "lost", "open"}
    assert all(visit.wait_seconds >= 0 and visit.talk_seconds >= 0 for visit in call.visits)
    assert call.talk_seconds >= 0
    assert call.hold_seconds >= 0
    assert all(before.entered_at <= after.entered_at for before, after in pairwise(call.visits))
    assert call == derive_call(events[0].linkedid, events, lines)
