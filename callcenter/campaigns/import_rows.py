"""One row of a file of contacts: what it says, or everything that is wrong with it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callcenter.campaigns.lifecycle import is_zone
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.uploaded_tables import CONTROL, EMAIL, MAX_CELL_LENGTH, RawRow, RowProblem, refused

MOST_NUMBERS = 5
MOST_VARIABLES = 30
_LONGEST = {"key": 100, "name": 100, "zone": 60}
_LONGEST_VALUE = 200

REFUSALS: dict[str, tuple[str, str]] = {
    "missing-column": (
        "表头中至少要有 number、email、external_id、appointment 之一。",
        "The header needs number, email, external_id or appointment, or nobody can be reached.",
    ),
    "bad-column": (
        "表头中有无法使用的列名（变量名应以小写字母开头，只含小写字母、数字、下划线，不超过 40 个字符）。",
        "A name in the header cannot be used: a variable has lower-case letters, digits and _, at most 40, a letter"
        " first.",
    ),
    "too-many-columns": (
        "号码列不能超过 5 个，变量列不能超过 30 个。",
        "There may be five columns of numbers and thirty of variables.",
    ),
}
"""Of a whole file, beside those of :mod:`callcenter.core.uploaded_tables`."""

REASONS: dict[str, tuple[str, str]] = {
    "wrong-cell-count": ("该行的列数与表头不同。", "The row has another number of cells than the header."),
    "cell-too-long": ("内容过长。", "Longer than it may be."),
    "bad-text": ("含有不允许的字符。", "Holds characters that are not allowed."),
    "bad-language": ("语言应为 zh 或 en。", "Language is zh or en."),
    "bad-email": ("电子邮箱格式不正确。", "This is no e-mail address."),
    "bad-time": ("时间应为 YYYY-MM-DD 或 YYYY-MM-DD HH:MM。", "A time is YYYY-MM-DD or YYYY-MM-DD HH:MM."),
    "unknown-zone": ("时区不存在。", "There is no such time zone."),
    "unreadable-number": ("无法识别电话号码。", "A telephone number cannot be read."),
    "unknown-patient": ("没有该编号的患者。", "No patient has this external id."),
    "unknown-appointment": ("没有该编号的预约。", "No appointment has this external id."),
    "appointment-of-another-patient": ("该预约属于其他患者。", "The appointment is another patient's."),
    "unreachable": (
        "没有可用的号码或邮箱，无法联系。",
        "There is no number or address by which the campaign could reach them.",
    ),
}

_ALIASES = {
    "编号": "key",
    "姓名": "name",
    "电话": "number",
    "手机": "number",
    "手机号": "number",
    "电话号码": "number",
    "邮箱": "email",
    "电子邮箱": "email",
    "语言": "language",
    "患者编号": "external_id",
    "预约编号": "appointment",
    "appointment_external_id": "appointment",
    "时区": "zone",
    "number1": "number",
}
_OWN = frozenset({"key", "name", "email", "language", "external_id", "appointment", "not_before", "zone"})
_REACHING = frozenset({"number", "email", "external_id", "appointment"})
_NUMBER = re.compile(r"number[2-9]?")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LANGUAGES = {"": None, "zh": "zh", "zh-cn": "zh", "中文": "zh", "en": "en", "英文": "en"}
_YEARS = range(2000, 2200)


class ContactRow(NamedTuple):
    """A good row. None and empty: the file does not say; then the patient's own, else the default."""

    line: int
    key: str
    name: str
    language: str | None
    zone: str | None
    numbers: Sequence[str]
    email: str | None
    external_id: str | None
    appointment: str | None
    variables: Mapping[str, str]
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class ImportContext:
    """``zone``: the campaign's, in which times without one are meant."""

    number_plan: NumberPlan
    zone: ZoneInfo


