"""Whom a call is about, and who may see it: masked until the caller was verified or the agent has stated a reason.

A reason counts for this call, this agent and this patient only, and is audited.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Agent
from callcenter.core.audit import Actor, record_audit
from callcenter.core.upsert import Written, put_row
from callcenter.desk import record_queries
from callcenter.desk.errors import PatientNotOfCall, UnknownRevealReason
from callcenter.desk.models import RevealReason
from callcenter.desk.own_calls import OwnCall
from callcenter.patients import service as patients
from callcenter.patients.service import CallerIdentity


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    label_zh: str
    label_en: str
    active: bool = True


DEFAULT_REASONS = (
    Reason("asked_on_the_call", "已口头核实身份", "Identity asked on the call"),
    Reason("family_member", "家属代为咨询", "A family member asks"),
    Reason("emergency", "紧急情况", "Emergency"),
    Reason("work_order", "处理工单", "For a work order"),
)
"""Until the hospital has reasons of its own."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Who the call may be about. ``patient_id``: who is shown; None: to be chosen, or nobody is known.

    ``revealed``: whom this agent may see in full.
    """

    identity: CallerIdentity
    patient_id: UUID | None
    chosen_by: str | None
    revealed: frozenset[UUID]

    @property
    def is_revealed(self) -> bool:
        return self.patient_id in self.revealed


async def get_shown(session: AsyncSession, agent: Agent, call: OwnCall) -> Shown:
    """Said by an agent, before verified by check code, before recognised by the number."""
    identity = await patients.recognise_caller(session, call.caller_number)
    chosen = await record_queries.find_call_patient(session, call.ids)
    revealed = await record_queries.list_revealed(session, call.ids, agent.number)
    if call.verified and call.patient_id is not None:
        revealed.add(call.patient_id)
    patient_id = chosen.patient_id if chosen else call.patient_id
    if patient_id is None and len(identity.patients) == 1:
        patient_id = identity.patients[0].id
    return Shown(identity, patient_id, chosen.chosen_by if chosen else None, frozenset(revealed))


async def choose_patient(session: AsyncSession, actor: Actor, call: OwnCall, patient_id: UUID, at: datetime) -> None:
    """The call is about this patient, whatever the number says. Raises PatientNotFound."""
    await patients.require_patient(session, patient_id)
    await record_queries.put_call_patient(session, call.id, patient_id, by=actor.name, at=at)
    record_audit(session, actor, "calls.choose_patient", subject_id=call.id, patient_id=patient_id)


async def reveal(
    session: AsyncSession, actor: Actor, agent: Agent, call: OwnCall, *, patient_id: UUID, reason: str, at: datetime
) -> None:
    """From now on this agent sees this patient on this call. Raises UnknownRevealReason, PatientNotOfCall."""
    if reason not in {one.code for one in await list_reasons(session) if one.active}:
        raise UnknownRevealReason(reason=reason)
    shown = await get_shown(session, agent, call)
    if patient_id != shown.patient_id and patient_id not in {one.id for one in shown.identity.patients}:
        raise PatientNotOfCall
    await record_queries.put_reveal(session, call.id, agent.number, patient_id, reason=reason, at=at)
    record_audit(session, actor, "patients.reveal", subject_id=call.id, patient_id=patient_id, reason=reason)


# -- reasons as data


async def list_reasons(session: AsyncSession) -> Sequence[Reason]:
    rows = await record_queries.list_reveal_reasons(session)
    return [Reason(row.code, row.label_zh, row.label_en, row.active) for row in rows] or DEFAULT_REASONS


async def put_reason(session: AsyncSession, actor: Actor, reason: Reason) -> None:
    """From the next look on. With the first of the hospital's own those that came with the service are kept too."""
    if not await record_queries.list_reveal_reasons(session):
        for one in DEFAULT_REASONS:
            await _put(session, one)
    written = await _put(session, reason)
    record_audit(session, actor, "reveal_reasons.put", subject_id=reason.code, written=written)


async def _put(session: AsyncSession, reason: Reason) -> Written:
    values = {"label_zh": reason.label_zh, "label_en": reason.label_en, "active": reason.active}
    return await put_row(session, RevealReason, {"code": reason.code}, values)
