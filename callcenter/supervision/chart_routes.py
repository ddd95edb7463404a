"""HTTP of the console's charts: of one queue, or of all that the asker steers."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.calendar.public_days import Place
from callcenter.core.clock import now
from callcenter.core.http import DbSession
from callcenter.core.problems import problem_responses
from callcenter.queues.schemas import QueueName
from callcenter.queues.service import get_queue
from callcenter.supervision import charts, targets
from callcenter.supervision.board import Scope

router = APIRouter(tags=["supervision"], responses=problem_responses(401, 403, 404))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
OneQueue = Annotated[QueueName | None, Query(examples=["consultation"], description="None: all that you steer.")]
Day = Annotated[
    date | None,
    Query(
        ge=date(2000, 1, 8),
        le=date(2999, 12, 31),
        examples=["2026-01-05"],
        description="On the hospital's calendar; none: today.",
    ),
]


class Visits(BaseModel):
    """Queue visits that entered in this quarter of an hour."""

    model_config = ConfigDict(from_attributes=True)
    offered: int
    answered: int
    abandoned: int


class Quarter(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    at: datetime
    today: Visits
    week_before: Visits


class CallsChart(BaseModel):
    day: date
    time_zone: str = Field(examples=["Asia/Shanghai"])
    quarters: list[Quarter]


class WaitClassResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    from_seconds: int
    to_seconds: int | None = Field(description="Excluded; null: no end.")
    answered: int
    abandoned: int


class WaitsChart(BaseModel):
    day: date
    classes: list[WaitClassResponse]


@router.get("/supervision/charts/calls")
async def chart_calls(
    access: Lead, session: DbSession, request: Request, queue: OneQueue = None, day: Day = None
) -> CallsChart:
    """Offered, answered and abandoned per quarter of an hour, beside the same weekday a week before."""
    queues, place = await _queues(session, access, queue), Place.of(request.app.state.settings)
    wanted = day or now().astimezone(place.zone).date()
    points = await charts.calls_by_quarter(session, wanted, place.zone, queues=queues)
    return CallsChart(
        day=wanted, time_zone=str(place.zone), quarters=[Quarter.model_validate(point) for point in points]
    )


@router.get("/supervision/charts/waits")
async def chart_waits(
    access: Lead, session: DbSession, request: Request, queue: OneQueue = None, day: Day = None
) -> WaitsChart:
    """How long callers of a day waited until they were answered or gave up."""
    queues, place = await _queues(session, access, queue), Place.of(request.app.state.settings)
    wanted = day or now().astimezone(place.zone).date()
    classes = await charts.wait_classes(session, wanted, place.zone, queues=queues)
    return WaitsChart(day=wanted, classes=[WaitClassResponse.model_validate(one) for one in classes])


async def _queues(session: DbSession, access: Access, queue: str | None) -> Scope:
    """Raises QueueNotFound, OutsideScope."""
    if queue is None:
        return targets.scope_of(access)
    await get_queue(session, queue)
    targets.require_queue(access, queue)
    return frozenset({queue})
