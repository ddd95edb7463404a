"""HTTP of alarms: for supervisors and administrators."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.alarms import queries, service
from callcenter.alarms.models import AlarmRule
from callcenter.alarms.schemas import AlarmId, AlarmKind, AlarmResponse, AlarmState, Severity
from callcenter.alarms.titles import titles_of
from callcenter.core.alarms import Alarm
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
    """Alarms, newest first, without those that are only about queues of other supervisors."""
    rows = await queries.list_alarms(
        session,
        state=state,
        kind=kind,
        severity=severity,
        scope=None if access.covers_queue("") else access.queue_scope,
        after=sort_key(paging.after, a_bigint),
        limit=paging.limit,
    )
    alarms, next_cursor = cut_page(rows, paging.limit, lambda alarm: (alarm.id,))
    patients = sorted({alarm.details["patient_id"] for alarm in alarms if alarm.details.get("patient_id")})
    if patients:
        record_audit(session, access.actor, "alarms.list", patients=patients)
    return Page(items=await _shown(session, access, alarms), next_cursor=next_cursor)


@router.post("/alarms/{alarm_id}/acknowledge", responses=problem_responses(404))
async def acknowledge_alarm(alarm_id: AlarmId, access: Watcher, session: DbSession) -> AlarmResponse:
    """Say that somebody has seen it; whoever was first stays."""
    (shown,) = await _shown(session, access, [await service.acknowledge(session, access, alarm_id)])
    return shown


async def _shown(session: AsyncSession, access: Access, alarms: Sequence[Alarm]) -> list[AlarmResponse]:
    rule_ids = {alarm.rule_id for alarm in alarms if alarm.rule_id}
    rules = {rule.id: rule for rule in await queries.list_rules(session, rule_ids)} if rule_ids else {}
    return [_response(access, alarm, rules.get(alarm.rule_id or "")) for alarm in alarms]


def _response(access: Access, alarm: Alarm, rule: AlarmRule | None) -> AlarmResponse:
    title_zh, title_en = titles_of(alarm.kind, alarm.details)
    state: AlarmState = "cleared" if alarm.cleared_at else "acknowledged" if alarm.acknowledged_at else "open"
    return AlarmResponse.model_validate(
        {
            "id": alarm.id,
            "kind": alarm.kind,
            "state": state,
            "severity": alarm.severity,
            "title_zh": title_zh,
            "title_en": title_en,
            "rule_id": alarm.rule_id,
            "queues": alarm.queues,
            "is_for_me": service.is_for(access, alarm, rule),
            "details": alarm.details,
            "raised_at": alarm.raised_at,
            "last_at": alarm.last_at,
            "occurrences": alarm.occurrences,
            "acknowledged_at": alarm.acknowledged_at,
            "acknowledged_by": alarm.acknowledged_by,
            "cleared_at": alarm.cleared_at,
        }
    )
