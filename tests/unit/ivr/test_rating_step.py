"""A mark is asked of those whom an agent served, and only 1 to 5 is one."""

import pytest

from callcenter.asterisk import variables
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import flow_set

FLOW = """\
entry: ["1"]
start: person
steps:
  person: {queue: people, max_wait_seconds: 30, outcomes: {answered: mark, overflowed: mark, key: mark}}
  mark: {rating: ask, outcomes: {rated: bye, skipped: sad}}
  sad: {say: sad, next: bye}
  bye: {hangup: true}
"""


async def call(script: str) -> SimulatedLine:
    line = SimulatedLine("1", "+8613800000001", scripted(script), lambda _text: None, None)
    await converse(line, flow_set(main=FLOW), simulated_services())
    return line


def marks(line: SimulatedLine) -> list[str]:
    return [text.split()[-1] for text in line.transcript if text.startswith(f"ledger {variables.EVENT_RATING}")]


@pytest.mark.parametrize("key", "12345")
async def test_each_mark(key: str) -> None:
    line = await call(f"answered {key}")
    assert marks(line) == [f"mark={key}"]
    assert "say rating_thanks" in line.transcript


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        ("answered 0 6", ["menu ask", "menu invalid_key", "menu ask"]),
        ("answered -", ["menu ask"]),
        ("answered # *", ["menu ask", "menu invalid_key", "menu ask"]),
    ],
)
async def test_silence_or_no_mark_at_the_second_attempt_is_none(script: str, asked: list[str]) -> None:
    line = await call(script)
    assert marks(line) == []
    assert [text for text in line.transcript if text.startswith("menu")] == asked
    assert "say sad" in line.transcript


async def test_a_mark_at_the_second_attempt_counts() -> None:
    assert marks(await call("answered 9 5")) == ["mark=5"]


async def test_whoever_was_not_served_is_not_asked() -> None:
    line = await call("timeout")
    assert not [text for text in line.transcript if text.startswith("menu")]
    assert "say sad" in line.transcript
