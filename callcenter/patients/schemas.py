"""Shapes of the patients API. Check codes come in and never go out; card numbers go out masked."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from callcenter.core.http import ApiModel

ExternalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
ExternalIdInPath = Annotated[ExternalId, Path(description="The hospital system's own id of it.", examples=["P000123"])]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$")]
CardNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,32}$")]
RawNumber = Annotated[str, StringConstraints(min_length=1, max_length=60)]


def _six_digits_or_more(code: SecretStr) -> SecretStr:
    text = code.get_secret_value()
    if not (text.isascii() and text.isdigit() and 6 <= len(text) <= 12):
        raise PydanticCustomError("check_code_format", "six to twelve digits")
    return code


CheckCode = Annotated[
    SecretStr,
    AfterValidator(_six_digits_or_more),
    Field(examples=["482913"], json_schema_extra={"pattern": "^[0-9]{6,12}$"}),
]
Sex = Literal["female", "male", "unknown"]
LanguageCode = Literal["zh", "en"]
Relation = Literal["self", "family", "carer", "work"]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")]
VisitKind = Literal["outpatient", "emergency", "inpatient"]
ReminderKind = Literal["check_up", "vaccination", "re_examination", "medication"]
AppointmentStatus = Literal["booked", "confirmed", "cancelled", "attended", "missed"]


class PatientPut(ApiModel):
    """The whole of a patient but numbers and cards, which have addresses of their own."""

    name: Name = Field(examples=["张三"])
    sex: Sex = "unknown"
    birth_date: date | None = Field(default=None, examples=["1958-03-02"])
    language: LanguageCode = "zh"
    email: Email | None = Field(default=None, examples=["zhang@example.com"])
    vip_grade: Code | None = Field(default=None, examples=["gold"])
    responsible_doctor: Code | None = Field(default=None, description="Staff number.", examples=["D1001"])
    deceased: bool = False


class SearchRequest(ApiModel):
    """All criteria that are given must hold; none: all patients. In a body, so that no URL holds them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": "138 0000 0001"}]})
    external_id: ExternalId | None = None
    name_prefix: Name | None = None
    number: RawNumber | None = Field(default=None, description="In any written form.")
    card_number: CardNumber | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=500)


class PatientSummary(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    external_id: str
    name: str
    sex: str
    birth_date: date | None
    language: str
    vip_grade: str | None
    deceased: bool


class NumberPut(ApiModel):
    number: RawNumber = Field(examples=["138 0000 0001"], description="In any written form.")
    relation: Relation = "self"


class NumberRemove(ApiModel):
    number: RawNumber = Field(examples=["+8613800000001"])


class NumberResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    e164: str = Field(examples=["+8613800000001"])
    relation: str


class CardPut(ApiModel):
    """``check_code``: six digits or more, only ever written; may be left out for a card that has one."""

    number: CardNumber = Field(examples=["C10002345"])
    check_code: CheckCode | None = None
    active: bool = True


class CardResponse(ApiModel):
    number_masked: str = Field(examples=["****2345"])
    active: bool


class LockedCardsResponse(ApiModel):
    """A patient with cards that take no check code for now."""

    patient_id: UUID
    cards_masked: list[str] = Field(examples=[["****2345"]])
    locked_until: AwareDatetime = Field(description="Of several cards the latest.")


class CardsUnlocked(ApiModel):
    unlocked: int = Field(description="Cards that were locked.", examples=[1])


class DoctorBrief(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    code: str
    name_zh: str
    name_en: str


class DepartmentBrief(DoctorBrief):
    pass


class HappenedAt(ApiModel):
    external_id: str
    department: DepartmentBrief | None
    doctor: DoctorBrief | None


class VisitResponse(HappenedAt):
    kind: str
    visited_at: AwareDatetime
    summary: str


class DischargeResponse(HappenedAt):
    discharged_at: AwareDatetime
    diagnosis: str


class AppointmentResponse(HappenedAt):
    booked_at: AwareDatetime
    starts_at: AwareDatetime
    status: str


class VipGradePut(ApiModel):
    """``head_start_seconds``: how much earlier than they came patients of this grade stand in a queue."""

    label_zh: Name = Field(examples=["金卡"])
    label_en: Name = Field(examples=["Gold"])
    head_start_seconds: int = Field(ge=0, le=86_400, examples=[600])
    benefits: list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,40}$")]] = Field(
        default=[], max_length=30, examples=[["free_booking"]]
    )


class VipGradeResponse(VipGradePut):
    model_config = ConfigDict(from_attributes=True)
    code: str = Field(examples=["gold"])


class PatientDetail(PatientSummary):
    email: str | None
    vip: VipGradeResponse | None
    responsible_doctor: DoctorBrief | None
    numbers: list[NumberResponse]
    cards: list[CardResponse]
    visits: list[VisitResponse] = Field(description="The last 20, latest first; so the other lists.")
    discharges: list[DischargeResponse]
    appointments: list[AppointmentResponse]


class RecordPut(ApiModel):
    patient: ExternalId = Field(description="The patient's external id.", examples=["P000123"])
    department: Code | None = Field(default=None, description="Department code.", examples=["CARD"])
    doctor: Code | None = Field(default=None, description="Staff number.", examples=["D1001"])


class VisitPut(RecordPut):
    kind: VisitKind = Field(examples=["outpatient"])
    visited_at: AwareDatetime
    summary: str = Field(default="", max_length=4000)


class DischargePut(RecordPut):
    discharged_at: AwareDatetime
    diagnosis: str = Field(default="", max_length=4000)


class AppointmentPut(RecordPut):
    booked_at: AwareDatetime
    starts_at: AwareDatetime
    status: AppointmentStatus = "booked"


class ReminderPut(ApiModel):
    """``due_on``: the day itself; campaigns say how many days before it people are reminded."""

    patient: ExternalId = Field(description="The patient's external id.", examples=["P000123"])
    kind: ReminderKind = Field(examples=["vaccination"])
    due_on: date = Field(examples=["2026-12-01"])
    note: str = Field(default="", max_length=200, description="What it is, as the patient may hear it.")
    active: bool = Field(default=True, description="False: done, or not wanted any more.")


class RecordWritten(ApiModel):
    """``written``: created, changed or unchanged."""

    external_id: str
    written: str = Field(examples=["created"])


class ImportProblem(ApiModel):
    """One bad cell; nothing of the row was loaded."""

    line: int = Field(examples=[17])
    column: str = Field(examples=["birth_date"])
    reason: str = Field(examples=["bad-date"])
    text_zh: str
    text_en: str


class ImportResponse(ApiModel):
    """``created + updated + unchanged + rejected == rows``."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    problems: list[ImportProblem] = Field(description="The first 1,000.")
    problems_total: int


class DoNotCallImportResponse(ApiModel):
    """``added + listed + rejected == rows``."""

    rows: int
    added: int
    listed: int = Field(description="Were on the list already, or stand in the file twice.")
    rejected: int
    problems: list[ImportProblem] = Field(description="The first 1,000.")
