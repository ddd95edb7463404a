"""What answers to a score sheet come to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.quality.errors import AnswersDoNotFit
from callcenter.quality.sheets import Sheet, Total, total_of


def question(key: str, kind: str = "yes_no", **more: Any) -> dict[str, Any]:
    return {"key": key, "text_zh": "问", "text_en": "Q", "kind": kind, **more}


def sheet(*questions: dict[str, Any]) -> Sheet:
    section = {"label_zh": "部分", "label_en": "Part", "questions": list(questions)}
    return Sheet.model_validate({"label_zh": "表", "label_en": "Sheet", "sections": [section]})


SHEET = sheet(
    question("greeting", weight=2),
    question("patience", "scale", weight=3),
    question("privacy", fatal=True),
)


@pytest.mark.parametrize(
    ("greeting", "patience", "privacy", "total"),
    [
        ("yes", 5, "yes", Total(100.0, is_fatal=False)),
        ("no", 0, "yes", Total(16.67, is_fatal=False)),
        ("yes", 4, "yes", Total(90.0, is_fatal=False)),
        ("no", 3, "na", Total(36.0, is_fatal=False)),
        ("na", "na", "yes", Total(100.0, is_fatal=False)),
        ("na", "na", "na", Total(None, is_fatal=False)),
        ("yes", 5, "no", Total(0.0, is_fatal=True)),
    ],
)
def test_totals(greeting: Any, patience: Any, privacy: Any, total: Total) -> None:
    assert total_of(SHEET, {"greeting": greeting, "patience": patience, "privacy": privacy}) == total


def test_a_fatal_scale_fails_at_zero_only() -> None:
    of = sheet(question("tone", "scale", fatal=True), question("rest"))
    assert total_of(of, {"tone": 0, "rest": "yes"}) == Total(0.0, is_fatal=True)
    assert not total_of(of, {"tone": 1, "rest": "no"}).is_fatal


@pytest.mark.parametrize(
    ("answers", "details"),
    [
        ({"greeting": "yes", "patience": 5}, {"missing": ["privacy"], "unknown": []}),
        (
            {"greeting": "yes", "patience": 5, "privacy": "yes", "x": "no"},
            {"missing": [], "unknown": ["x"]},
        ),
        ({"greeting": 5, "patience": "yes", "privacy": "yes"}, {"wrong": ["greeting", "patience"]}),
    ],
)
def test_answers_that_do_not_fit(answers: Any, details: dict[str, Any]) -> None:
    with pytest.raises(AnswersDoNotFit) as error:
        total_of(SHEET, answers)
    assert error.value.details == details


@given(
    st.lists(
        st.tuples(st.sampled_from(["yes_no", "scale"]), st.integers(1, 100), st.integers(0, 5), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_a_total_lies_between_its_answers(rows: list[tuple[str, int, int, bool]]) -> None:
    questions = [question(f"q{number}", kind, weight=weight) for number, (kind, weight, _, _) in enumerate(rows)]
    answers: dict[str, Any] = {}
    values = []
    for number, (kind, _, mark, applies) in enumerate(rows):
        value: Any = mark if kind == "scale" else "yes" if mark > 2 else "no"
        answers[f"q{number}"] = value if applies else "na"
        if applies:
            values.append(mark / 5 if kind == "scale" else float(mark > 2))
    total = total_of(sheet(*questions), answers).total
    if not values:
        assert total is None
    else:
        assert total is not None
        assert 100 * min(values) - 0.01 <= total <= 100 * max(values) + 0.01


@pytest.mark.parametrize(
    "questions",
    [
        [],
        [question("a"), question("a")],
        [question("A")],
        [question("a", "percent")],
        [question("a", weight=0)],
        [question("a", more=1)],
    ],
)
def test_what_is_no_sheet(questions: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        sheet(*questions)
