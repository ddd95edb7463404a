"""Every place where something from outside becomes part of a language: hostile values are refused, or stay values.

Each place is one entry of PLACES: it takes a hostile value and returns what came out as text, or raises one of our
refusals. What came out must be one value still. Where a value comes from and where it ends:

| from | ends in | tried |
|---|---|---|
| names of queues, seats, DIDs, agents | Asterisk's files, AMI | here |
| caller's number, keys pressed | dialplan, ledger, SQL, dialled number | here; real calls: tests/e2e/hostile_numbers |
| caller's name and other SIP headers | nothing of ours reads them | tests/e2e/abuse |
| address of a guesser | alarm | here |
| cells of a patient file | COPY, report | here; whole files: tests/unit/core/test_uploaded_tables.py |
| cells of a contact file, variables | COPY, mails, speech | here; whole files: tests/db/campaigns/test_importing.py |
| names of uploaded files | nowhere | tests/db/api/test_outside_fields.py |
| path and query of the API | SQL | here; tests/db/api: test_outside_fields, test_cursors, test_schemathesis |
| texts that are spoken | a speech engine's input | here |
| a speech service's answer | a sound file | here |
| a recording's purpose and day in the ledger | a path | here |
| what is exported | a spreadsheet | here |
| anything | the log | here |
"""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from callcenter.app import create_app
from callcenter.asterisk import variables
from callcenter.asterisk.agi_channel import _quoted
from callcenter.asterisk.ami_protocol import _encode
from callcenter.asterisk.campaign_commands import CAMPAIGN_COMMANDS
from callcenter.asterisk.commands import COMMANDS
from callcenter.asterisk.errors import EventMalformed
from callcenter.asterisk.events import parse_event
from callcenter.asterisk.ledger import CelRecord
from callcenter.asterisk.render import DidConf, PbxConfiguration, PersonalQueueConf, SeatConf, render
from callcenter.asterisk.security_events import RefusedLogin
from callcenter.callouts.policy import Refusal, find_refusal
from callcenter.calls.derive import _recordings
from callcenter.campaigns import import_rows as contact_rows
from callcenter.campaigns.import_sql import copy_line as contact_copy_line
from callcenter.campaigns.models import CampaignContact, Channel
from callcenter.campaigns.rules import Texts
from callcenter.campaigns.texts import fill, letter
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.core.logging import mask
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.spreadsheets import cell
from callcenter.core.uploaded_tables import RawRow, RowProblem
from callcenter.patients.import_rows import ImportContext, PatientRow, RowReader
from callcenter.patients.import_sql import copy_line
from callcenter.patients.importing import ImportReport, write_problems
from callcenter.queues.schemas import DidNumber, QueueName
from callcenter.speech.audio import wav_seconds
from callcenter.speech.errors import SpeechFailed
from callcenter.speech.http_provider import _require_wav
from callcenter.speech.providers import EspeakProvider
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


PLAIN = {**COMMANDS, **{command.action: command for command in CAMPAIGN_COMMANDS}}


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
        "put_phone_credential": {"seat": "seat-rose", "digest": "0123456789abcdef" * 2},
        "remove_phone_credential": {"seat": "seat-rose"},
        "place_campaign_call": {
            "attempt": "pbx1-ca-abc",
            "number": "13800000001",
            "did": "8000",
            "language": "zh",
            "ring_seconds": 30,
            "machine": "off",
            "queue": "expert",
        },
        "place_preview_call": {
            "attempt": "pbx1-cp-abc",
            "seat": "seat-rose",
            "number": "13800000001",
            "did": "8000",
            "ring_seconds": 30,
        },
    }
    places: dict[str, Callable[[str], bytes]] = {}
    for action, example in examples.items():
        command = PLAIN[action]
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
        for action, command in PLAIN.items()
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


# -- a patient file

PATIENT = {
    "external_id": "P1",
    "name": "张三",
    "sex": "male",
    "birth_date": "1958-03-02",
    "language": "zh",
    "email": "zhang@example.com",
    "numbers": "13800000001",
    "card_number": "C10001",
    "check_code": "482913",
    "vip_grade": "gold",
    "responsible_doctor": "D1",
    "deceased": "",
}


@pytest.mark.parametrize("column", PATIENT)
def test_a_cell_stays_a_cell(column: str) -> None:
    """As PostgreSQL's COPY reads it: fields between tabs, a line each, escapes taken back."""
    for name, evil in HOSTILE.items():
        context = ImportContext(NumberPlan("CN", "0571"), "key", frozenset({"gold"}), {"D1": UUID(int=1)})
        row = RowReader(list(PATIENT), context).read(RawRow(2, list((PATIENT | {column: evil}).values())))
        if not isinstance(row, PatientRow):
            assert column in {problem.column for problem in row} | {"check_code"}, name
            continue
        line = copy_line(row).encode().decode()
        assert "\x00" not in line
        assert (line.count("\n"), line.count("\r")) == (1, 0)
        fields = [unescaped(field) for field in line.removesuffix("\n").split("\t")]
        assert len(fields) == 14
        assert fields[1:3] == [row.external_id, row.values["name"]]
        assert fields[6] == (row.values["email"] or "<NULL>")


