"""One row of a patient file: what it says, or everything that is wrong with it. Pure but for the context's sets."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from callcenter.core.clock import now
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.security import keyed_code_hash
from callcenter.patients.import_files import MAX_CELL_LENGTH, RawRow, refused

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
"""docs/patient-import.md; only the first two must be there."""

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
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(\d{1,2})日)")
_SEXES = {"": "unknown", "unknown": "unknown", "未知": "unknown", "female": "female", "f": "female", "女": "female"}
_SEXES |= {"male": "male", "m": "male", "男": "male"}
_LANGUAGES = {"": "zh", "zh": "zh", "zh-cn": "zh", "中文": "zh", "en": "en", "英文": "en"}
_YES_NO = dict.fromkeys(("", "no", "n", "false", "0", "否"), False) | dict.fromkeys(
    ("yes", "y", "true", "1", "是"), True
)
_RELATIONS = frozenset({"self", "family", "carer", "work"})


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong in one row. ``external_id`` helps to find it; no other value of the row is kept."""

    line: int
    column: str
    reason: str
    external_id: str


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A good row. ``values``: columns of Patient; ``numbers``: (E.164, relation), none twice."""

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
    seen_external_ids: set[str] = field(default_factory=set)
    seen_cards: set[str] = field(default_factory=set)


def read_header(cells: Sequence[str]) -> list[str]:
    """The columns in the file's order; raises ImportRefused. Unknown names are told by position, not quoted."""
    names = [cell.strip().lstrip("\ufeff").lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    unknown = [position for position, name in enumerate(names, start=1) if name not in COLUMNS]
    if "external_id" not in names or "name" not in names:
        raise refused("missing-column")
    if unknown:
        raise refused("unknown-column", columns=unknown)
    if len(set(names)) != len(names):
        raise refused("repeated-column")
    return names


class _Row:
    """Collects what is wrong while the cells of one row are read."""

    def __init__(self, line: int, cells: Mapping[str, str]) -> None:
        self.line = line
        self._cells = cells
        self.problems: list[tuple[str, str]] = []

    def text(self, column: str) -> str:
        return self._cells.get(column, "").strip()

    def has(self, column: str) -> bool:
        return column in self._cells

    def reject(self, column: str, reason: str) -> None:
        self.problems.append((column, reason))

    def matching(self, column: str, pattern: re.Pattern[str], reason: str) -> str | None:
        text = self.text(column)
        if text and not pattern.fullmatch(text):
            self.reject(column, reason)
        return text or None

    def one_of(self, column: str, choices: Mapping[str, Any], reason: str) -> Any:
        text = self.text(column).lower()
        if text not in choices:
            self.reject(column, reason)
        return choices.get(text)


def parse_row(raw: RawRow, header: Sequence[str], context: ImportContext) -> PatientRow | list[RowProblem]:
    """The row's patient, or all its problems (then nothing of the row is loaded)."""
    cells = raw.cells[: len(header)] if not any(raw.cells[len(header) :]) else raw.cells
    if len(cells) != len(header):
        return [RowProblem(raw.line, "", "wrong-cell-count", "")]
    row = _Row(raw.line, dict(zip(header, cells, strict=True)))
    for column in header:
        if len(row.text(column)) > MAX_CELL_LENGTH:
            row.reject(column, "cell-too-long")
    if row.problems:
        return _told(row, "")
    external_id = _external_id(row, context)
    patient = PatientRow(
        line=raw.line,
        external_id=external_id,
        values=_values(row, context),
        numbers=_numbers(row, context.number_plan),
        card_number=_card_number(row, context),
        check_code_hash=_check_code_hash(row, context.check_code_key),
    )
    if row.problems:
        return _told(row, external_id)
    context.seen_external_ids.add(external_id)
    if patient.card_number is not None:
        context.seen_cards.add(patient.card_number)
    return patient


def _told(row: _Row, external_id: str) -> list[RowProblem]:
    return [RowProblem(row.line, column, reason, external_id) for column, reason in row.problems]


def _external_id(row: _Row, context: ImportContext) -> str:
    external_id = row.matching("external_id", _EXTERNAL_ID, "bad-text") or ""
    if not external_id:
        row.reject("external_id", "missing")
    elif external_id in context.seen_external_ids:
        row.reject("external_id", "duplicate-external-id")
    return external_id


def _values(row: _Row, context: ImportContext) -> dict[str, Any]:
    name = row.text("name")
    if not name:
        row.reject("name", "missing")
    elif len(name) > 100 or _CONTROL.search(name):
        row.reject("name", "bad-text")
    vip_grade = row.text("vip_grade") or None
    if vip_grade is not None and vip_grade not in context.vip_grades:
        row.reject("vip_grade", "unknown-vip-grade")
    doctor = row.text("responsible_doctor")
    if doctor and doctor not in context.doctor_ids:
        row.reject("responsible_doctor", "unknown-doctor")
    return {
        "name": name,
        "sex": row.one_of("sex", _SEXES, "bad-sex"),
        "birth_date": _birth_date(row),
        "language": row.one_of("language", _LANGUAGES, "bad-language"),
        "email": row.matching("email", _EMAIL, "bad-email"),
        "vip_grade": vip_grade,
        "responsible_doctor_id": context.doctor_ids.get(doctor),
        "deceased": row.one_of("deceased", _YES_NO, "bad-yes-no"),
    }


def _birth_date(row: _Row) -> date | None:
    """Year first in every form: day and month in another order cannot be told apart."""
    text = row.text("birth_date")
    if not text:
        return None
    match = _DATE.fullmatch(text)
    try:
        born = date(*(int(part) for part in match.groups() if part)) if match else None
    except ValueError:
        born = None
    if born is None or not date(1880, 1, 1) <= born <= now().date():
        row.reject("birth_date", "bad-date")
    return born


def _numbers(row: _Row, plan: NumberPlan) -> list[tuple[str, str]]:
    """``13800000001; family:0571-88880000``, also with full-width punctuation."""
    relations: dict[str, str] = {}
    text = row.text("numbers").replace("；", ";").replace("：", ":")
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        relation, _, number = entry.rpartition(":")
        relation = relation.strip().lower() or "self"
        e164 = plan.normalise(number)
        if relation not in _RELATIONS:
            row.reject("numbers", "bad-relation")
        elif e164 is None:
            row.reject("numbers", "unreadable-number")
        else:
            relations.setdefault(e164, relation)
    return list(relations.items())


def _card_number(row: _Row, context: ImportContext) -> str | None:
    number = row.matching("card_number", _CARD_NUMBER, "bad-card-number")
    if number is None and row.text("check_code"):
        row.reject("card_number", "card-number-missing")
    if number is not None and number in context.seen_cards:
        row.reject("card_number", "card-of-another-patient")
    return number


def _check_code_hash(row: _Row, key: str) -> bytes | None:
    code, card_number = row.text("check_code"), row.text("card_number")
    if not code:
        return None
    if code.isascii() and code.isdigit() and len(code) < 6:
        row.reject("check_code", "check-code-too-short")
    elif not (code.isascii() and code.isdigit()) or len(code) > 12:
        row.reject("check_code", "bad-check-code")
    return keyed_code_hash(code, owner=card_number, key=key)
