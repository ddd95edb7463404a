"""HTTP of alarms: for supervisors and administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.alarms import queries, service
from callcenter.alarms.schemas import AlarmId, AlarmKind, AlarmResponse, AlarmState, Severity
from callcenter.core.audit import record_audit
from callcenter.core.cursors import a_bigint, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["alarms"], responses=problem_responses(401, 403))

Watcher = Annotated[Access, Depends(require(Role.SUPERVISOR))]


@router.get("/alarms")
async def list_alarms(
    access: Watcher,
    session: DbSession,
    paging: Paging,
    state: AlarmState | None = None,
    kind: AlarmKind | None = None,
    severity: Severity | None = None,
) -> Page[AlarmResponse]:
    """Alarms, newest first."""
    rows = await queries.list_alarms(
        session,
        acknowledged=None if state is None else state == "acknowledged",
        kind=kind,
        severity=severity,
        after=sort_key(paging.after, a_bigint),
        limit=paging.limit,
    )
    alarms, next_cursor = cut_page(rows, paging.limit, lambda alarm: (alarm.id,))
    patients = sorted({alarm.details["patient_id"] for alarm in alarms if alarm.details.get("patient_id")})
    if patients:
        record_audit(session, access.actor, "alarms.list", patients=patients)
    return Page(items=[AlarmResponse.model_validate(alarm) for alarm in alarms], next_cursor=next_cursor)


@router.post("/alarms/{alarm_id}/acknowledge", responses=problem_responses(404))
async def acknowledge_alarm(alarm_id: AlarmId, access: Watcher, session: DbSession) -> AlarmResponse:
    """Say that somebody has seen it; whoever was first stays."""
    return AlarmResponse.model_validate(await service.acknowledge(session, access.actor, alarm_id))
