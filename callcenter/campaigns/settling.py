"""How an attempt ends: what became of it is read off the ledger, never guessed, and the policy says what is next.

Many attempts end at once; each step takes all of them in one statement.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.channel_ids import DialKind, kind_of_dial
from callcenter.asterisk.variables import parse_payload
from callcenter.calendar.policy import DayFact
from callcenter.callouts import do_not_call
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.campaigns import lifecycle, outcome_webhooks, queries, respondents, standings
from callcenter.campaigns.models import (
    Campaign,
    CampaignAttempt,
    CampaignContact,
    Channel,
    ContactResult,
    ContactState,
    Outcome,
)
from callcenter.campaigns.outcome_webhooks import Over
from callcenter.campaigns.outcomes import Reading, read_attempt, read_previewed, user_events
from callcenter.campaigns.placing import Decided, has_channel, zone_of
from callcenter.campaigns.retry_policy import Finish, Past, Reach, Try, decide
from callcenter.campaigns.rules import RetryRules, Windows
from callcenter.campaigns.windows import calling_hours
from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import SYSTEM
from callcenter.patients import service as patients

log = structlog.get_logger(__name__)

TOLD_AGO = timedelta(seconds=10)
"""An Originate's channel is there well before this; until then its absence proves nothing."""
_LUCK = random.Random()  # noqa: S311 - spreads tries over time, keeps no secret
_OPTED_OUT = "asked for it by key, in a call of a campaign"
_APPOINTMENT_STATUS = {"confirm": "confirmed", "cancel": "cancelled"}


async def settle(session: AsyncSession, ended: Mapping[str, datetime], home: Home) -> None:
    """``ended``: when, by attempt; all that was written of them is read. Repeating it changes nothing."""
    found = [pair for pair in await queries.lock_attempts(session, ended) if pair[1].is_open]
    if not found:
        return
    attempt_ids = [attempt.id for _, attempt in found]
    events = await queries.list_events(session, attempt_ids)
    agents = await queries.list_agents(session, attempt_ids)
    calls = await queries.list_calls(session, [one for one in attempt_ids if kind_of_dial(one) is DialKind.PREVIEW])
    answers: list[dict[str, object]] = []
    for contact, attempt in found:
        lines, at = events.get(attempt.id, ()), ended[attempt.id]
        attempt.agent_number = agents.get(attempt.id, attempt.agent_number)
        if kind_of_dial(attempt.id) is DialKind.PREVIEW:
            reading = read_previewed(lines, calls.get(attempt.id))
        else:
            reading = read_attempt(attempt.id, lines, talked=attempt.agent_number is not None)
        _close(contact, attempt, reading, at)
        answers += await _what_was_said(session, contact, attempt, user_events(lines), at)
    await queries.insert_answers(session, answers)
    await session.flush()
    await go_on(session, [(contact, ended[attempt.id]) for contact, attempt in found], home)


def _close(contact: CampaignContact, attempt: CampaignAttempt, reading: Reading, at: datetime) -> None:
    attempt.is_open, attempt.outcome, attempt.ended_at = False, reading.outcome, at
    attempt.dialled_at, attempt.answered_at = reading.dialled_at, reading.answered_at
    attempt.hangup_cause, attempt.offered_until = reading.cause, None
    contact.attempts += 1
    log.info("campaign_attempt_over", attempt=attempt.id, outcome=reading.outcome)


async def _what_was_said(
    session: AsyncSession,
    contact: CampaignContact,
    attempt: CampaignAttempt,
    events: Sequence[tuple[str, str]],
    at: datetime,
) -> list[dict[str, object]]:
    """Opting out and the appointment are noted where they belong; returns the answers to questions."""
    answers: dict[str, dict[str, object]] = {}
    revision = ""
    for kind, payload in events:
        said = parse_payload(payload)
        if kind == variables.EVENT_FLOW:
            revision = said.get("rev", "")
        elif kind == variables.EVENT_ANSWER and said.get("question"):
            answers[said["question"]] = {
                "attempt_id": attempt.id,
                "question": said["question"],
                "contact_id": contact.id,
                "revision": revision,
                "value": said.get("value", ""),
                "answered_at": at,
            }
        elif kind == variables.EVENT_APPOINTMENT and contact.appointment_id is not None:
            status = _APPOINTMENT_STATUS.get(said.get("action", ""))
            if status is not None:
                await patients.record_appointment_answer(session, contact.appointment_id, status)
    if answers and contact.state == ContactState.DIALLING:
        contact.status = respondents.Status.STARTED
    if attempt.outcome == Outcome.OPTED_OUT:
        for whom in (attempt.address, contact.patient_id):
            if whom is None:
                continue
            await do_not_call.add_entry(session, SYSTEM, whom, reason=_OPTED_OUT, until=None, call_id=attempt.id, at=at)
    return list(answers.values())


