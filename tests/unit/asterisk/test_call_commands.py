"""What agents' commands about their calls become, given the channels that there are: pure."""

from typing import Any

import pytest
from pydantic import ValidationError

from callcenter.asterisk.call_commands import (
    CALL_COMMANDS,
    CancelTransfer,
    CompleteTransfer,
    ConsultCall,
    DialFromSeat,
    HangUpCall,
    HoldCall,
    JoinCalls,
    MuteCall,
    PauseRecording,
    PressKeys,
    TransferCall,
    UnholdCall,
)
from callcenter.asterisk.command_table import ALL_COMMANDS
from callcenter.asterisk.commands import LiveCommand
from callcenter.asterisk.errors import NoSuchLiveCall
from callcenter.asterisk.live_channels import LiveChannel

CALL = "pbx1-1763754631.12"
MINE: dict[str, Any] = {"seat": "seat-rose", "call": CALL}
EXAMPLES: tuple[LiveCommand, ...] = (
    HangUpCall(**MINE),
    HoldCall(**MINE),
    UnholdCall(**MINE),
    MuteCall(**MINE, muted=True),
    PressKeys(**MINE, keys="1#"),
    PauseRecording(**MINE, paused=True),
    TransferCall(**MINE, kind="agent", to="seat-lotus"),
    ConsultCall(**MINE, kind="queue", to="vip"),
    CompleteTransfer(**MINE),
    CancelTransfer(**MINE),
    JoinCalls(**MINE),
    DialFromSeat(seat="seat-rose", dial="pbx1-ad-abc", kind="number", to="pbx1-ad-abc", did="8000"),
)


def channel(name: str, *, bridge: str = "b1", call: str = CALL, state: str = "Up") -> LiveChannel:
    return LiveChannel(
        name=name,
        uniqueid=f"{name}-id",
        linkedid=call,
        state=state,
        bridge_id=bridge,
        context="seats",
        extension="s",
        application="AppQueue",
    )


CALLER = channel("PJSIP/trunk-00000001")
OWN = channel("PJSIP/seat-rose-00000002")
THIRD = channel("PJSIP/seat-lotus-00000003")
ELSEWHERE = channel("PJSIP/trunk-00000009", bridge="b9", call="pbx1-1763754640.15")
TALKING = (ELSEWHERE, CALLER, OWN)


def dtmf(digit: str) -> tuple[str, dict[str, str]]:
    return "PlayDTMF", {"Channel": OWN.name, "Digit": digit, "Duration": "100", "Receive": "true"}


def hears(state: str) -> tuple[str, dict[str, str]]:
    return "MuteAudio", {"Channel": OWN.name, "Direction": "out", "State": state}


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        (HangUpCall(**MINE), [("Hangup", {"Channel": OWN.name, "Cause": "16"})]),
        (HoldCall(**MINE), [dtmf("B"), hears("on")]),
        (UnholdCall(**MINE), [hears("off"), dtmf("C")]),
        (
            MuteCall(**MINE, muted=True),
            [("MuteAudio", {"Channel": OWN.name, "Direction": "in", "State": "on"})],
        ),
        (
            PressKeys(**MINE, keys="1#"),
            [("PlayDTMF", {"Channel": CALLER.name, "Digit": key, "Duration": "100"}) for key in "1#"],
        ),
        (
            PauseRecording(**MINE, paused=True),
            [("MixMonitorMute", {"Channel": one.name, "Direction": "both", "State": "1"}) for one in (OWN, CALLER)],
        ),
        (
            TransferCall(**MINE, kind="agent", to="seat-lotus"),
            [
                ("Setvar", {"Channel": CALLER.name, "Variable": "CC_TO", "Value": "seat-lotus"}),
                ("Setvar", {"Channel": CALLER.name, "Variable": "CC_BACK", "Value": "seat-rose"}),
                ("BlindTransfer", {"Channel": OWN.name, "Context": "agent-transfer", "Exten": "agent"}),
            ],
        ),
        (
            ConsultCall(**MINE, kind="queue", to="vip"),
            [
                hears("off"),
                ("Setvar", {"Channel": OWN.name, "Variable": "__CC_TO", "Value": "vip"}),
                ("Setvar", {"Channel": OWN.name, "Variable": "__CC_BACK", "Value": "seat-rose"}),
                ("Atxfer", {"Channel": OWN.name, "Context": "agent-consult-queue", "Exten": "D"}),
            ],
        ),
        (CompleteTransfer(**MINE), [dtmf("C")]),
        (CancelTransfer(**MINE), [dtmf("B")]),
        (JoinCalls(**MINE), [dtmf("D")]),
    ],
)
def test_in_a_conversation(command: LiveCommand, actions: list[Any]) -> None:
    assert list(command.actions(TALKING)) == actions


