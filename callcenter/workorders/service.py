"""Work orders: opened by facts of the ledger, closed by people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.derive import DerivedCall
from callcenter.core.audit import Actor, record_audit
from callcenter.core.clock import now
from callcenter.workorders import queries
from callcenter.workorders.errors import WorkOrderClosed, WorkOrderNotFound
from callcenter.workorders.models import WorkOrder

COMPLAINT = "complaint"
ANSWER_WITHIN = timedelta(days=7)
"""Complaints are answered to the patient within seven days (docs/glossary.md, "work order")."""


async def record_complaint(session: AsyncSession, *, linkedid: str, at: datetime) -> None:
    """A complaint is being made on this call: its work order stands from now on, whoever ends the call.

    Repeating it changes nothing.
    """
    call_id = await queries.find_call_id(session, linkedid) or linkedid
    await queries.open_work_order(session, kind=COMPLAINT, call_id=call_id, opened_at=at, due_at=at + ANSWER_WITHIN)
    await queries.fill_from_calls(session, [call_id])


async def record_calls(session: AsyncSession, calls: Sequence[DerivedCall]) -> None:
    """Calls are known better now: so are the open work orders about them; what a person set stays."""
    await queries.fill_from_calls(session, [call.id for call in calls])


async def list_work_orders(
    session: AsyncSession, *, state: str | None, without_agent: str | None, after: int | None, limit: int
) -> Sequence[WorkOrder]:
    """At most ``limit + 1``, newest first. ``without_agent``: leave out those about calls this agent talked in."""
    return await queries.list_work_orders(session, state=state, without_agent=without_agent, after=after, limit=limit)


async def get_work_order(session: AsyncSession, actor: Actor, number: int, *, without_agent: str | None) -> WorkOrder:
    """Audited. Raises WorkOrderNotFound, also when ``without_agent`` talked in its call."""
    order = await _get(session, number, without_agent=without_agent)
    record_audit(session, actor, "workorders.read", subject_id=str(number), patient_id=order.patient_id)
    return order


async def change_work_order(
    session: AsyncSession,
    actor: Actor,
    number: int,
    *,
    without_agent: str | None,
    note: str | None,
    patient_id: UUID | None,
) -> WorkOrder:
    """Write a note, or say whom it concerns; None leaves as it is. Raises WorkOrderNotFound, WorkOrderClosed."""
    order = await _get(session, number, without_agent=without_agent, lock=True)
    if order.state == "closed":
        raise WorkOrderClosed(number=number)
    if note is not None:
        order.note = note
    if patient_id is not None:
        order.patient_id, order.patient_set_by = patient_id, actor.name
    record_audit(session, actor, "workorders.change", subject_id=str(number), patient_id=order.patient_id)
    return order


async def close_work_order(
    session: AsyncSession, actor: Actor, number: int, *, without_agent: str | None, note: str
) -> WorkOrder:
    """The answer was given: ``note`` says which. Raises WorkOrderNotFound, WorkOrderClosed."""
    order = await _get(session, number, without_agent=without_agent, lock=True)
    if order.state == "closed":
        raise WorkOrderClosed(number=number)
    order.state, order.note = "closed", note
    order.closed_at, order.closed_by = now(), actor.name
    record_audit(session, actor, "workorders.close", subject_id=str(number), patient_id=order.patient_id)
    return order


async def _get(session: AsyncSession, number: int, *, without_agent: str | None, lock: bool = False) -> WorkOrder:
    order = await queries.find_work_order(session, number, without_agent=without_agent, lock=lock)
    if order is None:
        raise WorkOrderNotFound(number=number)
    return order
