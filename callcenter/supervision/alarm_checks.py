"""What a rule must be before it is kept: it does not contradict itself, and those it names can be told."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.alarms.rule_policy import Limits
from callcenter.alarms.titles import KIND_TITLES
from callcenter.core.config import Settings
from callcenter.messaging.mail import MailServer
from callcenter.messaging.webhook_targets import Allowed
from callcenter.supervision import alarm_queries as queries
from callcenter.supervision.alarm_errors import AlarmRuleInvalid, AlarmRuleNames, MailNotSetUp
from callcenter.supervision.alarm_measures import MEASURES, Measure


async def check_rule(session: AsyncSession, values: Mapping[str, Any], settings: Settings) -> None:
    """Raises AlarmRuleInvalid, AlarmRuleNames, MailNotSetUp, WebhookNotAllowed."""
    limits = Limits(
        values["comparison"],
        values["threshold"],
        values["for_seconds"],
        values["clear_threshold"],
        values["clear_seconds"],
    )
    if not limits.are_in_order():
        raise AlarmRuleInvalid("The clear threshold lies on the bad side of the threshold.", field="clear_threshold")
    await _check_names(session, values)
    if values["mail_to"] and MailServer.of(settings) is None:
        raise MailNotSetUp
    for url in values["webhooks"]:
        Allowed.of(settings).target_of(url)


async def _check_names(session: AsyncSession, values: Mapping[str, Any]) -> None:
    measure, scope = Measure(values["measure"]), set(values["scope"])
    if measure is Measure.EVENT:
        unknown = scope - KIND_TITLES.keys()
    elif MEASURES[measure].of in {"queue", "agent"}:
        unknown = scope - await queries.queue_names(session)
    else:
        unknown = set()
    unknown |= set(values["tell_users"]) - await queries.usernames(session, values["tell_users"])
    if unknown:
        raise AlarmRuleNames(names=sorted(unknown))
