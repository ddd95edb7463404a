"""Messages and remarks: the ledger knows of them before the tone sounds, and no file is written twice."""

import pytest

from callcenter.asterisk import variables
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import flow_set

FLOW = """\
entry: ["1"]
start: first
steps:
  first: {leave_message: intro, queue: consultation, outcomes: {recorded: second, empty: bye}}
  second: {remark: ask, next: bye}
  bye: {hangup: true}
"""


async def call(script: str, flow: str = FLOW, **channel: str) -> SimulatedLine:
    line = SimulatedLine("1", "+8613800000001", scripted(script), lambda _text: None, None)
    line.variables.update(channel)
    await converse(line, flow_set(main=flow), simulated_services())
    return line


def told(line: SimulatedLine) -> list[str]:
    wanted = ("say", "record", "recorded", "ledger CC_RECORD", "ledger CC_MESSAGE", "caller")
    return [text for text in line.transcript if text.startswith(wanted)]


def recorded(line: SimulatedLine) -> list[str]:
    return [text.removeprefix("record message ") for text in line.transcript if text.startswith("record message")]


async def test_the_ledger_knows_before_the_tone() -> None:
    line = await call("!")
    day = next(text for text in line.transcript if text.startswith("ledger CC_RECORD")).split("day=")[1][:8]
    assert told(line) == [
        "say intro",
        f"ledger CC_RECORD purpose=message:day={day}:number=1:queue=consultation",
        "ledger CC_MESSAGE queue=consultation:patient=:number=1",
        "record message message-sim-1700000000.1-1.wav",
        "caller hangs up",
    ]


async def test_what_was_said_is_confirmed() -> None:
    line = await call("hello !")
    assert "say message_saved" in line.transcript
    assert any(text.endswith("step=first:outcome=recorded") for text in line.transcript)


async def test_nothing_heard_is_asked_once_more() -> None:
    line = await call("- -")
    assert [text for text in told(line) if text.startswith("say")] == ["say intro", "say message_again"]
    assert any(text.endswith("step=first:outcome=empty") for text in line.transcript)
    line = await call("- hello !")
    assert "say message_saved" in line.transcript


async def test_no_recording_of_a_call_overwrites_another() -> None:
    line = await call("- hello again")
    assert recorded(line) == [
        "message-sim-1700000000.1-1.wav",
        "message-sim-1700000000.1-2.wav",
        "remark-sim-1700000000.1-3.wav",
    ]
    later = await call("hello !", **{variables.RECORDED: "3"})
    assert recorded(later)[0] == "message-sim-1700000000.1-4.wav"


async def test_a_remark_is_nobodys_work_and_asked_once() -> None:
    line = await call("hello -")
    events = [text for text in line.transcript if text.startswith(("ledger CC_RECORD", "ledger CC_MESSAGE"))]
    assert [text.split()[1] for text in events] == ["CC_RECORD", "CC_MESSAGE", "CC_RECORD"]
    assert events[2].endswith(":number=2")
    assert "say remark_thanks" not in line.transcript
    assert "say remark_thanks" in (await call("hello fine")).transcript


@pytest.mark.parametrize("max_seconds", ["4", "601"])
def test_a_message_has_its_limits(max_seconds: str) -> None:
    with pytest.raises(Exception, match="max_seconds"):
        flow_set(main=FLOW.replace("queue: consultation,", f"queue: consultation, max_seconds: {max_seconds},"))
