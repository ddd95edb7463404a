"""What supervisors' commands become, given the channels that there are: pure."""

from typing import Any

import pytest
from pydantic import ValidationError

from callcenter.asterisk.command_table import ALL_COMMANDS
from callcenter.asterisk.commands import LiveCommand, is_already_so
from callcenter.asterisk.errors import NoSuchLiveCall
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.spy_ids import is_spy_id, new_spy_id
from callcenter.asterisk.supervisor_commands import (
    SUPERVISOR_COMMANDS,
    BringToFront,
    ChangeMode,
    EndCall,
    Listen,
    MoveWaiting,
    StopListening,
    TakeOver,
)

CALL = "pbx1-1763754631.12"
SPY = f"pbx1-spy-{'a' * 32}-1763754700"
MINE: dict[str, Any] = {"seat": "seat-rose", "call": CALL, "supervisor_seat": "seat-lead"}
EXAMPLES: tuple[LiveCommand, ...] = (
    Listen(**MINE, spy=SPY, mode="whisper"),
    ChangeMode(spy=SPY, mode="barge"),
    StopListening(spy=SPY),
    TakeOver(**MINE, spy=SPY),
    EndCall(linkedids=(CALL,)),
    MoveWaiting(uniqueid=CALL, queue="vip", max_wait_seconds=600),
    BringToFront(uniqueid=CALL, priority=2_000_000_000),
)


def channel(
    name: str, uniqueid: str, *, bridge: str = "", call: str = CALL, application: str = "AppQueue", data: str = ""
) -> LiveChannel:
    return LiveChannel(
        name=name,
        uniqueid=uniqueid,
        linkedid=call,
        state="Up",
        bridge_id=bridge,
        context="flow",
        extension="do-queue",
        application=application,
        application_data=data,
    )


CALLER = channel("PJSIP/trunk-00000001", CALL, bridge="b1", application="Queue", data="vip,ct,,,600,,recording")
AGENT = channel("PJSIP/seat-rose-00000002", "pbx1-1763754631.13", bridge="b1")
LISTENER = channel("PJSIP/seat-lead-00000003", SPY, call=SPY, application="ChanSpy")
OTHERS = channel("PJSIP/trunk-00000009", "pbx1-1763754631.99", call="pbx1-1763754631.99", application="Queue")
WAITING = channel("PJSIP/trunk-00000001", CALL, application="Queue", data="vip--not-1003,ct,,,600,,recording")


@pytest.mark.parametrize("command", EXAMPLES, ids=lambda command: command.action)
def test_each_is_in_the_table_and_comes_back_from_its_row(command: LiveCommand) -> None:
    assert ALL_COMMANDS[command.action].model_validate(command.model_dump()) == command
    assert {type(one) for one in EXAMPLES} == set(SUPERVISOR_COMMANDS)


@pytest.mark.parametrize("command", EXAMPLES, ids=lambda command: command.action)
def test_nothing_is_done_about_a_call_that_is_not_there(command: LiveCommand) -> None:
    with pytest.raises(NoSuchLiveCall):
        command.actions([OTHERS])


@pytest.mark.parametrize("command", EXAMPLES, ids=lambda command: command.action)
@pytest.mark.parametrize("evil", ["a b", "a\r\nAction: x", "${A}", "a,b", "A", "", "1", "a|b"])
def test_names_with_a_meaning_of_their_own_are_refused(command: LiveCommand, evil: str) -> None:
    given = command.model_dump()
    texts = [name for name, value in given.items() if isinstance(value, str)]
    for name in texts:
        with pytest.raises(ValidationError):
            type(command).model_validate(given | {name: evil})
    if "linkedids" in given:
        with pytest.raises(ValidationError):
            type(command).model_validate({"linkedids": [evil]})


@pytest.mark.parametrize(("mode", "options"), [("listen", "qdES"), ("whisper", "qdESw"), ("barge", "qdESB")])
def test_listening_is_to_the_agents_leg(mode: Any, options: str) -> None:
    ((action, headers),) = Listen(**MINE, spy=SPY, mode=mode).actions([CALLER, AGENT, OTHERS])
    assert (action, headers["Channel"], headers["ChannelId"]) == ("Originate", "PJSIP/seat-lead", SPY)
    assert headers["Variable"] == ["CC_SPIED=PJSIP/seat-rose-00000002", f"CC_SPY_OPTIONS={options}"]
    assert headers["Async"] == "true"


