"""HTTP of alarm rules: seen and tried by supervisors, changed by administrators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from callcenter.accounts.access import Access, require
from callcenter.accounts.models import Role
from callcenter.alarms import service as alarms
from callcenter.alarms.models import AlarmRule
from callcenter.alarms.schemas import AlarmId, AlarmMessageResponse
from callcenter.core.clock import now
from callcenter.core.cursors import a_text, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page
from callcenter.core.problems import problem_responses
from callcenter.messaging import queries as messages
from callcenter.supervision import alarm_queries as queries
from callcenter.supervision import alarm_rules as service
from callcenter.supervision.alarm_checks import check_rule
from callcenter.supervision.alarm_measures import MEASURES
from callcenter.supervision.alarm_schemas import (
    AlarmRulePut,
    AlarmRuleResponse,
    MeasuredResponse,
    MeasureResponse,
    RuleId,
)
from callcenter.supervision.alarm_shipped import SHIPPED

router = APIRouter(tags=["alarms"], responses=problem_responses(401, 403))

Watcher = Annotated[Access, Depends(require(Role.SUPERVISOR))]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]


@router.get("/alarm-measures")
async def list_alarm_measures(_access: Watcher) -> list[MeasureResponse]:
    """What rules can measure, of what, in what unit."""
    return [
        MeasureResponse(measure=measure, of=about.of, unit=about.unit, words_zh=about.words_zh, words_en=about.words_en)
        for measure, about in MEASURES.items()
    ]


@router.get("/alarm-rules")
async def list_alarm_rules(_access: Watcher, session: DbSession, paging: Paging) -> Page[AlarmRuleResponse]:
    """All rules, also switched-off ones."""
    rows = await queries.list_rules(session, after=sort_key(paging.after, a_text), limit=paging.limit + 1)
    rules, next_cursor = cut_page(rows, paging.limit, lambda rule: (rule.id,))
    return Page(items=[_response(rule) for rule in rules], next_cursor=next_cursor)


@router.put("/alarm-rules/{rule_id}")
async def put_alarm_rule(
    rule_id: RuleId, body: AlarmRulePut, access: Admin, session: DbSession, request: Request
) -> AlarmRuleResponse:
    """Create or change a rule; it holds from the next look on, a second later."""
    values = body.model_dump(mode="json")
    await check_rule(session, values, request.app.state.settings)
    return _response(await service.put_rule(session, access.actor, rule_id, values))


@router.delete("/alarm-rules/{rule_id}", status_code=204, responses=problem_responses(404, 409))
async def remove_alarm_rule(rule_id: RuleId, access: Admin, session: DbSession) -> None:
    """The rule is gone, and what it raised is cleared. One of the standard set can only be switched off."""
    await service.remove_rule(session, access.actor, rule_id)


@router.post("/alarm-rules/{rule_id}/test", responses=problem_responses(404))
async def try_alarm_rule(rule_id: RuleId, access: Watcher, session: DbSession) -> list[MeasuredResponse]:
    """What it would measure now, and whether that is beyond its threshold. Nothing is raised, nobody told."""
    rule = await service.get_rule(session, rule_id)
    measured = await service.measure_now(session, rule, now())
    return [
        MeasuredResponse.model_validate(one)
        for one in measured
        if not one.queues or any(access.covers_queue(queue) for queue in one.queues)
    ]


@router.get("/alarms/{alarm_id}/messages", responses=problem_responses(404))
async def list_alarm_messages(alarm_id: AlarmId, access: Watcher, session: DbSession) -> list[AlarmMessageResponse]:
    """Mails and webhooks that told of it, and what came of each."""
    await alarms.get_alarm(session, access, alarm_id)
    rows = await messages.list_about(session, service.PURPOSE, str(alarm_id))
    return [AlarmMessageResponse.model_validate(row) for row in rows]


def _response(rule: AlarmRule) -> AlarmRuleResponse:
    values = {name: getattr(rule, name) for name in AlarmRuleResponse.model_fields if name != "shipped"}
    return AlarmRuleResponse.model_validate({**values, "shipped": rule.id in SHIPPED})
