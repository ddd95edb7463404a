"""A visit is one, in our queue, whichever of Asterisk's queues the caller stood in."""

import pytest

from callcenter.asterisk.queue_names import personal_queue, shadow_queue
from callcenter.calls.derive import DerivedCall, derive_call
from tests.support.ledger_tables import SCENARIOS, table


def derive(text: str) -> DerivedCall:
    ledger = table(text)
    call = derive_call(ledger.events[0].linkedid, ledger.events, ledger.queue_records)
    assert call is not None
    return call


def told(name: str) -> str:
    return (SCENARIOS / f"{name}.txt").read_text()


@pytest.mark.parametrize("app_queue", [personal_queue("1001"), shadow_queue("consultation", "1003")])
def test_an_answer_there_is_the_answer_of_our_queue(app_queue: str) -> None:
    plain = told("agent_hangs_up")
    assert derive(plain.replace("|consultation|", f"|{app_queue}|")) == derive(plain)
    (visit,) = derive(plain).visits
    assert (visit.queue_name, visit.outcome, visit.agent_number) == ("consultation", "answered", "1001")


def test_the_last_agent_tried_in_vain_is_the_same_visit() -> None:
    """queue_log has two entries then; the wait counts from the first, and the other's answer ends it."""
    plain = told("agent_hangs_up")
    before = "1|pbx1-1.16|own-1002|NONE|ENTERQUEUE||13800000001|1\n1|pbx1-1.16|own-1002|NONE|EXITEMPTY|1|1|0\n"
    assert derive(plain + before) == derive(plain)


@pytest.mark.parametrize("app_queue", [personal_queue("1001"), shadow_queue("keyq", "1003")])
def test_a_key_pressed_there(app_queue: str) -> None:
    """Also where the dialplan's word is missing, as of a version before: queue_log tells it."""
    plain = told("key").replace("status=KEY", "status=")
    (visit,) = derive(plain.replace("|keyq|", f"|{app_queue}|")).visits
    assert (visit.queue_name, visit.outcome, visit.reason) == ("keyq", "overflowed", "key")
    (visit,) = derive(plain.replace("|keyq|", "|elsewhere|")).visits
    assert visit.reason != "key"
