"""Alarm rules: kept as data, looked at every second by the engine, told to whom they name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.alarms.models import AlarmRule, AlarmRuleState
from callcenter.alarms.rule_policy import Comparison, Limits, Phase, Standing, Step, look
from callcenter.core.alarms import Alarm, clear_alarm, raise_alarm
from callcenter.core.audit import SYSTEM, Actor, record_audit
from callcenter.core.clock import now
from callcenter.messaging.models import Channel
from callcenter.messaging.service import request_message
from callcenter.supervision import alarm_queries as queries
from callcenter.supervision.alarm_errors import AlarmRuleNotFound, AlarmRuleShipped
from callcenter.supervision.alarm_measures import (
    MEASURES,
    OF_CALLS,
    SURROUNDINGS,
    Asked,
    Measure,
    Reading,
    Readings,
    measure_people,
)
from callcenter.supervision.alarm_notices import Happening, notice_of
from callcenter.supervision.alarm_shipped import SHIPPED

PURPOSE = "alarm"
"""Of messages in the outbox; their reference is the alarm's id."""
_LEVELS = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Measured:
    """One value that a rule looks at, and what it would say of it. ``queues``: whom it concerns; empty: all."""

    subject: str
    value: float | None
    is_bad: bool
    at: datetime
    queues: frozenset[str] = frozenset()


# -- the rules


async def get_rule(session: AsyncSession, rule_id: str) -> AlarmRule:
    """Raises AlarmRuleNotFound."""
    rule = await queries.find_rule(session, rule_id)
    if rule is None:
        raise AlarmRuleNotFound(rule=rule_id)
    return rule


async def ensure_shipped(session: AsyncSession) -> None:
    """The standard set is there; what staff made of it stays."""
    common = {"changed_at": now(), "changed_by": SYSTEM.name}
    await queries.add_missing_rules(session, [{"id": rule_id, **rule, **common} for rule_id, rule in SHIPPED.items()])


async def put_rule(session: AsyncSession, actor: Actor, rule_id: str, values: Mapping[str, Any]) -> AlarmRule:
    """Create or change a rule, from the next look on. What it raised is cleared if it measures something else now."""
    await queries.lock_rules(session)
    rule = await queries.find_rule(session, rule_id)
    if rule is None:
        rule = AlarmRule(id=rule_id)
        session.add(rule)
    elif not values["enabled"] or values["measure"] != rule.measure:
        await _forget_standing(session, rule)
    for name, value in {**values, "changed_at": now(), "changed_by": actor.name}.items():
        setattr(rule, name, value)
    await session.flush()
    record_audit(session, actor, "alarm_rules.put", subject_id=rule_id, measure=rule.measure, enabled=rule.enabled)
    return rule


async def remove_rule(session: AsyncSession, actor: Actor, rule_id: str) -> None:
    """What it raised is cleared. Raises AlarmRuleNotFound, AlarmRuleShipped."""
    await queries.lock_rules(session)
    rule = await get_rule(session, rule_id)
    if rule_id in SHIPPED:
        raise AlarmRuleShipped(rule=rule_id)
    await _forget_standing(session, rule)
    await queries.delete_rule(session, rule_id)
    record_audit(session, actor, "alarm_rules.remove", subject_id=rule_id)


async def _forget_standing(session: AsyncSession, rule: AlarmRule) -> None:
    for state in await queries.list_states(session, rule.id):
        if state.alarm_id is not None:
            await clear_alarm(session, state.alarm_id, at=now())
        await session.delete(state)
    await session.flush()


async def measure_now(session: AsyncSession, rule: AlarmRule, at: datetime) -> list[Measured]:
    """What the rule would look at now. Of what only engines see, what they saw last; of events, nothing."""
    if rule.measure not in MEASURES:
        return []  # of a newer version
    measure, limits = measure_of(rule), limits_of(rule)
    if measure in SURROUNDINGS:
        rows = await queries.list_readings(session, measure)
        found = [Measured(row.subject, row.value, limits.is_bad(row.value), row.at) for row in rows]
        return [one for one in found if _is_in_scope(rule, one.subject, Reading(one.value))]
    asked = _asked(rule)
    readings = (await measure_people(session, [asked], at)).get(asked, {})
    return [
        Measured(subject, reading.value, limits.is_bad(reading.value), at, reading.queues)
        for subject, reading in sorted(readings.items())
        if _is_in_scope(rule, subject, reading)
    ]


def measure_of(rule: AlarmRule) -> Measure:
    return Measure(rule.measure)


def limits_of(rule: AlarmRule) -> Limits:
    comparison: Comparison = "below" if rule.comparison == "below" else "above"
    return Limits(comparison, rule.threshold, rule.for_seconds, rule.clear_threshold, rule.clear_seconds)


# -- a look


