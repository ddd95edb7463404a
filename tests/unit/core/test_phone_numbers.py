"""Numbers in every form people, trunks and attackers write them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.core.phone_numbers import NumberPlan, masked, parsed_e164

PLAN = NumberPlan("CN", "0571")


@pytest.mark.parametrize(
    "written",
    [
        "13800000001",
        "013800000001",
        "+86 138 0000 0001",
        "+8613800000001",
        "008613800000001",
        "0086 138-0000-0001",
        "(+86) 138.0000.0001".replace("(+86)", "+86"),
        "  13800000001  ",
        "138-0000-0001",
        "138/0000/0001",
    ],
)
def test_every_form_of_one_mobile_is_one_number(written: str) -> None:
    assert PLAN.normalise(written) == "+8613800000001"


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("88880000", "+8657188880000"),
        ("0571-88880000", "+8657188880000"),
        ("(0571) 88880000", "+8657188880000"),
        ("010 8888 0000", "+861088880000"),
        ("+852 9123 4567", "+85291234567"),
        ("0044 20 7946 0958", "+442079460958"),
        ("+1 (202) 555-0143", "+12025550143"),
    ],
)
def test_land_lines_and_foreign_numbers(written: str, e164: str) -> None:
    assert PLAN.normalise(written) == e164


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        " ",
        "anonymous",
        "Anonymous",
        "unavailable",
        "Restricted",
        "withheld",
        "unknown",
        "asterisk",
        "138%26",
        "%26",
        "138%5C",
        "%5C",
        "138&0000&0001",
        "138\\0000",
        "1380000\r\n0001",
        "13800000001\n",
        "138\x000000001",
        "1" * 200,
        "+" + "8" * 200,
        "+",
        "++8613800000001",
        "12",
        "110",
        "sip:13800000001@host",
        "１３８００００0001",
        "13800000001;ext=5",
        "'; DROP TABLE patients; --",
    ],
)
def test_withheld_and_hostile_numbers_are_nobody(written: str | None) -> None:
    expected = "+8613800000001" if written == "13800000001\n" else None  # a line end at the end is a typist's
    assert PLAN.normalise(written) == expected


def test_without_an_area_code_a_local_number_is_unknown() -> None:
    assert NumberPlan("CN", "").normalise("88880000") is None


E164 = re.compile(r"\+[1-9]\d{6,14}")
ANYTHING = st.text(max_size=60)
NUMBER_LIKE = st.text(alphabet="0123456789+ ()-./%&\\;", max_size=45)


@given(ANYTHING | NUMBER_LIKE | st.none())
def test_whatever_comes_is_e164_or_nobody(raw: str | None) -> None:
    e164 = PLAN.normalise(raw)
    assert e164 is None or E164.fullmatch(e164)


@given(NUMBER_LIKE)
def test_reading_what_was_read_changes_nothing(raw: str) -> None:
    e164 = PLAN.normalise(raw)
    if e164 is not None:
        assert PLAN.normalise(e164) == e164


CHINESE_PREFIXES = ("1", "10", "13", "14", "15", "16", "17", "18", "19", "2", "571", "400", "8", "86", "95", "")


@settings(max_examples=1_000)
@given(
    st.sampled_from(("", "0", "00", "+86", "0086", "+860")),
    st.sampled_from(CHINESE_PREFIXES),
    st.text(alphabet="0123456789", min_size=3, max_size=10),
)
def test_the_short_way_of_usual_numbers_ends_where_libphonenumber_does(start: str, prefix: str, rest: str) -> None:
    written = start + prefix + rest
    digits = f"+{written[2:]}" if written.startswith("00") else written
    if re.fullmatch(r"01[3-9]\d{9}", digits):
        digits = digits[1:]
    assert NumberPlan("CN").normalise(written) == parsed_e164(digits, "CN")


def test_masked_shows_neither_a_whole_number_nor_a_short_one() -> None:
    assert masked("+8613800000001") == "+86138****0001"
    assert masked("+8512345") == "+85****"
    assert masked(None) == "-"


@pytest.mark.parametrize(
    ("e164", "dialled"),
    [
        ("+8613800000001", "13800000001"),
        ("+8657188888888", "057188888888"),
        ("+861012345678", "01012345678"),
        ("+12125550123", "0012125550123"),
    ],
)
def test_a_number_as_the_trunk_dials_it(e164: str, dialled: str) -> None:
    assert NumberPlan("CN", "0571").to_dial(e164) == dialled


def test_what_is_no_e164_is_not_dialled() -> None:
    with pytest.raises(ValueError, match="no E"):
        NumberPlan().to_dial("sip:evil@example.org")
