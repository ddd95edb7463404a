"""The step that promises a call-back, on a simulated telephone."""

from dataclasses import replace

import pytest

from callcenter.callbacks.service import CallbackWish
from callcenter.ivr.simulation.callback_desk import SimulatedCallbackDesk
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from tests.support.flows import flow_set

FLOW = """
entry: ["8000"]
start: waits
steps:
  waits: {queue: consultation, outcomes: {answered: bye, overflowed: back, key: back}}
  back: {callback: ask_callback, outcomes: {accepted: accepted, declined: declined, unavailable: unavailable}}
  accepted: {say: goodbye, next: bye}
  declined: {say: goodbye, next: bye}
  unavailable: {say: goodbye, next: bye}
  bye: {hangup: true}
"""


async def outcome(script: str, desk: SimulatedCallbackDesk, number: str = "13800000001") -> tuple[str, list[str]]:
    """The step's outcome and all that was played in it."""
    line = SimulatedLine("8000", number, scripted(f"key {script}"), lambda _line: None, None)
    line.variables["CC_PRIO"] = "2087000000"
    await converse(line, flow_set(main=FLOW), replace(simulated_services(), callback_desk=desk))
    (step,) = [one for one in line.transcript if one.startswith("ledger CC_STEP flow=main:step=back")]
    played = [one.split()[-1] for one in line.transcript if one.startswith(("say ", "menu ", "code "))]
    return step.rpartition("=")[2], played


async def only(desk: SimulatedCallbackDesk) -> CallbackWish:
    (wish,) = desk.wishes
    return wish


async def test_at_the_number_that_calls() -> None:
    desk = SimulatedCallbackDesk()
    ended, played = await outcome("1", desk, "13800004321")
    assert ended == "accepted"
    assert played[:6] == [
        "ask_callback",
        *(f"digits/{digit}" for digit in "4321"),
        "callback_choose",
    ]
    wish = await only(desk)
    assert (wish.e164, wish.requested_from) == ("+8613800004321", "+8613800004321")
    assert (wish.queue_name, wish.priority, wish.did, wish.language) == ("consultation", 2087000000, "8000", "zh")
    assert wish.call_id


async def test_at_another_number_read_back_whole_and_keyed_in_again() -> None:
    desk = SimulatedCallbackDesk()
    ended, played = await outcome("2 13800000009# 2 057188888888# 1", desk)
    assert ended == "accepted"
    assert (await only(desk)).e164 == "+8657188888888"
    assert (await only(desk)).requested_from == "+8613800000001"
    at = played.index("callback_number_is")
    assert played[at + 1 : at + 13] == [*(f"digits/{digit}" for digit in "13800000009"), "callback_confirm"]


@pytest.mark.parametrize("typed", ["110", "120", "95588", "0012125550123", "4008001234", "8000"])
async def test_not_at_any_number(typed: str) -> None:
    desk = SimulatedCallbackDesk()
    ended, played = await outcome(f"2 {typed}# {typed}# {typed}#", desk)
    assert ended == "unavailable"
    assert played.count("callback_number_invalid") == 3
    assert not desk.wishes


async def test_a_withheld_number_is_asked_for() -> None:
    desk = SimulatedCallbackDesk()
    assert (await outcome("13800000009# 1", desk, "anonymous"))[0] == "accepted"
    wish = await only(desk)
    assert (wish.e164, wish.requested_from) == ("+8613800000009", None)


@pytest.mark.parametrize("script", ["0", "-", "3", "2 #", "2 -"])
async def test_who_wants_none_goes_on_waiting(script: str) -> None:
    desk = SimulatedCallbackDesk()
    assert (await outcome(script, desk))[0] == "declined"
    assert not desk.wishes


@pytest.mark.parametrize("desk", [SimulatedCallbackDesk(away=True), SimulatedCallbackDesk(offered=False)])
async def test_where_none_can_be_promised(desk: SimulatedCallbackDesk) -> None:
    ended, played = await outcome("1", desk)
    assert (ended, played[0]) == ("unavailable", "callback_unavailable")
    assert not desk.wishes
