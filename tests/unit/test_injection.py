"""Every place where something from outside becomes part of a language: hostile values are refused, or stay values.

Each place is one entry of PLACES: it takes a hostile value and returns what came out as text, or raises one of our
refusals. What came out must be one value still. What comes over SIP: tests/e2e/abuse and tests/e2e/hostile_numbers;
over HTTP: tests/db/api/test_schemathesis.py.
"""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from callcenter.asterisk import variables
from callcenter.asterisk.agi_channel import _quoted
from callcenter.asterisk.ami_protocol import _encode
from callcenter.asterisk.commands import COMMANDS
from callcenter.asterisk.errors import EventMalformed
from callcenter.asterisk.events import parse_event
from callcenter.asterisk.render import DidConf, PbxConfiguration, PersonalQueueConf, SeatConf, render
from callcenter.asterisk.security_events import RefusedLogin
from callcenter.callouts.policy import Refusal, find_refusal
from callcenter.core.config import Settings
from callcenter.core.errors import CallcenterError
from callcenter.core.logging import mask
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.spreadsheets import cell
from callcenter.queues.schemas import DidNumber, QueueName
from tests.support.pbx_configuration import QUEUE, SIP_PASSWORD, Install

HOSTILE = {
    "line ends": "x\r\nAction: Originate\r\nApplication: System\r\nData: id",
    "line feed": "x\n[admin]\nsecret=x",
    "carriage return": "x\rEvent: y",
    "NUL": "x\x00y",
    "pipe": "lunch|queue_member",
    "comma": "x,1,System(id)",
    "semicolon": "x;comment",
    "ampersand": "x&PJSIP/seat-rose",
    "variable": "${SHELL(id)}",
    "expression": "$[1/0]",
    "backslashes": "\\\\\\",
    "equals": "x=y",
    "quotes": "\"'`",
    "parent folders": "../../../etc/passwd",
    "percent": "%0d%0aAction:%20Originate%00",
    "include": "#include /etc/passwd",
    "exec": "#exec /bin/id",
    "section": "[general]",
    "template": "{{ 7*7 }}{% raw %}",
    "formula =": "=HYPERLINK(1)",
    "formula +": "+1+1",
    "formula -": "-1+1",
    "formula @": "@SUM(A1)",
    "formula tab": "\t=1",
    "line separator": "x\u2028y\u2029z\u0085",
    "right to left": "x\u202e\u200f",
    "surrogate": "x\ud800",
    "option": "--help",
    "SQL": "'; DROP TABLE users; --",
    "long": "x" * 10_000,
    "long digits": "1" * 10_000,
    "full-width digits": "１２３",
    "other digits": "٣٤٥",
    "empty": "",
    "space": " x ",
}
REFUSALS = (CallcenterError, ValidationError, ValueError)

CONFIGURATION = PbxConfiguration(
    dids=(DidConf("8000", "vip", "zh"),),
    queues=(QUEUE,),
    seats=(SeatConf("seat-rose", SIP_PASSWORD),),
    personal_queues=(PersonalQueueConf("1001", 10),),
)


# -- Asterisk's configuration files

CONFIGURED: dict[str, Callable[[str], PbxConfiguration]] = {
    "DID": lambda evil: replace(CONFIGURATION, dids=(DidConf(evil, "vip", "zh"),)),
    "fall-back queue": lambda evil: replace(CONFIGURATION, dids=(DidConf("8000", evil, "zh"),)),
    "language": lambda evil: replace(CONFIGURATION, dids=(DidConf("8000", "vip", evil),)),
    "queue": lambda evil: replace(CONFIGURATION, dids=(), queues=(replace(QUEUE, name=evil),)),
    "strategy": lambda evil: replace(CONFIGURATION, queues=(replace(QUEUE, strategy=evil),)),
    "exit keys": lambda evil: replace(CONFIGURATION, queues=(replace(QUEUE, exit_keys=evil),)),
    "comfort prompt": lambda evil: replace(CONFIGURATION, queues=(replace(QUEUE, comfort_prompts=(evil,)),)),
    "agent left out": lambda evil: replace(CONFIGURATION, queues=(replace(QUEUE, without=(evil,)),)),
    "personal queue": lambda evil: replace(CONFIGURATION, personal_queues=(PersonalQueueConf(evil, 1),)),
    "seat": lambda evil: replace(CONFIGURATION, seats=(SeatConf(evil, SIP_PASSWORD),)),
    "SIP password": lambda evil: replace(CONFIGURATION, seats=(SeatConf("seat-rose", evil),)),
}


