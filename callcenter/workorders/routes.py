"""HTTP of work orders. Whoever a complaint is about, or talked in its call, does not see it, whatever their role."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calls.recordings import find_ids
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_bigint, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.workorders import queries, service
from callcenter.workorders.models import WorkOrder
from callcenter.workorders.schemas import (
    NumberInPath,
    QueueName,
    WorkOrderChange,
    WorkOrderClose,
    WorkOrderKind,
    WorkOrderResponse,
    WorkOrderState,
)
from callcenter.workorders.scopes import scope_of

router = APIRouter(tags=["workorders"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY))]


@router.get("/work-orders")
async def list_work_orders(
    access: Reader,
    session: DbSession,
    paging: Paging,
    state: WorkOrderState | None = None,
    kind: WorkOrderKind | None = None,
    queue: QueueName | None = None,
) -> Page[WorkOrderResponse]:
    """Work orders, newest first: messages of the asker's queues, and complaints."""
    rows = await queries.list_work_orders(
        session,
        await scope_of(session, access),
        state=state,
        kind=kind,
        queue_name=queue,
        after=sort_key(paging.after, a_bigint),
        limit=paging.limit,
    )
    orders, next_cursor = cut_page(rows, paging.limit, lambda order: (order.number,))
    patients = sorted({str(order.patient_id) for order in orders if order.patient_id is not None})
    if patients:
        record_audit(session, access.actor, "workorders.list", patients=patients)
    return Page(items=await _shown(session, access, orders), next_cursor=next_cursor)


@router.get("/work-orders/{number}", responses=problem_responses(404))
async def get_work_order(number: NumberInPath, access: Reader, session: DbSession) -> WorkOrderResponse:
    """One work order; audited."""
    order = await service.get_work_order(session, access.actor, number, await scope_of(session, access))
    return (await _shown(session, access, [order]))[0]


@router.patch("/work-orders/{number}", responses=problem_responses(404, 409))
async def change_work_order(
    number: NumberInPath, body: WorkOrderChange, access: Reader, session: DbSession
) -> WorkOrderResponse:
    """Write a note, or say whom it concerns: what the call tells later no longer changes that."""
    order = await service.change_work_order(
        session,
        access.actor,
        number,
        await scope_of(session, access),
        note=body.note,
        patient_id=body.patient_id,
    )
    return (await _shown(session, access, [order]))[0]


@router.post("/work-orders/{number}/take", responses=problem_responses(404, 409))
async def take_work_order(number: NumberInPath, access: Reader, session: DbSession) -> WorkOrderResponse:
    """Say that the asker deals with it; whoever has a message sees the number to call back."""
    order = await service.take_work_order(session, access.actor, number, await scope_of(session, access))
    return (await _shown(session, access, [order]))[0]


@router.post("/work-orders/{number}/close", responses=problem_responses(404, 409))
async def close_work_order(
    number: NumberInPath, body: WorkOrderClose, access: Reader, session: DbSession
) -> WorkOrderResponse:
    """The patient was answered."""
    scope = await scope_of(session, access)
    order = await service.close_work_order(session, access.actor, number, scope, note=body.note)
    return (await _shown(session, access, [order]))[0]


async def _shown(session: AsyncSession, access: Access, orders: Sequence[WorkOrder]) -> list[WorkOrderResponse]:
    ids = await find_ids(session, [order.recording_file for order in orders if order.recording_file])
    return [
        WorkOrderResponse.of(
            order,
            recording_id=ids.get(order.recording_file or ""),
            show_number=access.has(Role.SUPERVISOR) or order.taken_by == access.actor.name,
        )
        for order in orders
    ]
