"""All SQL of work orders."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, case, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.models import Call, CallLink, Leg, Recording
from callcenter.workorders.models import WorkOrder


async def find_call_id(session: AsyncSession, linkedid: str) -> str | None:
    """The call that this linkedid belongs to, if it is known yet."""
    return await session.scalar(select(CallLink.call_id).where(CallLink.linkedid == linkedid))


async def open_work_order(
    session: AsyncSession, *, kind: str, call_id: str, opened_at: datetime, due_at: datetime
) -> None:
    """One per kind and call."""
    new = insert(WorkOrder).values(
        kind=kind, state="open", call_id=call_id, opened_at=opened_at, due_at=due_at, note=""
    )
    await session.execute(new.on_conflict_do_nothing(index_elements=["kind", "call_id"]))


async def fill_from_calls(session: AsyncSession, call_ids: Collection[str]) -> None:
    """Take number, patient and recording from the calls into their open work orders; never to nothing."""
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
        WorkOrder.recording_file: recording,
    }
    differs = [_differs(column, value) for column, value in wanted.items()]
    await session.execute(
        update(WorkOrder)
        .where(WorkOrder.call_id.in_(call_ids), WorkOrder.state == "open", Call.id == WorkOrder.call_id)
        .where(differs[0] | differs[1] | differs[2])
        .values({column: case((value.is_not(None), value), else_=column) for column, value in wanted.items()})
        .execution_options(synchronize_session=False)
    )


async def list_work_orders(
    session: AsyncSession, *, state: str | None, without_agent: str | None, after: int | None, limit: int
) -> Sequence[WorkOrder]:
    query = _visible(without_agent)
    if state is not None:
        query = query.where(WorkOrder.state == state)
    if after is not None:
        query = query.where(WorkOrder.number < after)
    return (await session.scalars(query.order_by(WorkOrder.number.desc()).limit(limit + 1))).all()


async def find_work_order(
    session: AsyncSession, number: int, *, without_agent: str | None, lock: bool
) -> WorkOrder | None:
    query = _visible(without_agent).where(WorkOrder.number == number)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


def _visible(without_agent: str | None) -> Select[WorkOrder]:
    query = select(WorkOrder)
    if without_agent is not None:
        talked = exists().where(
            Leg.call_id == WorkOrder.call_id, Leg.agent_number == without_agent, Leg.answered_at.is_not(None)
        )
        query = query.where(~talked)
    return query


def _differs(column: SQLColumnExpression[Any], value: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    return value.is_not(None) & column.is_distinct_from(value)