@pytest.mark.parametrize("place", CONFIGURED)
def test_no_name_changes_the_files_of_the_pbx(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_AMI_EVENTS_SECRET", "secret-of-the-events")
    monkeypatch.setenv("CALLCENTER_AMI_COMMANDS_SECRET", "secret-of-the-commands")
    settings = Settings(state_dir=tmp_path)

    def sections(configuration: PbxConfiguration) -> dict[str, list[str]]:
        files = render(settings, configuration, Install("system", None, (22, 10, 1)))
        return {name: re.findall(r"^\s*(?:\[[^\]]*\]|#\w+)", text, re.M) for name, text in files.items()}

    usual = sections(CONFIGURATION)
    for name, evil in HOSTILE.items():
        try:
            found = sections(CONFIGURED[place](evil))
        except REFUSALS:
            continue
        assert (place, evil) in {("exit keys", "")}, f"{name} was taken as {place}"
        assert found == usual


# -- AMI


def ami_places() -> dict[str, Callable[[str], bytes]]:
    """Every text field of every command that there is."""
    examples: dict[str, dict[str, Any]] = {
        "queue_add": {"queue": "vip", "seat": "seat-rose", "member_name": "agent-1001", "penalty": 0, "paused": False},
        "queue_remove": {"queue": "vip", "seat": "seat-rose"},
        "queue_pause": {"seat": "seat-rose", "paused": True, "reason": "lunch"},
        "place_callback": {
            "attempt": "pbx1-cb-abc",
            "queue": "vip",
            "app_queue": "vip",
            "priority": 1,
            "timeout_seconds": 60,
        },
        "hang_up_channel": {"attempt": "pbx1-cb-abc"},
    }
    places: dict[str, Callable[[str], bytes]] = {}
    for action, example in examples.items():
        command = COMMANDS[action]
        encoded = _encode(*command.model_validate(example).ami())
        assert encoded.count(b"Action:") == 1
        for field in [name for name, value in example.items() if isinstance(value, str)]:

            def place(evil: str, field: str = field, command: Any = command, example: Any = example) -> bytes:
                return _encode(*command.model_validate(example | {field: evil}).ami())

            places[f"{action}.{field}"] = place
    return places


AMI = ami_places()


def test_every_command_with_a_text_is_here() -> None:
    with_texts = {
        action
        for action, command in COMMANDS.items()
        if any(field.annotation in (str, str | None) for field in command.model_fields.values())
    }
    assert with_texts <= {place.split(".")[0] for place in AMI} | {"reload"}


@pytest.mark.parametrize("place", AMI)
def test_ami_gets_exactly_one_action_or_none(place: str) -> None:
    for name, evil in HOSTILE.items():
        try:
            sent = AMI[place](evil)
        except REFUSALS:
            continue
        raise AssertionError(f"{name} went out as {place}: {sent!r}")


@pytest.mark.parametrize("name", HOSTILE)
def test_the_last_gate_before_ami(name: str) -> None:
    """Also for a command that would forget to check."""
    try:
        sent = _encode("QueuePause", {"Interface": "PJSIP/seat-rose", "Reason": HOSTILE[name]})
    except CallcenterError:
        return
    assert sent.count(b"\r\n") == 4
    assert sent.count(b"\r") == sent.count(b"\n") == 4
    assert b"\x00" not in sent


# -- other languages

PLACES: dict[str, Callable[[str], str]] = {
    "caller's number": lambda evil: NumberPlan("CN", "0571").normalise(evil) or "",
    "ledger user event": lambda evil: variables.format_payload({"queue": evil}).removeprefix("queue="),
    "dialled number": lambda evil: NumberPlan("CN", "0571").to_dial(evil),
    "DID in the API": lambda evil: TypeAdapter(DidNumber).validate_python(evil),
    "queue in the API": lambda evil: TypeAdapter(QueueName).validate_python(evil),
}


@pytest.mark.parametrize("place", PLACES)
def test_only_plain_words_come_out(place: str) -> None:
    for name, evil in HOSTILE.items():
        try:
            found = PLACES[place](evil)
        except REFUSALS:
            continue
        assert re.fullmatch(r"\+?[A-Za-z0-9_.+-]{0,60}", found, re.ASCII), f"{name} came out of {place}: {found!r}"


@pytest.mark.parametrize("name", HOSTILE)
def test_an_agi_value_stays_one_quoted_word(name: str) -> None:
    try:
        quoted = _quoted(HOSTILE[name])
    except CallcenterError:
        return
    assert re.fullmatch(r'"(?:[^"\\\r\n\x00]|\\["\\])*"', quoted)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_spreadsheet_runs_an_exported_cell(name: str) -> None:
    exported = cell(HOSTILE[name])
    assert not exported.startswith(("=", "+", "-", "@", "\t", "\r"))
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow([exported, "next"])
    assert next(csv.reader(io.StringIO(buffer.getvalue(), newline=""))) == [exported, "next"]


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_is_dialled(name: str) -> None:
    for number in (HOSTILE[name], f"+8613800000001{HOSTILE[name]}", f"{HOSTILE[name]}+8613800000001"):
        assert find_refusal(number, "CN") is (None if number == "+8613800000001" else Refusal.NOT_A_NUMBER)


@pytest.mark.parametrize("name", HOSTILE)
def test_an_event_s_address_is_an_address_or_none(name: str) -> None:
    headers = {"Event": "InvalidPassword", "Service": "PJSIP", "RemoteAddress": f"IPV4/UDP/{HOSTILE[name]}/5060"}
    try:
        event = parse_event(headers)
    except EventMalformed as error:
        assert HOSTILE[name] == "" or HOSTILE[name] not in error.message
        return
    assert isinstance(event, RefusedLogin)
    assert event.source == ""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_log_line_holds_no_long_number(name: str) -> None:
    assert not re.search(r"\d{7,}", mask(f"{HOSTILE[name]} 13800000001"))
