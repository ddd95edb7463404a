"""All SQL of work orders."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    String,
    Update,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.calls.models import Call, Leg, Recording
from callcenter.core.conditions import id_one_of
from callcenter.workorders.models import COMPLAINT, FIRST_BY_PEOPLE, MESSAGE, WorkOrder, WorkOrderCategory


async def open_work_order(
    session: AsyncSession,
    *,
    kind: str,
    call_id: str,
    opened_at: datetime,
    due_at: datetime,
    occasion: int = 1,
    queue_name: str | None = None,
    recording_file: str | None = None,
    about_agent_number: str | None = None,
) -> None:
    """One per kind, call and occasion; one that stands learns only which agent it is about."""
    new = insert(WorkOrder).values(
        kind=kind,
        state="open",
        call_id=call_id,
        occasion=occasion,
        queue_name=queue_name,
        recording_file=recording_file,
        about_agent_number=about_agent_number,
        opened_at=opened_at,
        due_at=due_at,
        note="",
    )
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "call_id", "occasion"],
            set_={"about_agent_number": new.excluded.about_agent_number},
            where=WorkOrder.about_agent_number.is_(None) & new.excluded.about_agent_number.is_not(None),
        )
    )


async def insert_work_order(session: AsyncSession, values: dict[str, Any]) -> WorkOrder | None:
    """What a person opens, behind those of its kind on this call. None: somebody did at the same moment."""
    last = select(func.coalesce(func.max(WorkOrder.occasion), 0)).where(
        WorkOrder.kind == values["kind"], WorkOrder.call_id == values["call_id"]
    )
    occasion = max((await session.scalars(last)).one(), FIRST_BY_PEOPLE - 1) + 1
    new = insert(WorkOrder).values(occasion=occasion, state="open", note="", **values)
    put = new.on_conflict_do_nothing(index_elements=["kind", "call_id", "occasion"]).returning(WorkOrder)
    return (await session.scalars(put)).one_or_none()


async def list_categories(session: AsyncSession) -> Sequence[WorkOrderCategory]:
    return (await session.scalars(select(WorkOrderCategory).order_by(WorkOrderCategory.code))).all()


async def find_category(session: AsyncSession, code: str) -> WorkOrderCategory | None:
    return await session.get(WorkOrderCategory, code, populate_existing=True)


async def lock_categories(session: AsyncSession) -> dict[str, str | None]:
    """Code to parent; until the end of this transaction nobody else changes the tree."""
    await session.execute(text("LOCK TABLE work_order_categories IN SHARE ROW EXCLUSIVE MODE"))
    return {one.code: one.parent for one in await list_categories(session)}


async def fill_from_calls(session: AsyncSession, call_ids: Collection[str]) -> None:
    """Take number, patient and recording from the calls into their open work orders; never to nothing."""
    await session.execute(_fill_from_calls(), {"call_ids": list(call_ids)})


@cache
def _fill_from_calls() -> Update:
    """Built once: each batch of the ledger asks it."""
    recording = (
        select(Recording.file)
        .where(Recording.call_id == WorkOrder.call_id, Recording.purpose == WorkOrder.kind)
        .order_by(Recording.started_at)
        .limit(1)
        .scalar_subquery()
    )
    patient = case((WorkOrder.patient_set_by.is_not(None), WorkOrder.patient_id), else_=Call.patient_id)
    wanted = {
        WorkOrder.caller_number: Call.caller_number,
        WorkOrder.patient_id: patient,
        WorkOrder.recording_file: case(
            (WorkOrder.recording_file.is_not(None), WorkOrder.recording_file), else_=recording
        ),
    }
    differs = [_differs(column, value) for column, value in wanted.items()]
    wanted_calls = bindparam("call_ids", type_=ARRAY(String))
    return (
        update(WorkOrder)
        .where(WorkOrder.call_id == any_(wanted_calls), WorkOrder.state != "closed", Call.id == WorkOrder.call_id)
        .where(differs[0] | differs[1] | differs[2])
        .values({column: case((value.is_not(None), value), else_=column) for column, value in wanted.items()})
        .execution_options(synchronize_session=False)
    )


def _differs(column: SQLColumnExpression[Any], value: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return value.is_not(None) & column.is_distinct_from(value)


async def close_empty(session: AsyncSession, files: Collection[str], *, at: datetime, by: str, note: str) -> list[int]:
    """Close the messages with these recordings that nobody has taken; their numbers."""
    closed = await session.scalars(
        update(WorkOrder)
        .where(WorkOrder.kind == MESSAGE, WorkOrder.recording_file.in_(files), WorkOrder.state == "open")
        .values(state="closed", closed_at=at, closed_by=by, note=note)
        .returning(WorkOrder.number)
        .execution_options(synchronize_session=False)
    )
    return sorted(closed)


@dataclass(frozen=True, slots=True)
class WorkOrderScope:
    """What an asker may see and handle.

    ``queues``: whose messages; None: everybody's. ``handles_complaints``: may answer what is no queue's.
    ``agent_number``: the asker's as an agent. What is about a call in which somebody complained of this agent, or
    complained and this agent talked, does not exist for them, whatever their role: a message left there may say more.
    """

    queues: frozenset[str] | None
    handles_complaints: bool
    agent_number: str | None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.queues is not None:
            found.append(WorkOrder.queue_name.is_(None) | WorkOrder.queue_name.in_(self.queues))
        if self.agent_number is not None:
            complaint = aliased(WorkOrder)
            has_complaint = exists().where(complaint.call_id == WorkOrder.call_id, complaint.kind == COMPLAINT)
            talked = exists().where(
                Leg.call_id == WorkOrder.call_id, Leg.agent_number == self.agent_number, Leg.answered_at.is_not(None)
            )
            about = exists().where(Call.id == WorkOrder.call_id, Call.about_agent_number == self.agent_number)
            found += [~and_(has_complaint, talked), ~about]
            found.append(WorkOrder.about_agent_number.is_distinct_from(self.agent_number))
        return found

    def may_handle(self, order: WorkOrder) -> bool:
        return self.handles_complaints or order.queue_name is not None


async def list_work_orders(
    session: AsyncSession,
    scope: WorkOrderScope,
    *,
    state: str | None,
    kind: str | None,
    queue_name: str | None,
    after: int | None,
    limit: int,
) -> Sequence[WorkOrder]:
    """At most ``limit + 1``, newest first."""
    query = select(WorkOrder).where(*scope.conditions())
    for column, value in (
        (WorkOrder.state, state),
        (WorkOrder.kind, kind),
        (WorkOrder.queue_name, queue_name),
    ):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(WorkOrder.number < after)
    return (await session.scalars(query.order_by(WorkOrder.number.desc()).limit(limit + 1))).all()


async def list_open_about(
    session: AsyncSession, scope: WorkOrderScope, *, patient_id: UUID | None, call_ids: Collection[str], limit: int
) -> Sequence[WorkOrder]:
    """Those not closed that concern this patient or are about these calls, newest first."""
    concerned = or_(WorkOrder.call_id.in_(call_ids), WorkOrder.patient_id == patient_id)  # NULL: true of none
    query = select(WorkOrder).where(concerned, WorkOrder.state != "closed", *scope.conditions())
    return (await session.scalars(query.order_by(WorkOrder.number.desc()).limit(limit))).all()


async def find_work_order(session: AsyncSession, number: int, scope: WorkOrderScope, *, lock: bool) -> WorkOrder | None:
    query = select(WorkOrder).where(WorkOrder.number == number, *scope.conditions())
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def list_complaining(session: AsyncSession, patient_ids: Collection[UUID]) -> Sequence[UUID]:
    """Patients among these with a complaint that is not closed."""
    query = select(WorkOrder.patient_id).where(
        id_one_of(WorkOrder.patient_id, patient_ids),
        WorkOrder.kind == COMPLAINT,
        WorkOrder.state != "closed",
    )
    return [patient_id for patient_id in await session.scalars(query.distinct()) if patient_id is not None]
