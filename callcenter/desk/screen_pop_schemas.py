"""Shapes of the screen pop. While ``patient.revealed`` is false, what would name the patient or tell of their health
is masked or null."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from callcenter.campaigns.called_by_agents import Called
from callcenter.core.http import ApiModel
from callcenter.core.phone_numbers import masked
from callcenter.desk.masking import mask_name
from callcenter.desk.record_schemas import DispositionResponse, FormResponse, NoteResponse
from callcenter.desk.reveals import Reason
from callcenter.desk.screen_pop import PreviousCall, ScreenPop
from callcenter.desk.way import ToldStep
from callcenter.directory.models import Department, Doctor
from callcenter.patients.models import Appointment, Visit
from callcenter.patients.schemas import DepartmentBrief, DoctorBrief
from callcenter.patients.service import PatientRecord
from callcenter.workorders.models import WorkOrder

ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class ChoosePatient(ApiModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"patient_id": "0190c6b0-7d5e-7000-8000-000000000001"}]})
    patient_id: UUID


class Reveal(ApiModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"patient_id": "0190c6b0-7d5e-7000-8000-000000000001", "reason": "asked_on_the_call"}]
        }
    )
    patient_id: UUID
    reason: ReasonCode = Field(description="A code of `GET /reveal-reasons`.")


class RevealReasonPut(ApiModel):
    label_zh: Label = Field(examples=["已口头核实身份"])
    label_en: Label = Field(examples=["Identity asked on the call"])
    active: bool = True


class RevealReasonResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    code: str
    label_zh: str
    label_en: str
    active: bool

    @classmethod
    def of(cls, reason: Reason) -> "RevealReasonResponse":
        return cls.model_validate(reason)


class StepTold(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    at: datetime
    flow: str
    step: str
    outcome: str
    text_zh: str = Field(examples=["人工服务"])
    text_en: str = Field(examples=["Human service"])


class QueueBrief(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    label_zh: str
    label_en: str


class Candidate(BaseModel):
    """A patient to whom the number belongs."""

    id: UUID
    name_masked: str = Field(examples=["欧*明"])
    relation: str = Field(description="Whose number it is: self, family, carer, work.")
    vip_grade: str | None
    deceased: bool


class PopVisit(BaseModel):
    """``department``, ``doctor``, ``summary``: null while the patient is not revealed."""

    kind: str
    visited_at: datetime
    department: DepartmentBrief | None
    doctor: DoctorBrief | None
    summary: str | None


class PopAppointment(BaseModel):
    starts_at: datetime
    status: str
    department: DepartmentBrief | None
    doctor: DoctorBrief | None


class PopPatient(BaseModel):
    """``external_id``, ``sex``, ``age``, ``birth_date``, ``responsible_doctor``: null while not revealed."""

    id: UUID
    revealed: bool = Field(description="The caller was verified, or this agent has stated a reason on this call.")
    name: str = Field(examples=["欧*明"], description="Masked while not revealed.")
    external_id: str | None
    sex: str | None
    age: int | None
    birth_date: date | None
    language: str
    deceased: bool
    vip_grade: str | None
    vip_label_zh: str | None
    vip_label_en: str | None
    vip_benefits: list[str]
    has_responsible_doctor: bool
    responsible_doctor: DoctorBrief | None
    visits: list[PopVisit] = Field(description="Latest first.")
    appointments: list[PopAppointment] = Field(description="Latest first, so coming ones before past ones.")


class PopWorkOrder(BaseModel):
    """``request`` and ``note``: null while the patient is not revealed."""

    number: int
    kind: str
    state: str
    category: str | None
    opened_at: datetime
    due_at: datetime
    request: str | None
    note: str | None


class PopCall(BaseModel):
    """``note`` and ``dispositions``: empty while the patient is not revealed."""

    id: str
    direction: str
    started_at: datetime
    outcome: str
    queue_name: str | None
    agent_number: str | None
    talk_seconds: float
    rating: int | None
    note: str | None
    dispositions: list[DispositionResponse]


class PopCampaign(BaseModel):
    """Whom we called: ``contact`` is whom to ask for; who answered may be somebody else."""

    id: UUID
    name: str = Field(examples=["出院后回访"])
    kind: str
    contact: str = Field(examples=["欧阳明"])
    variables: dict[str, str]
    script: str = Field(description="In the contact's language, with the variables filled in; empty: none.")

    @classmethod
    def of(cls, called: Called) -> "PopCampaign":
        return cls(
            id=called.campaign_id,
            name=called.campaign_name,
            kind=called.kind,
            contact=called.contact_name,
            variables=dict(called.variables),
            script=called.script,
        )


class ScreenPopResponse(BaseModel):
    call_id: str
    stage: Literal["ringing", "talking", "ended"] = Field(description="What the call is for this agent now.")
    direction: Literal["inbound", "outbound", "internal"]
    caller_masked: str = Field(examples=["+86138****0001"])
    dialled_number: str | None
    language: str | None
    verified: bool = Field(description="The check code was entered on this call.")
    vip_grade: str | None = Field(description="A hint unless verified: numbers can be forged.")
    queue: QueueBrief | None
    queue_entered_at: datetime | None
    wait_seconds: float | None = Field(description="So far while it rings, else until the answer; null: in no queue.")
    way_known: bool = Field(description="False for a moment, until the ledger was read: ask again.")
    way: list[StepTold]
    candidates: list[Candidate] = Field(description="All patients of the number; several: choose.")
    chosen_by: str | None = Field(description="Who said whom the call is about.")
    patient: PopPatient | None
    work_orders: list[PopWorkOrder] = Field(description="Open ones, of the patient or about this call.")
    previous_calls: list[PopCall]
    note: NoteResponse | None
    disposition: DispositionResponse | None = Field(description="This agent's, if given.")
    disposition_form: FormResponse | None
    reveal_reasons: list[RevealReasonResponse]
    campaign: PopCampaign | None = Field(description="Of a call that a campaign of ours made.")

    @classmethod
    def of(cls, pop: ScreenPop, way: list[ToldStep], *, today: date) -> "ScreenPopResponse":
        call, shown = pop.call, pop.shown
        grade = call.vip_grade or (pop.record.patient.vip_grade if pop.record else shown.identity.vip_grade)
        return cls(
            call_id=call.id,
            stage=call.stage.value,
            direction=call.direction,
            caller_masked=masked(call.caller_number),
            dialled_number=call.dialled_number if call.direction == "inbound" else None,
            language=call.language,
            verified=call.verified,
            vip_grade=grade,
            queue=QueueBrief.model_validate(pop.queue) if pop.queue else None,
            queue_entered_at=call.stay.entered_at if call.stay else None,
            wait_seconds=pop.wait_seconds,
            way_known=call.is_way_known,
            way=[StepTold.model_validate(step) for step in way],
            candidates=[
                Candidate(
                    id=one.id,
                    name_masked=mask_name(one.name),
                    relation=pop.relations.get(one.id, "self"),
                    vip_grade=one.vip_grade,
                    deceased=one.deceased,
                )
                for one in shown.identity.patients
            ],
            chosen_by=shown.chosen_by,
            patient=_patient(pop.record, revealed=shown.is_revealed, today=today) if pop.record else None,
            work_orders=[_work_order(order, details=pop.shows_details) for order in pop.work_orders],
            previous_calls=[_call(one, details=pop.shows_details) for one in pop.previous_calls],
            note=NoteResponse.model_validate(pop.note) if pop.note else None,
            disposition=DispositionResponse.model_validate(pop.disposition) if pop.disposition else None,
            disposition_form=FormResponse.of(pop.form) if pop.form else None,
            reveal_reasons=[RevealReasonResponse.of(reason) for reason in pop.reasons],
            campaign=PopCampaign.of(pop.called) if pop.called else None,
        )


def _patient(record: PatientRecord, *, revealed: bool, today: date) -> PopPatient:
    patient, names = record.patient, record.names

    def doctor(doctor_id: UUID | None) -> DoctorBrief | None:
        return _brief(DoctorBrief, names.doctors, doctor_id) if revealed else None

    def place(row: Visit | Appointment) -> dict[str, Any]:
        department = _brief(DepartmentBrief, names.departments, row.department_id) if revealed else None
        return {"department": department, "doctor": doctor(row.doctor_id)}

    born = patient.birth_date if revealed else None
    return PopPatient(
        id=patient.id,
        revealed=revealed,
        name=patient.name if revealed else mask_name(patient.name),
        external_id=patient.external_id if revealed else None,
        sex=patient.sex if revealed else None,
        age=age_on(born, today) if born else None,
        birth_date=born,
        language=patient.language,
        deceased=patient.deceased,
        vip_grade=patient.vip_grade,
        vip_label_zh=record.vip.label_zh if record.vip else None,
        vip_label_en=record.vip.label_en if record.vip else None,
        vip_benefits=list(record.vip.benefits) if record.vip else [],
        has_responsible_doctor=patient.responsible_doctor_id is not None,
        responsible_doctor=doctor(patient.responsible_doctor_id),
        visits=[
            PopVisit(**place(one), kind=one.kind, visited_at=one.visited_at, summary=one.summary if revealed else None)
            for one in record.visits
        ],
        appointments=[
            PopAppointment(**place(one), starts_at=one.starts_at, status=one.status) for one in record.appointments
        ],
    )


def _brief(shape: type[DoctorBrief], found: dict[UUID, Doctor] | dict[UUID, Department], key: UUID | None) -> Any:
    entry = found.get(key) if key else None
    return shape.model_validate(entry) if entry else None


def age_on(born: date, today: date) -> int:
    """Full years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _work_order(order: WorkOrder, *, details: bool) -> PopWorkOrder:
    return PopWorkOrder(
        number=order.number,
        kind=order.kind,
        state=order.state,
        category=order.category,
        opened_at=order.opened_at,
        due_at=order.due_at,
        request=order.request if details else None,
        note=order.note if details else None,
    )


def _call(one: PreviousCall, *, details: bool) -> PopCall:
    call = one.call
    return PopCall(
        id=call.id,
        direction=call.direction,
        started_at=call.started_at,
        outcome=call.outcome,
        queue_name=call.queue_name,
        agent_number=call.agent_number,
        talk_seconds=call.talk_seconds,
        rating=call.rating,
        note=one.note.text if one.note and details else None,
        dispositions=[DispositionResponse.model_validate(given) for given in one.dispositions] if details else [],
    )