# -- a file of contacts

CONTACT = {
    "key": "K1",
    "name": "张三",
    "number": "13800000001",
    "email": "zhang@example.com",
    "zone": "",
    "when": "明天",
}


@pytest.mark.parametrize("column", CONTACT)
def test_a_cell_of_a_contact_stays_a_cell(column: str) -> None:
    """What comes through names the contact, or is a variable; a number is E.164 or refused."""
    reader = contact_rows.RowReader(
        contact_rows.read_header(list(CONTACT)),
        contact_rows.ImportContext(NumberPlan("CN", "0571"), ZoneInfo("Asia/Shanghai")),
    )
    for name, evil in HOSTILE.items():
        row = reader.read(RawRow(2, list((CONTACT | {column: evil}).values())))
        if not isinstance(row, contact_rows.ContactRow):
            continue
        line = contact_copy_line(row)
        assert "\x00" not in line
        assert (line.count("\n"), line.count("\r"), line.count("\t")) == (1, 0, 10), name
        fields = [unescaped(field) for field in line.removesuffix("\n").split("\t")]
        assert fields[1:3] == [row.key, row.name]
        assert re.fullmatch(r"\{(\+[0-9]{5,15})?\}", fields[5]), f"{name} is a number: {fields[5]!r}"
        assert orjson.loads(fields[9]) == row.variables


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_said_of_a_contact_is_text_and_nothing_else(name: str) -> None:
    """Filled into a script, a letter, a sound: no second text is filled in, no line of a mail's head begins."""
    assert fill("{who}", {"who": HOSTILE[name]}) == HOSTILE[name].replace("{", "").replace("}", "")
    texts = Texts.model_validate({"email": {"subject": {"zh": "{who}"}, "text": {"zh": "{who}"}}})
    written = letter(texts, Channel.EMAIL, CampaignContact(name="", language="zh", variables={"who": HOSTILE[name]}))
    assert written is not None
    assert not re.search(r"[\r\n\x00]", written.subject + written.text)


def unescaped(field: str) -> str:
    if field == r"\N":
        return "<NULL>"
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r"}.get(found[1], found[1]), field)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_spreadsheet_runs_what_the_report_repeats(name: str) -> None:
    report = ImportReport(problems=[RowProblem(2, "external_id", "bad-text", HOSTILE[name])])
    written = io.StringIO(newline="")
    write_problems(report, written)
    rows = list(csv.reader(io.StringIO(written.getvalue(), newline="")))
    assert len(rows) == 2
    assert rows[1][2] == cell(HOSTILE[name])


# -- speech


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"NUL", "surrogate", "empty"}))
def test_a_text_is_spoken_and_nothing_else(name: str, tmp_path: Path) -> None:
    """Not an option of the engine, not a file that it reads, no markup that plays one."""
    sound = tmp_path / "spoken.wav"
    EspeakProvider().speak(HOSTILE[name][:100], "en", sound)
    assert [path.name for path in tmp_path.iterdir()] == ["spoken.wav"]
    assert wav_seconds(sound) < 60


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"surrogate"}))
def test_a_speech_service_s_answer_is_a_sound_or_refused(name: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    for start in ("", "RIFF", "RIFF\x24\x00\x00\x00WAVEfmt "):
        answer.write_bytes(f"{start}{HOSTILE[name]}".encode())
        with pytest.raises(SpeechFailed):
            _require_wav(answer)


# -- paths


@pytest.mark.parametrize("field", ["purpose", "day", "number", "queue", "form"])
def test_no_ledger_line_names_a_file_elsewhere(field: str) -> None:
    said = {"purpose": "message", "day": "20260105", "number": "1", "queue": "vip", "form": "wav"}
    for evil in HOSTILE.values():
        payload = ":".join(f"{key}={value}" for key, value in (said | {field: evil}).items())
        event = CelRecord(variables.EVENT_RECORD, now(), "pbx1-1.1", "pbx1-1.1", "", extra={"extra": payload})
        for recording in _recordings([event], {}):
            assert re.fullmatch(r"(\d{8}/)?[a-z_]{1,40}-pbx1-1\.1(-\d{1,4})?\.wav", recording.file)


# -- the API's paths


def path_parameters(state_dir: Path) -> dict[str, dict[str, Any]]:
    """``path parameter`` -> what the OpenAPI document says of it."""
    app = create_app(Settings(state_dir=state_dir), Database("postgresql+asyncpg://nobody@127.0.0.1/nothing"))
    return {
        f"{path} {parameter['name']}": parameter["schema"]
        for path, methods in app.openapi()["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path"
    }


def test_every_path_parameter_is_of_a_kind_that_holds_nothing_hostile(tmp_path: Path) -> None:
    parameters = path_parameters(tmp_path)
    assert len(parameters) > 20
    for place, schema in parameters.items():
        if schema["type"] == "integer" or schema.get("format") in {"uuid", "date"} or "enum" in schema:
            continue
        for name, evil in HOSTILE.items():
            if re.search(schema["pattern"], evil) and len(evil) <= schema.get("maxLength", 200):
                assert re.fullmatch(r"[A-Za-z0-9_.+-]+", evil), f"{name} is taken as {place}"