class RuleLook:
    """One look at all rules, in one transaction. ``seen``: what this engine sees of its surroundings.

    ``is_live``: Asterisk can be asked. ``counts_calls``: also the measures of OF_CALLS.
    """

    def __init__(
        self,
        session: AsyncSession,
        *,
        pbx: str,
        seen: Mapping[Measure, Readings],
        is_live: bool,
        counts_calls: bool,
        zone: ZoneInfo,
    ) -> None:
        self._session = session
        self._pbx = pbx
        self._seen = seen
        self._is_live = is_live
        self._counts_calls = counts_calls
        self._zone = zone

    async def evaluate(self, at: datetime) -> None:
        """Raise and clear what is due at ``at``, and have those told whom the rules name."""
        await queries.lock_rules(self._session)
        rules = [rule for rule in await queries.list_enabled_rules(self._session) if rule.measure in MEASURES]
        states: dict[str, dict[str, AlarmRuleState]] = {}
        for state in await queries.list_states(self._session):
            states.setdefault(state.rule_id, {})[state.subject] = state
        measured = await measure_people(self._session, {_asked(rule) for rule in rules if self._asks(rule)}, at)
        for rule in rules:
            readings = self._seen.get(measure_of(rule)) or measured.get(_asked(rule))
            if readings is not None and rule.measure != Measure.EVENT:
                await self._look_at(rule, readings, states.get(rule.id, {}), at)
        await self._tell_of_events([rule for rule in rules if rule.measure == Measure.EVENT], at)

    def _asks(self, rule: AlarmRule) -> bool:
        measure = measure_of(rule)
        about = MEASURES[measure]
        if measure in OF_CALLS and not self._counts_calls:
            return False
        return about.of in {"queue", "agent"} and (self._is_live or not about.live)

    async def _look_at(
        self, rule: AlarmRule, readings: Readings, states: Mapping[str, AlarmRuleState], at: datetime
    ) -> None:
        wanted = {subject: one for subject, one in readings.items() if _is_in_scope(rule, subject, one)}
        ours = {subject for subject in states if measure_of(rule) not in SURROUNDINGS or self._is_own(subject)}
        limits = limits_of(rule)
        for subject in sorted(wanted.keys() | ours):
            reading, state = wanted.get(subject, Reading(None)), states.get(subject)
            standing = Standing(Phase(state.phase), state.since) if state else None
            step = look(standing, reading.value, limits, at)
            if step.standing != standing or step.raises or step.clears:
                await self._take(rule, subject, reading, state=state, step=step, at=at)

    def _is_own(self, subject: str) -> bool:
        return subject == self._pbx or subject.startswith(f"{self._pbx}:")

    async def _take(
        self, rule: AlarmRule, subject: str, reading: Reading, *, state: AlarmRuleState | None, step: Step, at: datetime
    ) -> None:
        alarm_id = state.alarm_id if state else None
        if step.raises:
            alarm_id = await _raise(self._session, rule, subject, reading)
            await self._tell(alarm_id, "raised", [rule], at)
        elif step.clears and alarm_id is not None:
            await clear_alarm(self._session, alarm_id, at=at)
            await self._tell(alarm_id, "cleared", [rule], at)
        if step.standing is None:
            if state is not None:
                await self._session.delete(state)
            return
        if state is None:
            state = AlarmRuleState(rule_id=rule.id, subject=subject)
            self._session.add(state)
        state.phase, state.since, state.alarm_id = step.standing.phase.value, step.standing.since, alarm_id

    async def _tell_of_events(self, rules: Sequence[AlarmRule], at: datetime) -> None:
        for alarm in await queries.list_untold(self._session):
            await self._tell(alarm.id, "raised", [rule for rule in rules if _is_about(rule, alarm)], at)

    async def _tell(self, alarm_id: int, happening: Happening, rules: Collection[AlarmRule], at: datetime) -> None:
        """Each target once, though several rules name it."""
        alarm = await self._session.get_one(Alarm, alarm_id, populate_existing=True)
        alarm.told_at = at
        notice = notice_of(alarm, happening, self._zone)
        targets = dict.fromkeys(
            [(Channel.MAIL, address) for rule in rules for address in rule.mail_to]
            + [(Channel.WEBHOOK, url) for rule in rules for url in rule.webhooks]
        )
        for channel, target in targets:
            is_mail = channel is Channel.MAIL
            await request_message(
                self._session,
                channel,
                target,
                subject=notice.subject if is_mail else "",
                content={"text": notice.text} if is_mail else notice.body,
                purpose=PURPOSE,
                reference=str(alarm_id),
            )


async def _raise(session: AsyncSession, rule: AlarmRule, subject: str, reading: Reading) -> int:
    return await raise_alarm(
        session,
        rule.measure,
        key=f"{rule.id}:{subject}",
        severity=rule.level,
        rule_id=rule.id,
        queues=reading.queues,
        title_zh=rule.label_zh,
        title_en=rule.label_en,
        measure=rule.measure,
        unit=MEASURES[measure_of(rule)].unit,
        subject=subject,
        value=None if reading.value is None else round(reading.value, 3),
        threshold=rule.threshold,
    )


def _asked(rule: AlarmRule) -> Asked:
    return Asked(measure_of(rule), rule.window_minutes, rule.minimum_calls)


def _is_in_scope(rule: AlarmRule, subject: str, reading: Reading) -> bool:
    """Of queues and agents: by queue. Of what an engine sees: by its subject, all of it without a scope."""
    return not rule.scope or subject in rule.scope or not reading.queues.isdisjoint(rule.scope)


def _is_about(rule: AlarmRule, alarm: Alarm) -> bool:
    if rule.scope and alarm.kind not in rule.scope:
        return False
    return alarm.severity not in _LEVELS or _LEVELS.index(alarm.severity) >= _LEVELS.index(rule.level)