def read_header(cells: Sequence[str]) -> list[str]:
    """The columns in the file's order; raises ImportRefused. Bad names are told by position, not quoted."""
    names = [cell.strip().lstrip("\ufeff").lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    names = [_ALIASES.get(name, name) for name in names]
    bad = [position for position, name in enumerate(names, start=1) if not _VARIABLE.fullmatch(name)]
    if bad:
        raise refused("bad-column", REFUSALS, columns=bad)
    if len(set(names)) != len(names):
        raise refused("repeated-column")
    if not _REACHING & set(names):
        raise refused("missing-column", REFUSALS)
    numbers = sum(_NUMBER.fullmatch(name) is not None for name in names)
    variables = sum(name not in _OWN for name in names) - numbers
    if numbers > MOST_NUMBERS or variables > MOST_VARIABLES:
        raise refused("too-many-columns", REFUSALS)
    return names


class RowReader:
    """Reads the rows of one file, whose columns stand in ``header`` (:func:`read_header`)."""

    def __init__(self, header: Sequence[str], context: ImportContext) -> None:
        self._header = tuple(header)
        self._context = context
        at = {name: position for position, name in enumerate(header)}
        self._own = [(name, at[name]) for name in sorted(_OWN & at.keys())]
        self._numbers = [(name, at[name]) for name in sorted(at) if _NUMBER.fullmatch(name)]
        self._variables = [(name, at[name]) for name in at if name not in _OWN and not _NUMBER.fullmatch(name)]

    def read(self, raw: RawRow) -> ContactRow | list[RowProblem]:
        """The row's contact, or what is wrong with its cells (then nothing of the row is put in)."""
        width = len(self._header)
        if len(raw.cells) < width or any(raw.cells[width:]):
            return [RowProblem(raw.line, "", "wrong-cell-count", "")]
        texts = list(map(str.strip, raw.cells[:width]))
        bad: dict[str, str] = {}
        own = {name: texts[position] for name, position in self._own}
        self._check_texts(texts, bad)
        numbers = self._read_numbers(texts, bad)
        language = _LANGUAGES.get(own.get("language", "").lower(), "")
        if language == "":
            bad.setdefault("language", "bad-language")
        if own.get("email") and not EMAIL.fullmatch(own["email"]):
            bad.setdefault("email", "bad-email")
        zone = own.get("zone") or None
        if zone is not None and "zone" not in bad and not is_zone(zone):
            bad["zone"] = "unknown-zone"
        not_before = self._read_time(own.get("not_before", ""), None if "zone" in bad else zone, bad)
        row_id = own.get("key") or own.get("external_id") or own.get("appointment") or ""
        if bad:
            return [RowProblem(raw.line, name, reason, _shown(row_id)) for name, reason in bad.items()]
        key = row_id or next(iter(numbers), "") or own.get("email", "")
        if not key:
            return [RowProblem(raw.line, "", "unreachable", "")]
        return ContactRow(
            line=raw.line,
            key=key,
            name=own.get("name", ""),
            language=language,
            zone=zone,
            numbers=numbers,
            email=own.get("email") or None,
            external_id=own.get("external_id") or None,
            appointment=own.get("appointment") or None,
            variables={name: texts[position] for name, position in self._variables},
            not_before=not_before,
        )

    def _check_texts(self, texts: Sequence[str], bad: dict[str, str]) -> None:
        everything = "".join(texts)
        if len(everything) <= min(_LONGEST.values()) and not CONTROL.search(everything):
            return
        for name, text in zip(self._header, texts, strict=True):
            longest = _LONGEST.get(name, MAX_CELL_LENGTH if name in _OWN else _LONGEST_VALUE)
            if len(text) > longest:
                bad[name] = "cell-too-long"
            elif CONTROL.search(text):
                bad[name] = "bad-text"

    def _read_numbers(self, texts: Sequence[str], bad: dict[str, str]) -> list[str]:
        found: list[str] = []
        for name, position in self._numbers:
            if not texts[position] or name in bad:
                continue
            e164 = self._context.number_plan.normalise(texts[position])
            if e164 is None:
                bad[name] = "unreadable-number"
            elif e164 not in found:
                found.append(e164)
        return found

    def _read_time(self, text: str, zone: str | None, bad: dict[str, str]) -> datetime | None:
        if not text or "not_before" in bad:
            return None
        at = _time(text)
        if at is None:
            bad["not_before"] = "bad-time"
            return None
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone) if zone else self._context.zone).astimezone(UTC)


@lru_cache(maxsize=50_000)
def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None
    return at if at.year in _YEARS else None


def _shown(row_id: str) -> str:
    """As much of a row's id as a report needs, whatever it holds."""
    return CONTROL.sub("\ufffd", row_id)[:100]
