"""What may be asked of a PBX: a closed list, and nothing that AMI, astdb or the dialplan gives a meaning to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.asterisk.call_commands import PauseRecording
from callcenter.asterisk.command_table import ALL_COMMANDS
from callcenter.asterisk.commands import (
    COMMANDS,
    Command,
    HangUpChannel,
    LiveCommand,
    PlaceCallback,
    PutPhoneCredential,
    QueueAdd,
    QueuePause,
    QueueRemove,
    Reload,
    RemovePhoneCredential,
    Render,
    interface,
    is_already_so,
    seat_of,
)

ADD: dict[str, Any] = {"queue": "vip", "seat": "seat-rose", "member_name": "agent-1001", "penalty": 0, "paused": True}
PLACE: dict[str, Any] = {
    "attempt": "pbx1-cb-abc",
    "queue": "vip",
    "app_queue": "vip--not-1003",
    "priority": 2_087_000_000,
    "timeout_seconds": 60,
}
DIGEST = "0123456789abcdef0123456789abcdef"

HOSTILE = (
    "a|b",  # a field separator of astdb and queue_log
    "a\r\nAction: Originate",
    "a\n",
    "\na",
    "a\r",
    "a&PJSIP/b",
    "a b",
    "${EXTEN}",
    "$[1+1]",
    "a,b",
    "a/b",
    "a@b",
    "a;b",
    "a\x00",
    "",
    "1001",
    "-a",
    "A",
    "号",
    "a" * 61,
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    ("command", "field"),
    [
        (QueueAdd, "queue"),
        (QueueAdd, "seat"),
        (QueueAdd, "member_name"),
        (QueueRemove, "queue"),
        (QueueRemove, "seat"),
        (QueuePause, "seat"),
        (QueuePause, "reason"),
        (PlaceCallback, "attempt"),
        (PlaceCallback, "queue"),
        (PlaceCallback, "app_queue"),
        (HangUpChannel, "attempt"),
        (PutPhoneCredential, "seat"),
        (PutPhoneCredential, "digest"),
        (RemovePhoneCredential, "seat"),
    ],
)
def test_names_with_a_meaning_of_their_own_are_refused(command: type[Command], field: str, name: str) -> None:
    good: dict[type[Command], dict[str, Any]] = {
        QueueAdd: ADD,
        QueueRemove: {"queue": "vip", "seat": "seat-rose"},
        QueuePause: {"seat": "seat-rose", "paused": True, "reason": "lunch"},
        PlaceCallback: PLACE,
        HangUpChannel: {"attempt": "pbx1-cb-abc"},
        PutPhoneCredential: {"seat": "seat-rose", "digest": DIGEST},
        RemovePhoneCredential: {"seat": "seat-rose"},
    }
    command.model_validate(good[command])
    with pytest.raises(ValidationError):
        command.model_validate(good[command] | {field: name})


@pytest.mark.parametrize("module", ["", "all\n", "a b", "../x.so", "app_queue.so.so", "app-queue", "a\r\nAction: x"])
def test_a_reload_names_a_module(module: str) -> None:
    with pytest.raises(ValidationError):
        Reload(module=module)


@given(st.text(max_size=50))
def test_a_header_never_holds_more_than_a_name(name: str) -> None:
    try:
        _, headers = QueueAdd.model_validate(ADD | {"queue": name}).ami()
    except ValidationError:
        return
    assert headers["Queue"].isascii()
    assert all(c.isalnum() or c in "-_" for c in headers["Queue"])


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        Render.model_validate({"command": "core stop now"})


def test_the_actions() -> None:
    assert QueueAdd(**ADD).ami() == (
        "QueueAdd",
        {
            "Queue": "vip",
            "Interface": "PJSIP/seat-rose",
            "MemberName": "agent-1001",
            "Penalty": "0",
            "Paused": "true",
            "StateInterface": "PJSIP/seat-rose",
        },
    )
    assert QueueRemove(queue="vip", seat="seat-rose").ami() == (
        "QueueRemove",
        {"Queue": "vip", "Interface": "PJSIP/seat-rose"},
    )
    paused = QueuePause(seat="seat-rose", paused=True, reason="lunch").ami()
    assert paused == ("QueuePause", {"Interface": "PJSIP/seat-rose", "Paused": "true", "Reason": "lunch"})
    available = QueuePause(seat="seat-rose", paused=False, reason=None).ami()
    assert available == ("QueuePause", {"Interface": "PJSIP/seat-rose", "Paused": "false"})
    assert PlaceCallback(**PLACE).ami() == (
        "Originate",
        {
            "Channel": "Local/s@callback-place/n",
            "ChannelId": "pbx1-cb-abc",
            "OtherChannelId": "pbx1-cb-abc-place",
            "Context": "callback-dial",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "60000",
            "Async": "true",
            "Variable": ["CC_ATTEMPT=pbx1-cb-abc", "CC_QUEUE=vip", "CC_APP_QUEUE=vip--not-1003", "CC_PRIO=2087000000"],
        },
    )
    assert HangUpChannel(attempt="pbx1-cb-abc").ami() == ("Hangup", {"Channel": "pbx1-cb-abc"})
    assert Reload(module="app_queue.so").ami() == ("Reload", {"Module": "app_queue.so"})
    action, headers = PutPhoneCredential(seat="seat-rose", digest=DIGEST).ami()
    assert (action, headers["Family"], headers["Key"]) == ("DBPut", "phone/auth", "seat-rose")
    assert json.loads(str(headers["Val"])) == {
        "auth_type": "digest",
        "username": "seat-rose",
        "realm": "callcenter",
        "password_digest": f"MD5:{DIGEST}",
    }
    assert RemovePhoneCredential(seat="seat-rose").ami() == ("DBDel", {"Family": "phone/auth", "Key": "seat-rose"})
    with pytest.raises(TypeError):
        Render().ami()


LIVE = set(ALL_COMMANDS.values()) - set(COMMANDS.values())
"""Tried where each is."""


def _leaves(base: type[Any]) -> set[type[Any]]:
    return set().union(*(_leaves(one) or {one} for one in base.__subclasses__())) - {LiveCommand}


def test_every_command_is_in_the_list_and_comes_back_from_its_row() -> None:
    commands: list[Command] = [
        QueueAdd(**ADD),
        QueueRemove(queue="vip", seat="seat-rose"),
        QueuePause(seat="seat-rose", paused=True, reason=None),
        PlaceCallback(**PLACE),
        HangUpChannel(attempt="pbx1-cb-abc"),
        PutPhoneCredential(seat="seat-rose", digest=DIGEST),
        RemovePhoneCredential(seat="seat-rose"),
        Reload(module="manager"),
        Render(),
    ]
    assert {type(command) for command in commands} == _leaves(Command) - LIVE == set(COMMANDS.values())
    for command in commands:
        assert COMMANDS[command.action].model_validate(command.model_dump()) == command


@pytest.mark.parametrize(
    ("command", "message", "so"),
    [
        (QueueAdd(**ADD), "Unable to add interface: Already there", True),
        (QueueAdd(**ADD), "Unable to add interface to queue: No such queue", False),
        (QueueAdd(**ADD), "Unable to remove interface: Not there", False),
        (QueueRemove(queue="vip", seat="seat-rose"), "Unable to remove interface: Not there", True),
        (QueueRemove(queue="vip", seat="seat-rose"), "Unable to remove interface from queue: No such queue", False),
        (QueuePause(seat="seat-rose", paused=True, reason=None), "Interface not found", False),
        (Reload(module="manager"), "Already there", False),
        (HangUpChannel(attempt="pbx1-cb-abc"), "No such channel", True),
        (PlaceCallback(**PLACE), "No such channel", False),
        (RemovePhoneCredential(seat="seat-rose"), "Database entry not found", True),
        (PutPhoneCredential(seat="seat-rose", digest=DIGEST), "Database entry not found", False),
        (PauseRecording(seat="seat-rose", call="pbx1-1.1", paused=True), "Cannot set mute flag", True),
    ],
)
def test_what_is_so_already_is_success(command: Command, message: str, so: bool) -> None:
    """Asterisk 22.10's own words."""
    assert is_already_so(command, message) is so


@pytest.mark.parametrize("seat", ["seat-rose", "a", "seat-cafebabe", "seat-00000001", "x-1-deadbeef"])
def test_a_seat_is_read_back_from_its_interface(seat: str) -> None:
    """Also one whose name ends as Asterisk's channel names do."""
    assert seat_of(interface(seat)) == seat


@pytest.mark.parametrize("other", ["", "PJSIP", "PJSIP/", "Local/1@x/n", "SIP/seat-rose", "seat-rose"])
def test_what_is_no_seat(other: str) -> None:
    assert seat_of(other) is None
