"""Lines as Asterisk 22.10.1 wrote them, and what hostile or broken ones become."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.ledger import (
    LedgerKind,
    LedgerLineBad,
    endpoint_of,
    parse_cel_line,
    parse_line,
    parse_queue_log_line,
    seat_of_channel,
)

CALL = (
    rb'{"eventtype":"CC_CALL","eventenum":"USER_DEFINED","userdeftype":"CC_CALL","eventtime":"1795291939.818562",'
    rb'"exten":"s","context":"call","channame":"PJSIP/trunk-00000004","appname":"CELGenUserEvent",'
    rb'"uniqueid":"pbx1-1795291939.4","linkedid":"pbx1-1795291939.4","peer":"",'
    rb'"eventextra":"{\"extra\":\"did=8000:caller=13800000001\"}"}'
)
HANGUP = (
    rb'{"eventtype":"HANGUP","eventenum":"HANGUP","userdeftype":"","eventtime":"1795292017.681961","exten":"do-queue",'
    rb'"context":"seats","channame":"PJSIP/seat-a-00000011","appname":"AppQueue","uniqueid":"pbx1-1795292015.17",'
    rb'"linkedid":"pbx1-1795292014.16","peer":"",'
    rb'"eventextra":"{\"hangupcause\":16,\"hangupsource\":\"PJSIP/seat-a-00000011\",\"dialstatus\":\"\"}"}'
)
MUSIC = (
    rb'{"eventtype":"STREAM_BEGIN","eventenum":"STREAM_BEGIN","userdeftype":"MOH_STREAM_BEGIN",'
    rb'"eventtime":"1795291907.115072","exten":"do-queue","context":"cc","channame":"PJSIP/trunk-00000000",'
    rb'"appname":"Queue","uniqueid":"pbx1-1795291906.0","linkedid":"pbx1-1795291906.0","peer":"",'
    rb'"eventextra":"{\"class\":\"default\"}"}'
)


def test_user_event() -> None:
    event = parse_cel_line(CALL)
    assert event.kind == "CC_CALL"
    assert event.payload == {"did": "8000", "caller": "13800000001"}
    assert event.at == datetime(2026, 11, 21, 20, 12, 19, 818562, tzinfo=UTC)
    assert (event.uniqueid, event.linkedid) == ("pbx1-1795291939.4", "pbx1-1795291939.4")
    assert event.endpoint == "trunk"


def test_extra_is_json_inside_a_string() -> None:
    event = parse_cel_line(HANGUP)
    assert event.extra == {"hangupcause": 16, "hangupsource": "PJSIP/seat-a-00000011", "dialstatus": ""}
    assert event.payload == {}


def test_music_keeps_asterisks_name_though_it_has_a_type_of_its_own() -> None:
    assert parse_cel_line(MUSIC).kind == "STREAM_BEGIN"


def test_queue_log_line() -> None:
    line = parse_queue_log_line(b"1795292016|pbx1-1795292014.16|consultation|agent-1001|CONNECT|1|pbx1-1795292015.17|0")
    assert (line.callid, line.queue_name, line.agent, line.kind) == (
        "pbx1-1795292014.16",
        "consultation",
        "agent-1001",
        "CONNECT",
    )
    assert line.data == ("1", "pbx1-1795292015.17", "0")
    assert line.at == datetime(2026, 11, 21, 20, 13, 36, tzinfo=UTC)
    assert parse_queue_log_line(b"1795293873|NONE|NONE|NONE|QUEUESTART|").data == ("",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (CALL[:80], "not_json"),
        (b"", "not_json"),
        (b"[]", "missing_field"),
        (CALL.replace(b'"uniqueid":"pbx1-1795291939.4",', b""), "missing_field"),
        (CALL.replace(b'"pbx1-1795291939.4","linkedid"', b'"","linkedid"'), "missing_field"),
        (CALL.replace(b'"exten":"s"', rb'"exten":"138\"'), "not_json"),  # a number ending in a backslash
        (CALL.replace(b'"exten":"s"', b'"exten":"s","linkedid":"pbx1-1795291939.1"'), "field_twice"),
        (CALL.replace(b"1795291939.818562", b"yesterday"), "bad_time"),
        (CALL.replace(b"1795291939.818562", b"99999999999999.818562"), "bad_time"),
        (CALL.replace(rb"{\"extra\"", rb"{extra\""), "bad_extra"),
        (CALL.replace(b"8000", rb"\u0000"), "nul"),
        (b"\x00\x00" + CALL, "nul"),
        (CALL.replace(b'"s"', b'"' + b"s" * 2000 + b'"'), "field_too_long"),
        (CALL.replace(b'"s"', b'"\xff"'), "not_json"),
    ],
)
def test_a_bad_cel_line_is_refused_whole(line: bytes, reason: str) -> None:
    with pytest.raises(LedgerLineBad) as caught:
        parse_cel_line(line)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "missing_field"),
        (b"1795292016|a|b|c", "missing_field"),
        (b"1795292016|a|b|c|", "missing_field"),
        (b"now|a|b|c|CONNECT", "bad_time"),
        (b"1795292016|\x00|b|c|CONNECT", "nul"),
        (b"1795292016|\xff|b|c|CONNECT", "not_utf8"),
    ],
)
def test_a_bad_queue_log_line_is_refused_whole(line: bytes, reason: str) -> None:
    with pytest.raises(LedgerLineBad) as caught:
        parse_queue_log_line(line)
    assert caught.value.reason == reason


@given(
    st.sampled_from([CALL, HANGUP]), st.integers(0, 400), st.binary(min_size=0, max_size=8), st.sampled_from(LedgerKind)
)
def test_any_damage_is_a_record_or_a_bad_line_never_another_error(
    line: bytes, at: int, damage: bytes, kind: LedgerKind
) -> None:
    try:
        parse_line(kind, line[:at] + damage + line[at + len(damage) :])
    except LedgerLineBad as error:
        assert error.reason


def test_endpoints() -> None:
    assert endpoint_of("PJSIP/seat-a-0000001f") == "seat-a"
    assert endpoint_of("Local/s@flow-00000001;1") is None
    assert seat_of_channel("PJSIP/trunk-0000001f") is None
    assert seat_of_channel("PJSIP/seat-a-0000001f") == "seat-a"
    assert seat_of_channel("dialplan/builtin") is None