# -- what is next


async def go_on(session: AsyncSession, ended: Sequence[tuple[CampaignContact, datetime]], home: Home) -> None:
    """What follows the contacts' last attempts, by the policy. ``ended``: locked contacts, each with when.

    Who was withdrawn meanwhile stays so.
    """
    under_way = [(contact, at) for contact, at in ended if contact.state == ContactState.DIALLING]
    if not under_way:
        return
    campaigns = await queries.list_campaigns(session, {contact.campaign_id for contact, _ in under_way})
    histories = await queries.list_past(session, [contact.id for contact, _ in under_way])
    days = await standings.days_around(session, min(at for _, at in under_way), home)
    refused = await _refused_numbers(session, under_way, home)
    rows: list[dict[str, object]] = []
    news: list[Over] = []
    for contact, at in under_way:
        campaign = campaigns[contact.campaign_id]
        history = [
            Past(Channel(past.channel), past.address, Outcome(past.outcome), past.ended_at)
            for past in histories[contact.id]
            if past.outcome is not None and past.ended_at is not None
        ]
        decided = Decided(campaign, at)
        contact.status = respondents.after_attempt(contact.status, history[-1].outcome)
        coming = _next(contact, campaign, history, days, refused)
        if isinstance(coming, Try):
            decided.try_again(contact, coming)
        else:
            decided.finish(contact, coming.result, coming.reason)
            if coming.result is ContactResult.UNKNOWN:
                await raise_alarm(session, "campaign_attempt_unknown", key=str(campaign.id), campaign=str(campaign.id))
        rows += decided.rows
        news.append(Over(campaign, contact, histories[contact.id][-1]))
    await queries.insert_decisions(session, rows)
    await outcome_webhooks.tell(session, news)


async def _refused_numbers(
    session: AsyncSession, under_way: Sequence[tuple[CampaignContact, datetime]], home: Home
) -> Collection[str]:
    """Which the next try passes over if there is another; if there is none, the try itself asks and says why."""
    numbers = {number for contact, _ in under_way if len(contact.numbers) > 1 for number in contact.numbers}
    at = max(at for _, at in under_way)
    return (await callouts.list_refused(session, numbers, home, at)).keys() if numbers else ()


def _next(
    contact: CampaignContact,
    campaign: Campaign,
    history: Sequence[Past],
    days: Mapping[date, DayFact],
    refused: Collection[str],
) -> Try | Finish:
    reach = Reach(
        channels=[Channel(channel) for channel in campaign.channels if has_channel(contact, Channel(channel))],
        numbers=contact.numbers,
        hours=calling_hours(Windows.model_validate(campaign.windows), zone_of(campaign, contact), days.get),
        ends_at=campaign.ends_at,
        refused=refused if set(contact.numbers).difference(refused) else (),
    )
    coming = decide(history, RetryRules.model_validate(campaign.retry), reach, luck=_LUCK.random())
    if isinstance(coming, Try) and campaign.state in lifecycle.OVER:
        return Finish(*lifecycle.end_of_contacts(campaign))
    return coming


# -- dials that vanished


async def list_to_look_for(session: AsyncSession, pbx: str, at: datetime) -> set[str]:
    """Attempts that are not over: whose channels should be there."""
    return await queries.list_open_attempts(session, pbx, claimed_before=at - TOLD_AGO)


async def settle_vanished(session: AsyncSession, attempt_ids: Collection[str], at: datetime, home: Home) -> None:
    """Asterisk no longer has these, and its ledger is read up to the moment when that was seen.

    What has no line there was never dialled; a dial without an end is ``unknown``.
    """
    await settle(session, dict.fromkeys(attempt_ids, at), home)
