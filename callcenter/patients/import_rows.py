"""One row of a patient file: what it says, or everything that is wrong with it. Pure but for the context's sets."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.security import keyed_code_hash
from callcenter.core.uploaded_tables import CONTROL, EMAIL, MAX_CELL_LENGTH, RawRow, RowProblem, refused

COLUMNS = (
    "external_id",
    "name",
    "sex",
    "birth_date",
    "language",
    "email",
    "numbers",
    "card_number",
    "check_code",
    "vip_grade",
    "responsible_doctor",
    "deceased",
)
"""docs/patient-import.md."""
REQUIRED = COLUMNS[:2]
PATIENT_COLUMNS = {
    "name": "name",
    "sex": "sex",
    "birth_date": "birth_date",
    "language": "language",
    "email": "email",
    "vip_grade": "vip_grade",
    "responsible_doctor": "responsible_doctor_id",
    "deceased": "deceased",
}
"""Those that are kept in the table of patients, and where."""

REFUSALS: dict[str, tuple[str, str]] = {
    "missing-column": (
        "缺少必需的列 external_id 或 name。",
        "The header lacks external_id or name (docs/patient-import.md).",
    ),
    "unknown-column": (
        "表头中有无法识别的列。",
        "The header has a column that is not known (docs/patient-import.md).",
    ),
}
"""Of a whole file, beside those of :mod:`callcenter.core.uploaded_tables`."""

REASONS: dict[str, tuple[str, str]] = {
    "missing": ("必填项为空。", "Must not be empty."),
    "wrong-cell-count": ("该行的列数与表头不同。", "The row has another number of cells than the header."),
    "cell-too-long": ("内容超过 1000 个字符。", "Longer than 1,000 characters."),
    "bad-text": ("含有不允许的字符或过长。", "Holds characters that are not allowed, or is too long."),
    "duplicate-external-id": ("文件中该编号已出现过。", "This id stands in the file already."),
    "bad-sex": ("性别应为 female、male、unknown、女、男或未知。", "Sex is female, male or unknown."),
    "bad-date": ("日期应为 YYYY-MM-DD，且不晚于今天。", "A date is YYYY-MM-DD and not in the future."),
    "bad-language": ("语言应为 zh 或 en。", "Language is zh or en."),
    "bad-email": ("电子邮箱格式不正确。", "This is no e-mail address."),
    "unreadable-number": ("无法识别电话号码。", "A telephone number cannot be read."),
    "bad-relation": ("号码关系应为 self、family、carer 或 work。", "A relation is self, family, carer or work."),
    "bad-card-number": ("就诊卡号格式不正确。", "A card number has 4 to 32 letters, digits or hyphens."),
    "card-number-missing": ("有校验码但没有卡号。", "There is a check code but no card number."),
    "check-code-missing": ("新就诊卡缺少校验码。", "A new card needs its check code."),
    "check-code-too-short": ("校验码至少 6 位。", "A check code has at least six digits."),
    "bad-check-code": ("校验码应为 6 至 12 位数字。", "A check code is six to twelve digits."),
    "card-of-another-patient": ("该就诊卡属于其他患者。", "The card belongs to another patient."),
    "unknown-vip-grade": ("VIP 等级不存在。", "There is no such VIP grade."),
    "unknown-doctor": ("医生工号不存在。", "No doctor has this staff number."),
    "bad-yes-no": ("应为 yes 或 no（是/否）。", "Write yes or no."),
}

_EXTERNAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
_CARD_NUMBER = re.compile(r"[A-Za-z0-9-]{4,32}")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(\d{1,2})日)")
_OLDEST = date(1880, 1, 1)
_SEXES = {"": "unknown", "unknown": "unknown", "未知": "unknown", "female": "female", "f": "female", "女": "female"}
_SEXES |= {"male": "male", "m": "male", "男": "male"}
_LANGUAGES = {"": "zh", "zh": "zh", "zh-cn": "zh", "中文": "zh", "en": "en", "英文": "en"}
_YES_NO = dict.fromkeys(("", "no", "n", "false", "0", "否"), False) | dict.fromkeys(
    ("yes", "y", "true", "1", "是"), True
)
_RELATIONS = frozenset({"self", "family", "carer", "work"})


class PatientRow(NamedTuple):
    """A good row. ``values``: columns of Patient; ``numbers``: (E.164, relation), none twice.

    A tuple, which is made in a quarter of the time of a frozen dataclass: there are millions.
    """

    line: int
    external_id: str
    values: Mapping[str, Any]
    numbers: Sequence[tuple[str, str]]
    card_number: str | None
    check_code_hash: bytes | None


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What rows are checked against; the two ``seen`` sets grow row by row."""

    number_plan: NumberPlan
    check_code_key: str
    vip_grades: frozenset[str]
    doctor_ids: Mapping[str, UUID]
    today: date = field(default_factory=lambda: now().date())
    seen_external_ids: set[str] = field(default_factory=set)
    seen_cards: set[str] = field(default_factory=set)


