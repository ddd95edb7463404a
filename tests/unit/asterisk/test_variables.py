"""Names and payloads shared with the dialplan."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk import variables
from callcenter.asterisk.variables import VALUE, format_payload, format_way, parse_payload, parse_way, recording_file

DIALPLAN = "".join(
    (Path(__file__).resolve().parents[3] / "asterisk_conf" / name).read_text()
    for name in ("extensions.conf.j2", "extensions_callbacks.conf.j2")
)
PLAIN = st.text("abcXYZ019_.+-", max_size=80)


@given(st.dictionaries(PLAIN, PLAIN, min_size=1))
def test_a_payload_comes_back_as_it_was(values: dict[str, str]) -> None:
    assert parse_payload(format_payload(values)) == values


EVENTS = st.tuples(st.sampled_from(["CC_FLOW", "CC_STEP"]), st.dictionaries(PLAIN, PLAIN, min_size=1))


@given(st.lists(EVENTS, min_size=1))
def test_a_way_comes_back_as_it_was(way: list[tuple[str, dict[str, str]]]) -> None:
    assert [(kind, parse_payload(said)) for kind, said in parse_way(format_way(way))] == way


@pytest.mark.parametrize("bad", ["a b", "a:b", "a=b", "a\n", "\n", "a,b", 'a"b', "a\\b", "${A}", "号", "a" * 81, "a~b"])
def test_what_could_break_dialplan_or_ledger_is_refused(bad: str) -> None:
    assert VALUE.fullmatch(bad) is None
    with pytest.raises(ValueError, match="not plain"):
        format_payload({"caller": bad})
    with pytest.raises(ValueError, match="not plain"):
        format_payload({bad: "1"})


@given(st.text())
def test_a_foreign_payload_never_raises(payload: str) -> None:
    parse_payload(payload)
    parse_way(payload)


def test_a_part_without_a_value_is_left_out() -> None:
    assert parse_payload("did=8000::caller:x=1=2") == {"did": "8000", "x": "1=2"}


def test_where_a_recording_lies() -> None:
    assert recording_file("complaint", "20260105", "pbx1-1.2") == "20260105/complaint-pbx1-1.2.wav"
    assert recording_file("message", "20260105", "pbx1-1.2", 2) == "message-pbx1-1.2-2.wav"


def test_every_event_of_the_dialplan_has_its_name_here() -> None:
    events = {value for name, value in vars(variables).items() if name.startswith("EVENT_")}
    written = set(re.findall(r"CELGenUserEvent\((\w+),", DIALPLAN))
    assert written
    assert written <= events


def test_every_variable_the_runner_shares_with_the_dialplan_is_used_there() -> None:
    shared = ("DID", "RESULT", "SERVED", "VISIT", "SEAT", "DIGIT", "OK", "DO", "QUEUE", "QUEUE_TIMEOUT", "HEAD_START")
    for name in shared:
        assert re.search(rf"\b{getattr(variables, name)}\b", DIALPLAN), name


def test_what_a_call_back_needs_is_used_there() -> None:
    for name in ("ATTEMPT", "NUMBER", "LANGUAGE", "PRIORITY", "DID", "APP_QUEUE"):
        assert f"${{{getattr(variables, name)}}}" in DIALPLAN, name


def test_every_decision_has_its_extension() -> None:
    for decision in (variables.DO_QUEUE, variables.DO_HANGUP):
        assert f"exten => do-{decision},1," in DIALPLAN