def test_a_telephone_in_use_does_not_ring_a_second_time() -> None:
    talks = channel("PJSIP/seat-lead-00000005", "pbx1-1763754631.44", bridge="b2", call="pbx1-1763754631.43")
    with pytest.raises(NoSuchLiveCall):
        Listen(**MINE, spy=SPY, mode="listen").actions([CALLER, AGENT, talks])


def test_who_is_just_leaving_another_conversation_may_listen_to_this_one() -> None:
    new = f"pbx1-spy-{'b' * 32}-1763754701"
    ((action, _),) = Listen(**MINE, spy=new, mode="listen").actions([CALLER, AGENT, LISTENER])
    assert action == "Originate"


def test_an_agent_who_talks_with_nobody_is_not_listened_to() -> None:
    with pytest.raises(NoSuchLiveCall):
        Listen(**MINE, spy=SPY, mode="listen").actions([AGENT])


@pytest.mark.parametrize(("mode", "key"), [("listen", "4"), ("whisper", "5"), ("barge", "6")])
def test_the_mode_is_a_key_of_the_listeners(mode: Any, key: str) -> None:
    (pressed,) = ChangeMode(spy=SPY, mode=mode).actions([CALLER, AGENT, LISTENER])
    assert pressed == ("PlayDTMF", {"Channel": LISTENER.name, "Digit": key, "Receive": "true"})


def test_taking_over_while_listening() -> None:
    told = TakeOver(**MINE, spy=SPY).actions([CALLER, AGENT, LISTENER])
    assert told == [
        ("Setvar", {"Channel": LISTENER.name, "Variable": "CC_TAKES", "Value": "1"}),
        ("Setvar", {"Channel": CALLER.name, "Variable": "CC_TAKER", "Value": LISTENER.name}),
        ("Setvar", {"Channel": CALLER.name, "Variable": "CC_BACK", "Value": "seat-rose"}),
        ("BlindTransfer", {"Channel": AGENT.name, "Context": "supervisor", "Exten": "take"}),
    ]


@pytest.mark.parametrize("spy", [None, SPY])
def test_taking_over_without_listening_is_a_transfer_to_the_supervisor(spy: str | None) -> None:
    *_, (action, headers) = TakeOver(**MINE, spy=spy).actions([CALLER, AGENT])
    assert (action, headers) == (
        "BlindTransfer",
        {"Channel": AGENT.name, "Context": "agent-transfer", "Exten": "agent"},
    )


def test_all_of_a_call_are_hung_up_and_nobody_else() -> None:
    command = EndCall(linkedids=(CALL,))
    in_it = channel("PJSIP/seat-lead-00000004", f"pbx1-spy-{'b' * 32}-1763754700")
    told = command.actions([CALLER, AGENT, LISTENER, OTHERS, in_it])
    assert [headers["Channel"] for _, headers in told] == [CALLER.name, AGENT.name]
    assert is_already_so(command, "No such channel"), "the second ends with the first"


def test_a_waiting_caller_is_moved() -> None:
    told = MoveWaiting(uniqueid=CALL, queue="complaint", max_wait_seconds=300).actions([WAITING, OTHERS])
    assert told == [
        ("Setvar", {"Channel": WAITING.name, "Variable": "CC_TO", "Value": "complaint"}),
        ("Setvar", {"Channel": WAITING.name, "Variable": "CC_QTIMEOUT", "Value": "300"}),
        ("Redirect", {"Channel": WAITING.name, "Context": "supervisor", "Exten": "move", "Priority": "1"}),
    ]


def test_the_priority_is_changed_in_the_queue_where_asterisk_has_the_caller() -> None:
    told = BringToFront(uniqueid=CALL, priority=77).actions([WAITING])
    assert told == [
        ("Setvar", {"Channel": WAITING.name, "Variable": "CC_PRIO", "Value": "77"}),
        (
            "QueueChangePriorityCaller",
            {"Queue": "vip--not-1003", "Caller": WAITING.name, "Priority": "77", "Immediate": "yes"},
        ),
    ]


@pytest.mark.parametrize("command", EXAMPLES[-2:], ids=lambda command: command.action)
def test_who_was_answered_meanwhile_is_left_alone(command: LiveCommand) -> None:
    with pytest.raises(NoSuchLiveCall):
        command.actions([CALLER, AGENT])


def test_an_id_of_a_listener_is_younger_than_any_call() -> None:
    """Asterisk compares what follows the last dash."""
    spy = new_spy_id("pbx1")
    assert is_spy_id(spy)
    assert not is_spy_id(CALL)
    assert int(spy.rpartition("-")[2]) > int(CALL.rpartition("-")[2].partition(".")[0])
