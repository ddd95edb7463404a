"""Shapes of what agents write about calls: notes, dispositions, and the forms of queues."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from callcenter.core.http import ApiModel
from callcenter.desk.dispositions import fields_of
from callcenter.desk.forms import MAX_TEXT, FieldKind, FormField, Option
from callcenter.desk.models import DispositionForm
from callcenter.queues.schemas import QueueName

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
OptionCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
NoteText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000)]
Answer = str | bool | int | float | list[str] | None

EXAMPLE_FIELDS: list[JsonValue] = [
    {
        "key": "topic",
        "kind": "choice",
        "label_zh": "咨询内容",
        "label_en": "About",
        "required": True,
        "options": [
            {"code": "booking", "label_zh": "预约", "label_en": "Booking"},
            {"code": "other", "label_zh": "其他", "label_en": "Other"},
        ],
    },
    {"key": "solved", "kind": "yes_no", "label_zh": "是否解决", "label_en": "Solved"},
]


class NotePut(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "家属来电，已告知就诊时间。", "version": 0}]})
    text: NoteText
    version: int = Field(ge=0, description="The version that was read; 0: there was none.")


class NoteResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    text: str
    version: int
    written_at: datetime
    written_by: str
    agent_number: str | None


class OptionShape(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    code: OptionCode
    label_zh: Label
    label_en: Label


class FieldShape(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    key: Key
    kind: FieldKind
    label_zh: Label
    label_en: Label
    required: bool = False
    options: list[OptionShape] = Field(default_factory=list, max_length=500, description="Of a choice.")
    several: bool = Field(default=False, description="More than one option may be chosen.")
    least: float | None = Field(default=None, allow_inf_nan=False, description="Of a number.")
    most: float | None = Field(default=None, allow_inf_nan=False)
    max_length: int = Field(default=MAX_TEXT, ge=1, le=MAX_TEXT, description="Of a text, in characters.")

    def field(self) -> FormField:
        options = tuple(Option(one.code, one.label_zh, one.label_en) for one in self.options)
        return FormField(**self.model_dump(exclude={"options"}), options=options)


class FormPut(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"fields": EXAMPLE_FIELDS}]})
    fields: list[FieldShape] = Field(max_length=50)


class FormResponse(BaseModel):
    queue_name: str
    version: int
    fields: list[FieldShape]
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, form: DispositionForm) -> "FormResponse":
        return cls(
            queue_name=form.queue_name,
            version=form.version,
            fields=[FieldShape.model_validate(field) for field in fields_of(form)],
            created_at=form.created_at,
            created_by=form.created_by,
        )


class DispositionPut(ApiModel):
    """``answers`` by the fields' keys: an option's code (a list of them where several may be chosen), a text, a
    number, true or false, a date as ``2026-01-05``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"queue": "consultation", "form_version": 1, "answers": {"topic": "booking", "solved": True}}]
        }
    )
    queue: QueueName = Field(description="Whose form it is: a queue the call was in.")
    form_version: int = Field(ge=1, le=2**31 - 1)
    answers: dict[Key, Answer] = Field(max_length=50)


class DispositionResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    call_id: str
    agent_number: str
    queue_name: str
    form_version: int
    answers: dict[str, Any]
    saved_at: datetime
    saved_by: str


class CallRecords(BaseModel):
    """All that agents wrote about a call."""

    call_id: str
    note: NoteResponse | None
    note_versions: list[NoteResponse]
    dispositions: list[DispositionResponse]