@pytest.mark.parametrize("command", EXAMPLES[:-1])
@pytest.mark.parametrize("channels", [(), (CALLER,), (channel(OWN.name, call="pbx1-1763754640.15"), CALLER)])
def test_without_the_call_nothing_is_done(command: LiveCommand, channels: tuple[LiveChannel, ...]) -> None:
    """Also when the agent has another call by now."""
    with pytest.raises(NoSuchLiveCall):
        command.actions(channels)


@pytest.mark.parametrize("command", EXAMPLES[1:-1])
def test_while_it_rings_it_can_only_be_refused(command: LiveCommand) -> None:
    ringing = channel(OWN.name, bridge="", state="Ringing")
    assert HangUpCall(**MINE).actions((CALLER, ringing))
    with pytest.raises(NoSuchLiveCall):
        command.actions((channel(CALLER.name, bridge=""), ringing))


@pytest.mark.parametrize(
    "command", [HoldCall(**MINE), TransferCall(**MINE, kind="agent", to="seat-lotus"), EXAMPLES[7]]
)
def test_what_is_for_two_is_not_done_to_three(command: LiveCommand) -> None:
    with pytest.raises(NoSuchLiveCall):
        command.actions((*TALKING, THIRD))


def test_a_consultation_is_complete_only_when_somebody_has_answered() -> None:
    """Else the caller would wait for a telephone that rings, with nobody to come back to."""
    asked = channel("Local/D@agent-consult-agent-00000000;1", state="Down")
    with pytest.raises(NoSuchLiveCall):
        CompleteTransfer(**MINE).actions((OWN, asked))
    with pytest.raises(NoSuchLiveCall):
        JoinCalls(**MINE).actions((OWN, asked))
    assert CancelTransfer(**MINE).actions((OWN, asked))


def test_the_seats_telephone_rings_first_and_only_if_it_is_free() -> None:
    dial = DialFromSeat(seat="seat-rose", dial="pbx1-ad-abc", kind="agent", to="seat-lotus", did="8000")
    assert list(dial.actions((CALLER, THIRD))) == [
        (
            "Originate",
            {
                "Channel": "PJSIP/seat-rose",
                "ChannelId": "pbx1-ad-abc",
                "Context": "agent-dial",
                "Exten": "agent",
                "Priority": "1",
                "Timeout": "30000",
                "CallerID": "<8000>",
                "Async": "true",
                "Variable": ["CC_TO=seat-lotus", "CC_DID=8000", "CC_BACK=seat-rose"],
            },
        )
    ]
    with pytest.raises(NoSuchLiveCall):
        dial.actions(TALKING)


@pytest.mark.parametrize(
    ("command", "field"),
    [
        *((command, field) for command in EXAMPLES for field in ("seat", "call", "to", "dial", "kind", "keys", "did")),
    ],
)
@pytest.mark.parametrize(
    "evil",
    ["", "a\r\nAction: Originate", "a|b", "${EXTEN}", "a&PJSIP/b", "a,b", "a/b", "a@b", "A", "1;2", "a\n", "a\x00"],
)
def test_no_field_takes_what_has_a_meaning_of_its_own(command: LiveCommand, field: str, evil: str) -> None:
    good = command.model_dump()
    if field not in good or (field == "did" and evil == ""):
        return
    with pytest.raises(ValidationError):
        type(command).model_validate(good | {field: evil})


@pytest.mark.parametrize("keys", ["A", "B", "1A", "D", "1 ", "１", "1" * 17])
def test_keys_are_those_that_telephones_have(keys: str) -> None:
    """Never the digits that set off Asterisk's features."""
    with pytest.raises(ValidationError):
        PressKeys(**MINE, keys=keys)


def test_every_command_is_tried_and_in_the_table() -> None:
    assert {type(command) for command in EXAMPLES} == set(CALL_COMMANDS)
    assert all(ALL_COMMANDS[command.action] is type(command) for command in EXAMPLES)
