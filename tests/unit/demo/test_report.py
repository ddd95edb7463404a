"""The demo's own check can fail: each way in which story and records may differ is seen."""

from collections.abc import Callable
from typing import Any

import pytest

from demo.report import Json, Records, compare
from demo.story import VIP_FIRST, Expected

VIP = Expected(
    VIP_FIRST[0],
    "+8601",
    "answered",
    (("vip", "answered"),),
    ("1001",),
    verified=True,
    known=True,
    steps=("who", "code"),
)
OTHER = Expected(VIP_FIRST[1], "+8602", "answered", (("consultation", "answered"),), ("1001",), work_order=True)


def call(one: Expected, entered_at: str, answered_at: str) -> Json:
    return {
        "id": f"pbx1-{one.number}",
        "outcome": one.outcome,
        "patient_id": "p" if one.known else None,
        "verified": one.verified,
        "agent_number": "1001",
        "visits": [
            {"queue_name": queue, "outcome": outcome, "entered_at": entered_at, "answered_at": answered_at}
            for queue, outcome in one.queues
        ],
        "steps": [{"step": "start"}, *({"step": step} for step in one.steps)],
        "recordings": [{"purpose": "complaint"}] if one.work_order else [],
    }


def figures(answered: int) -> Json:
    return {"offered": answered, "answered": answered} | dict.fromkeys(
        ("abandoned", "overflowed", "moved", "lost", "open"), 0
    )


def records() -> Records:
    return Records(
        calls={VIP.number: call(VIP, "10:02", "10:03"), OTHER.number: call(OTHER, "10:01", "10:04")},
        figures={"vip": figures(1), "consultation": figures(1)},
        complaints={f"pbx1-{OTHER.number}": {"number": 1001}},
    )


def test_agreement() -> None:
    assert compare([VIP, OTHER], records()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.calls.pop(VIP.number),
        lambda r: r.calls.update({"+8603": r.calls[VIP.number]}),
        lambda r: r.calls[VIP.number].update(outcome="abandoned"),
        lambda r: r.calls[VIP.number].update(verified=False),
        lambda r: r.calls[VIP.number].update(patient_id=None),
        lambda r: r.calls[VIP.number].update(agent_number="1003"),
        lambda r: r.calls[VIP.number].update(steps=[{"step": "code"}, {"step": "who"}]),
        lambda r: r.calls[VIP.number]["visits"][0].update(answered_at="10:05"),
        lambda r: r.calls[VIP.number]["visits"][0].update(entered_at="10:00"),
        lambda r: r.calls[OTHER.number].update(visits=[]),
        lambda r: r.calls[OTHER.number].update(recordings=[]),
        lambda r: r.complaints.clear(),
        lambda r: r.figures["vip"].update(answered=0, open=1),
        lambda r: r.figures["vip"].update(offered=2),
    ],
)
def test_every_difference_is_seen(spoil: Callable[[Records], Any]) -> None:
    found = records()
    spoil(found)
    assert compare([VIP, OTHER], found)
