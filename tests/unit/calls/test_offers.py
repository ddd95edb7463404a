"""What became of each ring of an agent's telephone, in ledgers recorded on a real Asterisk."""

from datetime import timedelta

import pytest

from callcenter.calls.derive import derive_call
from tests.support.ledger_tables import Ledger, scenario, table

EXPECTED = {
    "agent_hangs_up": ["1001 consultation answered"],
    "rated_with_remark": ["1001 consultation answered"],
    "caller_hangs_up_talking": ["1001 consultation answered"],
    "caller_hangs_up_ringing": ["1001 consultation withdrawn"],
    "refused_then_timeout": ["1001 consultation missed"] * 3,
    "full": ["1001 consultation withdrawn"],
    "blind": ["1001 consultation answered transferred", "1001 - -"],
    "blind_to_queue": ["1001 consultation answered transferred", "1002 two answered"],
    "hold": ["1001 consultation answered held 1.004868"],
}
"""Agent, queue, what became of the ring, and what the agent did then; everybody sits at everybody's seat."""


RINGALL = """
0.1 CHAN_START    PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 exten=8000
0.2 CC_QUEUE      PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 visit=1:queue=consultation:prio=5
0.3 CHAN_START    PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 exten=s
0.3 CHAN_START    PJSIP/seat-b-00000003 pbx1-1.3 pbx1-1.1 exten=s
0.3 CHAN_START    PJSIP/seat-c-00000004 pbx1-1.4 pbx1-1.1 exten=s
"""
C_REFUSES = """
5.0 HANGUP        PJSIP/seat-c-00000004 pbx1-1.4 pbx1-1.1 {"hangupcause":17,"hangupsource":""}
"""
B_ANSWERS = """
5.2 ANSWER        PJSIP/seat-b-00000003 pbx1-1.3 pbx1-1.1
5.2 HANGUP        PJSIP/seat-a-00000002 pbx1-1.2 pbx1-1.1 {"hangupcause":26,"hangupsource":"","dialstatus":""}
5.4 BRIDGE_ENTER  PJSIP/seat-b-00000003 pbx1-1.3 pbx1-1.1 {"bridge_id":"1"}
5.4 BRIDGE_ENTER  PJSIP/trunk-00000001  pbx1-1.1 pbx1-1.1 {"bridge_id":"1"}
"""


def legs_of(name: str) -> list[str]:
    return told(scenario(name))


def told(ledger: Ledger, **options: object) -> list[str]:
    call_id = ledger.events[0].linkedid
    call = derive_call(
        call_id,
        [event for event in ledger.events if event.linkedid == call_id],
        ledger.queue_records,
        agent_at=lambda _seat, _at: "1001",
        **options,  # type: ignore[arg-type]
    )
    assert call is not None
    legs = []
    for leg in call.legs:
        if leg.role != "agent":
            assert (leg.queue_name, leg.offer, leg.held, leg.transferred_at) == (None, None, None, None)
            continue
        words = [leg.agent_number or "-", leg.queue_name or "-", leg.offer or "-"]
        if leg.transferred_at:
            words.append("transferred")
        if leg.held:
            words.append(f"held {sum((end - start).total_seconds() for start, end in leg.held)}")
        legs.append(" ".join(words))
    return legs


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_offers(name: str) -> None:
    assert legs_of(name) == EXPECTED[name]


def test_all_telephones_ring_and_one_is_answered() -> None:
    consultation = "1001 consultation"
    assert told(table(RINGALL)) == [f"{consultation} open"] * 3
    assert told(table(RINGALL + C_REFUSES)) == [f"{consultation} open"] * 2 + [f"{consultation} missed"]
    assert told(table(RINGALL + C_REFUSES + B_ANSWERS)) == [
        f"{consultation} withdrawn",
        f"{consultation} answered",
        f"{consultation} missed",
    ]


def test_who_rings_when_the_pbx_dies_has_missed_nothing() -> None:
    ledger = table(RINGALL)
    boot = ledger.events[-1].at + timedelta(minutes=1)
    assert told(ledger, boots=[boot]) == ["1001 consultation withdrawn"] * 3
