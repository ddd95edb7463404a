"""Calls that we placed: the halves of a Local channel are a joint, no legs; the patient's channel tells the call."""

from typing import Any

import pytest

from callcenter.calls.derive import DerivedCall, derive_call
from tests.support.ledger_tables import scenario

ID = "pbx1-cb-" + "g" * 31 + "h"


def derived(name: str, lines: int | None = None, **values: Any) -> DerivedCall | None:
    ledger = scenario(name)
    return derive_call(ID, ledger.events[:lines], ledger.queue_records, **values)


def call(name: str, lines: int | None = None) -> DerivedCall:
    found = derived(name, lines)
    assert found is not None
    return found


def test_an_answered_call_back_is_an_outbound_call_of_agent_and_patient() -> None:
    found = call("callback_answered")
    assert (found.direction, found.outcome, found.state) == ("outbound", "answered", "finished")
    assert (found.caller_number, found.dialled_number) == ("+8613800000001", "8000")
    assert str(found.patient_id) == "0190b1b2-0000-7000-8000-000000000001"
    assert [(leg.role, leg.agent_number) for leg in found.legs] == [("agent", "1001"), ("trunk", None)]
    assert (found.agent_number, found.hung_up_by) == ("1001", "caller")
    assert found.talk_seconds == pytest.approx(15.598156 - 13.737543, abs=1e-6)
    assert found.started_at.microsecond == 581_847  # when the patient's telephone began to ring
    assert found.visits == ()
    assert found.wait_seconds == 0


@pytest.mark.parametrize("name", ["callback_busy", "callback_greeting", "callback_refused"])
def test_nobody_talked(name: str) -> None:
    found = call(name)
    assert (found.direction, found.outcome, found.talk_seconds) == ("outbound", "not_served", 0)
    assert {leg.role for leg in found.legs} <= {"agent", "trunk"}
    assert found.visits == ()


def test_one_that_only_waits_is_no_call_yet() -> None:
    assert derived("callback_answered", lines=6) is None


def test_it_is_told_line_by_line_and_each_part_is_consistent() -> None:
    for lines in range(1, len(scenario("callback_answered").events)):
        found = derived("callback_answered", lines)
        if found is not None:
            assert found.direction == "outbound"
            assert found.state == "open"
            assert not any(leg.channel.startswith("Local/") for leg in found.legs)
