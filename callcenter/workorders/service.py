"""Work orders: opened by facts of the ledger, closed by people."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.derive import DerivedCall
from callcenter.calls.recordings import MeasuredRecording
from callcenter.calls.service import find_call_id
from callcenter.core.audit import SYSTEM, Actor, record_audit
from callcenter.core.clock import now
from callcenter.queues import service as queues
from callcenter.workorders import queries
from callcenter.workorders.errors import (
    CategoryCycle,
    NotYourWork,
    UnknownCategory,
    WorkOrderClosed,
    WorkOrderNotFound,
    WorkOrderTaken,
)
from callcenter.workorders.models import (
    COMPLAINT,
    COMPLIMENT,
    MESSAGE,
    QUESTION,
    SUGGESTION,
    TASK,
    WorkOrder,
    WorkOrderCategory,
)
from callcenter.workorders.queries import WorkOrderScope

DUE_WITHIN = {
    COMPLAINT: timedelta(days=7),
    MESSAGE: timedelta(days=1),
    QUESTION: timedelta(days=2),
    SUGGESTION: timedelta(days=7),
    COMPLIMENT: timedelta(days=7),
    TASK: timedelta(days=7),
}
"""By kind: complaints are answered to the patient within seven days (docs/glossary.md, "work order"), whoever left a
message hears from us within a day; departments have seven days."""
EMPTY_NOTE = "empty"
"""What a message in which nothing was said is closed with."""


async def record_complaint(session: AsyncSession, *, linkedid: str, at: datetime, about_agent: str | None) -> None:
    """A complaint is being made on this call: its work order stands from now on, whoever ends the call.

    ``about_agent``: number of the agent complained of. Repeating it changes nothing.
    """
    call_id = await find_call_id(session, linkedid) or linkedid
    await queries.open_work_order(
        session,
        kind=COMPLAINT,
        call_id=call_id,
        opened_at=at,
        due_at=at + DUE_WITHIN[COMPLAINT],
        about_agent_number=about_agent,
    )
    await queries.fill_from_calls(session, [call_id])


async def record_message(
    session: AsyncSession, *, linkedid: str, at: datetime, queue_name: str, number: int, recording_file: str
) -> None:
    """A message for this queue is about to be recorded; ``number``: which of its call. Repeating it changes nothing."""
    call_id = await find_call_id(session, linkedid) or linkedid
    await queries.open_work_order(
        session,
        kind=MESSAGE,
        call_id=call_id,
        opened_at=at,
        due_at=at + DUE_WITHIN[MESSAGE],
        occasion=number,
        queue_name=queue_name,
        recording_file=recording_file,
    )
    await queries.fill_from_calls(session, [call_id])


async def record_calls(session: AsyncSession, calls: Sequence[DerivedCall]) -> None:
    """Calls are known better now: so are the work orders about them; what a person set stays."""
    await queries.fill_from_calls(session, [call.id for call in calls])


async def record_measured(session: AsyncSession, recordings: Iterable[MeasuredRecording]) -> None:
    """What the engine heard in recordings: a message in which nothing was said is nobody's work.

    A message without a file stays open: somebody wanted something, and may be called back.
    """
    files = [recording.file for recording in recordings if recording.purpose == MESSAGE and recording.is_empty]
    if not files:
        return
    numbers = await queries.close_empty(session, files, at=now(), by=SYSTEM.name, note=EMPTY_NOTE)
    for number in numbers:
        record_audit(session, SYSTEM, "workorders.close", subject_id=str(number))


async def list_complaining(session: AsyncSession, patient_ids: Collection[UUID]) -> set[UUID]:
    """Those of these patients who have a complaint that is not closed."""
    return set(await queries.list_complaining(session, patient_ids))


async def open_work_order(
    session: AsyncSession,
    actor: Actor,
    *,
    kind: str,
    call_id: str,
    request: str,
    category: str | None,
    queue_name: str | None,
    patient_id: UUID | None,
    at: datetime,
) -> WorkOrder:
    """What somebody heard on a call is somebody's work. A complaint is no queue's: others than agents answer it.

    ``patient_id`` None: it follows from the call. Raises QueueNotFound, UnknownCategory.
    """
    if queue_name is not None:
        await queues.get_queue(session, queue_name)
    if category is not None:
        found = await queries.find_category(session, category)
        if found is None or not found.active:
            raise UnknownCategory(category=category)
    values = {
        "kind": kind,
        "call_id": call_id,
        "request": request,
        "category": category,
        "queue_name": None if kind == COMPLAINT else queue_name,
        "patient_id": patient_id,
        "patient_set_by": actor.name if patient_id is not None else None,
        "opened_at": at,
        "opened_by": actor.name,
        "due_at": at + DUE_WITHIN[kind],
    }
    order = None
    while order is None:
        order = await queries.insert_work_order(session, values)
    await queries.fill_from_calls(session, [call_id])
    await session.refresh(order)
    record_audit(session, actor, "workorders.open", subject_id=str(order.number), patient_id=order.patient_id)
    return order


async def put_category(
    session: AsyncSession, actor: Actor, code: str, *, parent: str | None, label_zh: str, label_en: str, active: bool
) -> WorkOrderCategory:
    """Create or change; work orders that have it keep it. Raises UnknownCategory (the parent), CategoryCycle."""
    parents = await queries.lock_categories(session)
    above = parent
    while above is not None:
        if above == code:
            raise CategoryCycle
        if above not in parents:
            raise UnknownCategory(category=above)
        above = parents[above]
    category = await session.merge(
        WorkOrderCategory(code=code, parent=parent, label_zh=label_zh, label_en=label_en, active=active)
    )
    await session.flush()
    record_audit(session, actor, "workorders.put_category", subject_id=code)
    return category


async def get_work_order(session: AsyncSession, actor: Actor, number: int, scope: WorkOrderScope) -> WorkOrder:
    """Audited. Raises WorkOrderNotFound, also outside ``scope``."""
    order = await queries.find_work_order(session, number, scope, lock=False)
    if order is None:
        raise WorkOrderNotFound(number=number)
    record_audit(session, actor, "workorders.read", subject_id=str(number), patient_id=order.patient_id)
    return order


async def change_work_order(
    session: AsyncSession,
    actor: Actor,
    number: int,
    scope: WorkOrderScope,
    *,
    note: str | None,
    patient_id: UUID | None,
) -> WorkOrder:
    """Write a note, or say whom it concerns; None leaves as it is.

    Raises WorkOrderNotFound, NotYourWork, WorkOrderClosed.
    """
    order = await _get_to_handle(session, number, scope)
    if note is not None:
        order.note = note
    if patient_id is not None:
        order.patient_id, order.patient_set_by = patient_id, actor.name
    record_audit(session, actor, "workorders.change", subject_id=str(number), patient_id=order.patient_id)
    return order


async def take_work_order(session: AsyncSession, actor: Actor, number: int, scope: WorkOrderScope) -> WorkOrder:
    """From now on it is the actor's; taking one's own again changes nothing, supervisors take from anybody.

    Raises WorkOrderNotFound, NotYourWork, WorkOrderClosed, WorkOrderTaken.
    """
    order = await _get_to_handle(session, number, scope)
    if order.taken_by == actor.name:
        return order
    if order.taken_by is not None and not scope.handles_complaints:
        raise WorkOrderTaken(number=number)
    order.state, order.taken_at, order.taken_by = "taken", now(), actor.name
    record_audit(session, actor, "workorders.take", subject_id=str(number), patient_id=order.patient_id)
    return order


async def close_work_order(
    session: AsyncSession, actor: Actor, number: int, scope: WorkOrderScope, *, note: str
) -> WorkOrder:
    """The answer was given: ``note`` says which. Raises as :func:`take_work_order`."""
    order = await _get_to_handle(session, number, scope)
    if order.taken_by not in (None, actor.name) and not scope.handles_complaints:
        raise WorkOrderTaken(number=number)
    order.state, order.note = "closed", note
    order.closed_at, order.closed_by = now(), actor.name
    record_audit(session, actor, "workorders.close", subject_id=str(number), patient_id=order.patient_id)
    return order


async def _get_to_handle(session: AsyncSession, number: int, scope: WorkOrderScope) -> WorkOrder:
    order = await queries.find_work_order(session, number, scope, lock=True)
    if order is None:
        raise WorkOrderNotFound(number=number)
    if not scope.may_handle(order):
        raise NotYourWork(number=number)
    if order.state == "closed":
        raise WorkOrderClosed(number=number)
    return order
