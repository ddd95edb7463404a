"""HTTP of work orders. Whoever a complaint is about, or talked in its call, does not see it, whatever their role."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calls.recordings import find_ids
from callcenter.calls.scopes import call_scope_of
from callcenter.calls.search import get_record
from callcenter.core.audit import record_audit
from callcenter.core.clock import now
from callcenter.core.cursors import a_bigint, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.workorders import queries, service
from callcenter.workorders.models import WorkOrder
from callcenter.workorders.schemas import (
    CategoryInPath,
    CategoryPut,
    CategoryResponse,
    NumberInPath,
    QueueName,
    WorkOrderChange,
    WorkOrderClose,
    WorkOrderKind,
    WorkOrderOpen,
    WorkOrderResponse,
    WorkOrderState,
)
from callcenter.workorders.scopes import scope_of

router = APIRouter(tags=["workorders"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY, Role.INTEGRATION))]
Opener = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY, Role.INTEGRATION))]
Anybody = Annotated[Access, Depends(require())]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]


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
    return Page(items=await shown(session, access, orders), next_cursor=next_cursor)


@router.post("/work-orders", status_code=201, responses=problem_responses(404))
async def open_work_order(body: WorkOrderOpen, access: Opener, session: DbSession) -> WorkOrderResponse:
    """Open one about a call. Agents do it from their own calls: `POST /agents/me/calls/{call_id}/work-orders`."""
    scope = await call_scope_of(session, access)
    call = (await get_record(session, body.call_id, scope)).call
    order = await service.open_work_order(
        session,
        access.actor,
        kind=body.kind,
        call_id=call.id,
        request=body.request,
        category=body.category,
        queue_name=body.queue or call.queue_name,
        patient_id=body.patient_id,
        at=now(),
    )
    return (await shown(session, access, [order]))[0]


@router.get("/work-order-categories")
async def list_work_order_categories(_access: Anybody, session: DbSession) -> list[CategoryResponse]:
    """The tree of categories, also those that are switched off."""
    return [CategoryResponse.model_validate(one) for one in await queries.list_categories(session)]


@router.put("/work-order-categories/{code}", responses=problem_responses(409))
async def put_work_order_category(
    code: CategoryInPath, body: CategoryPut, access: Admin, session: DbSession
) -> CategoryResponse:
    """Create or change a category; it counts from the next work order on."""
    category = await service.put_category(session, access.actor, code, **body.model_dump())
    return CategoryResponse.model_validate(category)


@router.get("/work-orders/{number}", responses=problem_responses(404))
async def get_work_order(number: NumberInPath, access: Reader, session: DbSession) -> WorkOrderResponse:
    """One work order; audited."""
    order = await service.get_work_order(session, access.actor, number, await scope_of(session, access))
    return (await shown(session, access, [order]))[0]


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
    return (await shown(session, access, [order]))[0]


@router.post("/work-orders/{number}/take", responses=problem_responses(404, 409))
async def take_work_order(number: NumberInPath, access: Reader, session: DbSession) -> WorkOrderResponse:
    """Say that the asker deals with it; whoever has a message sees the number to call back."""
    order = await service.take_work_order(session, access.actor, number, await scope_of(session, access))
    return (await shown(session, access, [order]))[0]


@router.post("/work-orders/{number}/close", responses=problem_responses(404, 409))
async def close_work_order(
    number: NumberInPath, body: WorkOrderClose, access: Reader, session: DbSession
) -> WorkOrderResponse:
    """The patient was answered."""
    scope = await scope_of(session, access)
    order = await service.close_work_order(session, access.actor, number, scope, note=body.note)
    return (await shown(session, access, [order]))[0]


async def shown(session: AsyncSession, access: Access, orders: Sequence[WorkOrder]) -> list[WorkOrderResponse]:
    """As the asker may see them."""
    ids = await find_ids(session, [order.recording_file for order in orders if order.recording_file])
    return [
        WorkOrderResponse.of(
            order,
            recording_id=ids.get(order.recording_file or ""),
            show_number=access.has(Role.SUPERVISOR, Role.INTEGRATION) or order.taken_by == access.actor.name,
        )
        for order in orders
    ]
