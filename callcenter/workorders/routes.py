"""HTTP of work orders. Whoever talked in a call does not see the complaint made in it, whatever their role."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.agents import queries as agent_queries
from callcenter.core.audit import record_audit
from callcenter.core.http import DbSession, InvalidCursor, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.workorders import service
from callcenter.workorders.schemas import (
    NumberInPath,
    WorkOrderChange,
    WorkOrderClose,
    WorkOrderResponse,
    WorkOrderState,
)

router = APIRouter(tags=["workorders"], responses=problem_responses(401, 403))

Reader = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.AGENT, Role.EXPERT, Role.QUALITY))]
Writer = Annotated[Access, Depends(require(Role.SUPERVISOR, Role.QUALITY))]


@router.get("/work-orders")
async def list_work_orders(
    access: Reader, session: DbSession, paging: Paging, state: WorkOrderState | None = None
) -> Page[WorkOrderResponse]:
    """Work orders, newest first."""
    rows = await service.list_work_orders(
        session,
        state=state,
        without_agent=await _own_number(session, access),
        after=_after(paging.after),
        limit=paging.limit,
    )
    orders, next_cursor = cut_page(rows, paging.limit, lambda order: (order.number,))
    patients = sorted({str(order.patient_id) for order in orders if order.patient_id is not None})
    if patients:
        record_audit(session, access.actor, "workorders.list", patients=patients)
    items = [WorkOrderResponse.of(order, show_number=_may_see_numbers(access)) for order in orders]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/work-orders/{number}", responses=problem_responses(404))
async def get_work_order(number: NumberInPath, access: Reader, session: DbSession) -> WorkOrderResponse:
    """One work order; audited."""
    own = await _own_number(session, access)
    order = await service.get_work_order(session, access.actor, number, without_agent=own)
    return WorkOrderResponse.of(order, show_number=_may_see_numbers(access))


@router.patch("/work-orders/{number}", responses=problem_responses(404, 409))
async def change_work_order(
    number: NumberInPath, body: WorkOrderChange, access: Writer, session: DbSession
) -> WorkOrderResponse:
    """Write a note, or say whom it concerns: what the call tells later no longer changes that."""
    order = await service.change_work_order(
        session,
        access.actor,
        number,
        without_agent=await _own_number(session, access),
        note=body.note,
        patient_id=body.patient_id,
    )
    return WorkOrderResponse.of(order, show_number=_may_see_numbers(access))


@router.post("/work-orders/{number}/close", responses=problem_responses(404, 409))
async def close_work_order(
    number: NumberInPath, body: WorkOrderClose, access: Writer, session: DbSession
) -> WorkOrderResponse:
    """The patient was answered."""
    own = await _own_number(session, access)
    order = await service.close_work_order(session, access.actor, number, without_agent=own, note=body.note)
    return WorkOrderResponse.of(order, show_number=_may_see_numbers(access))


async def _own_number(session: AsyncSession, access: Access) -> str | None:
    """The asker's number as an agent: work orders about calls they talked in are hidden from them."""
    agent = await agent_queries.find_agent_of_user(session, access.user_id) if access.user_id else None
    return agent.number if agent else None


def _may_see_numbers(access: Access) -> bool:
    return access.has(Role.SUPERVISOR)


def _after(key: tuple[object, ...] | None) -> int | None:
    if key is None:
        return None
    if len(key) != 1 or not isinstance(key[0], int):
        raise InvalidCursor
    return key[0]
