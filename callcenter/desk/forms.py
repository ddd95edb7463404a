"""Disposition forms: what agents of a queue are asked after a call, and whether answers fit. Pure.

A form is data: a list of fields. A version once used never changes, so old answers keep their meaning.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

MAX_TEXT = 2_000


class FieldKind(StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"


class Problem(StrEnum):
    """Why an answer, or a field of a form, is refused; stable words of the API."""

    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_KIND = "wrong_kind"
    NO_SUCH_OPTION = "no_such_option"
    TOO_LONG = "too_long"
    OUT_OF_RANGE = "out_of_range"
    FIELD_TWICE = "field_twice"
    OPTION_TWICE = "option_twice"
    NO_OPTIONS = "no_options"
    NOT_FOR_THIS_KIND = "not_for_this_kind"


@dataclass(frozen=True, slots=True)
class Option:
    code: str
    label_zh: str
    label_en: str


@dataclass(frozen=True, slots=True)
class FormField:
    """``options``: of a choice. ``several``: more than one of them may be chosen. ``least``, ``most``: of a number."""

    key: str
    kind: FieldKind
    label_zh: str
    label_en: str
    required: bool = False
    options: tuple[Option, ...] = ()
    several: bool = False
    least: float | None = None
    most: float | None = None
    max_length: int = MAX_TEXT


Answers = Mapping[str, Any]
"""By the field's key: text, a number, a boolean, a date (``2026-01-05``), an option's code or a list of them."""


def check_form(fields: Sequence[FormField]) -> dict[str, Problem]:
    """What is wrong with a form, by field; empty: nothing."""
    problems: dict[str, Problem] = {}
    seen: set[str] = set()
    for field in fields:
        problem = Problem.FIELD_TWICE if field.key in seen else _check_field(field)
        seen.add(field.key)
        if problem is not None:
            problems[field.key] = problem
    return problems


def _check_field(field: FormField) -> Problem | None:
    codes = [option.code for option in field.options]
    if field.kind is FieldKind.CHOICE:
        if not codes:
            return Problem.NO_OPTIONS
        if len(set(codes)) < len(codes):
            return Problem.OPTION_TWICE
    elif codes or field.several:
        return Problem.NOT_FOR_THIS_KIND
    limits = (field.least, field.most)
    if field.kind is not FieldKind.NUMBER and limits != (None, None):
        return Problem.NOT_FOR_THIS_KIND
    if field.least is not None and field.most is not None and field.least > field.most:
        return Problem.OUT_OF_RANGE
    return None


def check_answers(fields: Sequence[FormField], answers: Answers) -> dict[str, Problem]:
    """What is wrong, by field; empty: nothing. ``None`` and an empty text, or list, are no answer."""
    known = {field.key: field for field in fields}
    problems = {key: Problem.UNKNOWN_FIELD for key in answers if key not in known}
    for key, field in known.items():
        problem = _check(field, answers.get(key))
        if problem is not None:
            problems[key] = problem
    return problems


def without_blanks(answers: Answers) -> dict[str, Any]:
    """Only what was answered."""
    return {key: value for key, value in answers.items() if not _is_blank(value)}


def _is_blank(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _check(field: FormField, value: Any) -> Problem | None:
    if _is_blank(value):
        return Problem.MISSING if field.required else None
    match field.kind:
        case FieldKind.CHOICE:
            return _check_choice(field, value)
        case FieldKind.TEXT:
            return _check_text(field, value)
        case FieldKind.NUMBER:
            return _check_number(field, value)
        case FieldKind.DATE:
            return None if _is_date(value) else Problem.WRONG_KIND
        case FieldKind.YES_NO:
            return None if isinstance(value, bool) else Problem.WRONG_KIND


def _check_choice(field: FormField, value: Any) -> Problem | None:
    if isinstance(value, list) != field.several:
        return Problem.WRONG_KIND
    chosen = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in chosen):
        return Problem.WRONG_KIND
    if len(set(chosen)) < len(chosen):
        return Problem.OPTION_TWICE
    codes = {option.code for option in field.options}
    return None if codes.issuperset(chosen) else Problem.NO_SUCH_OPTION


def _check_text(field: FormField, value: Any) -> Problem | None:
    if not isinstance(value, str) or "\x00" in value:
        return Problem.WRONG_KIND
    return Problem.TOO_LONG if len(value) > field.max_length else None


def _check_number(field: FormField, value: Any) -> Problem | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Problem.WRONG_KIND
    if field.least is not None and value < field.least:
        return Problem.OUT_OF_RANGE
    if field.most is not None and value > field.most:
        return Problem.OUT_OF_RANGE
    return None


def _is_date(value: Any) -> bool:
    """Only ``2026-01-05``: what fromisoformat takes beside it would be a second spelling."""
    if not isinstance(value, str):
        return False
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