def read_header(cells: Sequence[str]) -> list[str]:
    """The columns in the file's order; raises ImportRefused. Unknown names are told by position, not quoted."""
    names = [cell.strip().lstrip("\ufeff").lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    unknown = [position for position, name in enumerate(names, start=1) if name not in COLUMNS]
    if not set(REQUIRED) <= set(names):
        raise refused("missing-column", REFUSALS)
    if unknown:
        raise refused("unknown-column", REFUSALS, columns=unknown)
    if len(set(names)) != len(names):
        raise refused("repeated-column")
    return names


class _BadCell(Exception):
    """``reason``: one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# -- cells, without the blanks around them


def _external_id(text: str, context: ImportContext) -> str:
    if not text:
        raise _BadCell("missing")
    if not _EXTERNAL_ID.fullmatch(text):
        raise _BadCell("bad-text")
    if text in context.seen_external_ids:
        raise _BadCell("duplicate-external-id")
    return text


def _name(text: str, _: ImportContext) -> str:
    if not text:
        raise _BadCell("missing")
    if len(text) > 100 or CONTROL.search(text):
        raise _BadCell("bad-text")
    return text


def _birth_date(text: str, context: ImportContext) -> date | None:
    if not text:
        return None
    born = _date(text)
    if born is None or not _OLDEST <= born <= context.today:
        raise _BadCell("bad-date")
    return born


@lru_cache(maxsize=50_000)  # more days than anybody has lived
def _date(text: str) -> date | None:
    """Year first in every form: day and month in another order cannot be told apart."""
    match = _DATE.fullmatch(text)
    try:
        return date(*(int(part) for part in match.groups() if part)) if match else None
    except ValueError:
        return None


def _numbers(text: str, context: ImportContext) -> list[tuple[str, str]]:
    """``13800000001; family:0571-88880000``, also with full-width punctuation."""
    relations: dict[str, str] = {}
    text = text.replace("；", ";").replace("：", ":")
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        relation, _, number = entry.rpartition(":")
        relation = relation.strip().lower() or "self"
        if relation not in _RELATIONS:
            raise _BadCell("bad-relation")
        e164 = context.number_plan.normalise(number)
        if e164 is None:
            raise _BadCell("unreadable-number")
        relations.setdefault(e164, relation)
    return list(relations.items())


def _card_number(text: str, context: ImportContext) -> str | None:
    if text and not _CARD_NUMBER.fullmatch(text):
        raise _BadCell("bad-card-number")
    if text in context.seen_cards:
        raise _BadCell("card-of-another-patient")
    return text or None


def _check_code(text: str, _: ImportContext) -> str | None:
    if text and not (text.isascii() and text.isdigit()):
        raise _BadCell("bad-check-code")
    if 0 < len(text) < 6:
        raise _BadCell("check-code-too-short")
    if len(text) > 12:
        raise _BadCell("bad-check-code")
    return text or None


def _email(text: str, _: ImportContext) -> str | None:
    if text and not EMAIL.fullmatch(text):
        raise _BadCell("bad-email")
    return text or None


def _vip_grade(text: str, context: ImportContext) -> str | None:
    if text and text not in context.vip_grades:
        raise _BadCell("unknown-vip-grade")
    return text or None


def _responsible_doctor(text: str, context: ImportContext) -> UUID | None:
    if text and text not in context.doctor_ids:
        raise _BadCell("unknown-doctor")
    return context.doctor_ids.get(text)


def _one_of(choices: Mapping[str, Any], reason: str) -> "_ReadCell":
    def read(text: str, _: ImportContext) -> Any:
        try:
            return choices[text.lower()]
        except KeyError:
            raise _BadCell(reason) from None

    return read


_ReadCell = Callable[[str, ImportContext], Any]
_READ_CELL: Mapping[str, _ReadCell] = {
    "external_id": _external_id,
    "name": _name,
    "sex": _one_of(_SEXES, "bad-sex"),
    "birth_date": _birth_date,
    "language": _one_of(_LANGUAGES, "bad-language"),
    "email": _email,
    "numbers": _numbers,
    "card_number": _card_number,
    "check_code": _check_code,
    "vip_grade": _vip_grade,
    "responsible_doctor": _responsible_doctor,
    "deceased": _one_of(_YES_NO, "bad-yes-no"),
}


# -- rows


class RowReader:
    """Reads the rows of one file, whose columns stand in ``header`` (:func:`read_header`)."""

    def __init__(self, header: Sequence[str], context: ImportContext) -> None:
        self._header = tuple(header)
        self._context = context
        self._cells = [(name, _READ_CELL[name]) for name in header]
        self._absent = {name: read("", context) for name, read in _READ_CELL.items() if name not in REQUIRED}

    def read(self, raw: RawRow) -> PatientRow | list[RowProblem]:
        """The row's patient, or what is wrong with its cells (then nothing of the row is loaded)."""
        width = len(self._header)
        if len(raw.cells) < width or any(raw.cells[width:]):
            return [RowProblem(raw.line, "", "wrong-cell-count", "")]
        texts = list(map(str.strip, raw.cells[:width]))
        if len(max(texts, key=len)) > MAX_CELL_LENGTH:
            long = (name for name, text in zip(self._header, texts, strict=True) if len(text) > MAX_CELL_LENGTH)
            return [RowProblem(raw.line, name, "cell-too-long", "") for name in long]
        values = self._absent.copy()
        bad: dict[str, str] = {}
        for (name, read_cell), text in zip(self._cells, texts, strict=True):
            try:
                values[name] = read_cell(text, self._context)
            except _BadCell as cell:
                bad[name] = cell.reason
        if (values["check_code"] or "check_code" in bad) and not values["card_number"]:
            bad.setdefault("card_number", "card-number-missing")
        if bad:
            external_id = texts[self._header.index("external_id")]
            return [RowProblem(raw.line, name, reason, external_id) for name, reason in bad.items()]
        return self._patient(raw.line, values)

    def _patient(self, line: int, values: dict[str, Any]) -> PatientRow:
        """A good row, which uses up its id and its card."""
        external_id, card_number, code = values["external_id"], values["card_number"], values["check_code"]
        self._context.seen_external_ids.add(external_id)
        if card_number is not None:
            self._context.seen_cards.add(card_number)
        return PatientRow(
            line,
            external_id,
            {column: values[name] for name, column in PATIENT_COLUMNS.items()},
            values["numbers"],
            card_number,
            code and keyed_code_hash(code, owner=card_number, key=self._context.check_code_key),
        )
