"""Disposition forms: which forms are sound, and which answers fit them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.desk.forms import FieldKind, FormField, Option, Problem, check_answers, check_form, without_blanks

OPTIONS = (Option("booking", "预约", "Booking"), Option("other", "其他", "Other"))


def field(kind: FieldKind, **more: Any) -> FormField:
    return FormField(**{"key": "one", "kind": kind, "label_zh": "一", "label_en": "One"} | more)


CHOICE = field(FieldKind.CHOICE, options=OPTIONS)
SEVERAL = field(FieldKind.CHOICE, options=OPTIONS, several=True)
NUMBER = field(FieldKind.NUMBER, least=0, most=10)


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (CHOICE, None),
        (NUMBER, None),
        (field(FieldKind.YES_NO), None),
        (field(FieldKind.CHOICE), Problem.NO_OPTIONS),
        (field(FieldKind.CHOICE, options=(OPTIONS[0], OPTIONS[0])), Problem.OPTION_TWICE),
        (field(FieldKind.TEXT, options=OPTIONS), Problem.NOT_FOR_THIS_KIND),
        (field(FieldKind.YES_NO, several=True), Problem.NOT_FOR_THIS_KIND),
        (field(FieldKind.DATE, least=1), Problem.NOT_FOR_THIS_KIND),
        (field(FieldKind.NUMBER, least=2, most=1), Problem.OUT_OF_RANGE),
    ],
)
def test_forms(one: FormField, problem: Problem | None) -> None:
    assert check_form([one]).get("one") == problem


def test_a_key_stands_once() -> None:
    assert check_form([CHOICE, field(FieldKind.TEXT)]) == {"one": Problem.FIELD_TWICE}


@pytest.mark.parametrize(
    ("one", "answer", "problem"),
    [
        (CHOICE, "booking", None),
        (CHOICE, "Booking", Problem.NO_SUCH_OPTION),
        (CHOICE, ["booking"], Problem.WRONG_KIND),
        (CHOICE, True, Problem.WRONG_KIND),
        (SEVERAL, ["booking", "other"], None),
        (SEVERAL, ["booking", "booking"], Problem.OPTION_TWICE),
        (SEVERAL, "booking", Problem.WRONG_KIND),
        (SEVERAL, [1], Problem.WRONG_KIND),
        (field(FieldKind.TEXT), "无", None),
        (field(FieldKind.TEXT, max_length=2), "三个字", Problem.TOO_LONG),
        (field(FieldKind.TEXT), "a\x00b", Problem.WRONG_KIND),
        (field(FieldKind.TEXT), 7, Problem.WRONG_KIND),
        (NUMBER, 0, None),
        (NUMBER, 10.0, None),
        (NUMBER, 10.1, Problem.OUT_OF_RANGE),
        (NUMBER, -1, Problem.OUT_OF_RANGE),
        (NUMBER, True, Problem.WRONG_KIND),
        (NUMBER, float("nan"), Problem.WRONG_KIND),
        (NUMBER, "5", Problem.WRONG_KIND),
        (field(FieldKind.DATE), "2026-02-28", None),
        (field(FieldKind.DATE), "2026-02-30", Problem.WRONG_KIND),
        (field(FieldKind.DATE), "20260228", Problem.WRONG_KIND),
        (field(FieldKind.YES_NO), False, None),
        (field(FieldKind.YES_NO), "yes", Problem.WRONG_KIND),
        (field(FieldKind.YES_NO), 0, Problem.WRONG_KIND),
    ],
)
def test_answers(one: FormField, answer: Any, problem: Problem | None) -> None:
    assert check_answers([one], {"one": answer}).get("one") == problem


@pytest.mark.parametrize("kind", FieldKind)
@pytest.mark.parametrize("blank", [None, "", "  ", []])
def test_what_is_required_is_answered(kind: FieldKind, blank: Any) -> None:
    options = OPTIONS if kind is FieldKind.CHOICE else ()
    assert check_answers([field(kind, options=options)], {"one": blank}) == {}
    needed = field(kind, options=options, required=True)
    assert check_answers([needed], {"one": blank}) == check_answers([needed], {}) == {"one": Problem.MISSING}
    assert without_blanks({"one": blank}) == {}


def test_no_is_an_answer() -> None:
    assert check_answers([field(FieldKind.YES_NO, required=True)], {"one": False}) == {}
    assert without_blanks({"one": False, "two": 0}) == {"one": False, "two": 0}


def test_what_was_not_asked_is_refused() -> None:
    assert check_answers([CHOICE], {"two": "x"}) == {"two": Problem.UNKNOWN_FIELD}


ANSWERS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.one_of(st.text(), st.integers()))
)


@given(st.dictionaries(st.sampled_from(["one", "two"]), ANSWERS))
def test_whatever_is_sent_is_judged(answers: dict[str, Any]) -> None:
    for one in (CHOICE, SEVERAL, NUMBER, field(FieldKind.TEXT), field(FieldKind.DATE), field(FieldKind.YES_NO)):
        assert set(check_answers([one], answers)) <= {"one", "two"}
