"""An attempt by mail or text message: claimed as a dial is, written, handed to the outbox, settled from its result.

One transaction claims the attempt and requests the message, so neither is there without the other; whatever becomes of
the message is noted in the transaction that records it (callcenter.campaigns.handlers.on_message).
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.callouts.policy import Refusal as NumberRefusal
from callcenter.campaigns import governor, outcome_webhooks, queries, respondents
from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.governor import Refusal
from callcenter.campaigns.models import (
    Campaign,
    CampaignAttempt,
    CampaignContact,
    CampaignState,
    Channel,
    ContactResult,
    ContactState,
    Outcome,
)
from callcenter.campaigns.outcome_webhooks import Over
from callcenter.campaigns.outcomes import may_follow
from callcenter.campaigns.placing import (
    BUSY_LINE,
    Decided,
    Dialling,
    attempt_row,
    finish,
    governor_refusals,
    is_in_hours,
    is_unwilling,
    zone_of,
)
from callcenter.campaigns.rules import Texts
from callcenter.campaigns.settling import go_on
from callcenter.campaigns.texts import Letter, letter
from callcenter.campaigns.unsent import PURPOSE
from callcenter.core.ids import new_id
from callcenter.messaging import models as messaging
from callcenter.messaging.models import MessageState, OutboxMessage, Report
from callcenter.messaging.service import NewMessage, request_messages
from callcenter.messaging.sms import Sms

log = structlog.get_logger(__name__)

MOST_UNDER_WAY = 100
"""Of one campaign by one channel: more wait with their contacts, so that what is urgent is not behind thousands."""

_OUTCOMES = {
    MessageState.SENT: Outcome.SENT,
    MessageState.FAILED: Outcome.BOUNCED,
    MessageState.GIVEN_UP: Outcome.BOUNCED,
    MessageState.EXPIRED: Outcome.NOT_PLACED,
    MessageState.UNKNOWN: Outcome.UNKNOWN,
}
_REPORTED = {Report.DELIVERED: Outcome.DELIVERED, Report.BOUNCED: Outcome.BOUNCED}
_GOES_ON = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})


# -- from due to requested


async def place_due(
    session: AsyncSession, campaign: Campaign, channel: Channel, dialling: Dialling, at: datetime, *, limit: int
) -> int:
    """Commit an attempt, and the message to send, for the contacts that are due; returns how many.

    Whom the hours, the governor, the do-not-call list or another open attempt keep from it waits, or is finished.
    """
    due = await queries.lock_due(session, campaign.id, at, limit=limit, channel=channel) if limit > 0 else ()
    if not due:
        return 0
    decided = Decided(campaign, at)
    open_now = [contact for contact in due if is_in_hours(contact, campaign, dialling, at, decided)]
    letters = _write(campaign, channel, open_now, decided)
    claims = {f"{dialling.pbx}-me-{new_id().hex}": contact for contact in open_now if contact.id in letters}
    rows = [attempt_row(attempt_id, contact, dialling, at) for attempt_id, contact in claims.items()]
    made = await queries.insert_attempts(session, rows)
    for attempt_id in claims.keys() - made:
        decided.wait(claims[attempt_id], "line_in_use", at + BUSY_LINE)
    refused = await _refusals(session, campaign, {one: claims[one] for one in made}, dialling, at)
    for attempt_id, refusal in refused.items():
        decided.refuse(claims[attempt_id], refusal)
    await queries.delete_attempts(session, refused.keys())
    placed = {attempt_id: claims[attempt_id] for attempt_id in sorted(made - refused.keys())}
    for contact in placed.values():
        decided.under_way(contact)
    await session.flush()
    await queries.insert_decisions(session, decided.rows)
    await request_messages(
        session,
        [
            _message(attempt_id, contact, letters[contact.id], _expires_at(campaign, contact, dialling, at))
            for attempt_id, contact in placed.items()
        ],
    )
    return len(placed)


def _write(
    campaign: Campaign, channel: Channel, contacts: Sequence[CampaignContact], decided: Decided
) -> dict[UUID, Letter]:
    """By contact. To whom nothing can be written is finished."""
    texts = Texts.model_validate(campaign.texts)
    found = {}
    for contact in contacts:
        try:
            written = letter(texts, channel, contact)
        except UnknownVariable:
            decided.finish(contact, ContactResult.FAILED, "unknown_variable")
            continue
        if written is None:
            decided.finish(contact, ContactResult.FAILED, "no_text")
        else:
            found[contact.id] = written
    return found


def _message(attempt_id: str, contact: CampaignContact, written: Letter, expires_at: datetime) -> NewMessage:
    is_mail = contact.next_channel == Channel.EMAIL
    sms = Sms(written.text, contact.language, written.template, written.variables)
    return NewMessage(
        channel=messaging.Channel.MAIL if is_mail else messaging.Channel.SMS,
        target=contact.address,
        subject=written.subject,
        content={"text": written.text} if is_mail else asdict(sms),
        purpose=PURPOSE,
        reference=attempt_id,
        is_private=True,
        expires_at=expires_at,
    )


def _expires_at(campaign: Campaign, contact: CampaignContact, dialling: Dialling, at: datetime) -> datetime:
    """What is held up comes no later than it might have been begun: a text message wakes people, too."""
    zone = zone_of(campaign, contact)
    closes_at = dialling.hours(campaign, zone).closes_at(at)
    return min(closes_at, governor.quiet_from(dialling.limits, at, zone), campaign.ends_at)


async def _refusals(
    session: AsyncSession, campaign: Campaign, claims: dict[str, CampaignContact], dialling: Dialling, at: datetime
) -> dict[str, Refusal]:
    """By attempt: why not. Conversations are left out of account: a message is none, and is no reason against one."""
    if not claims:
        return {}
    found = await governor_refusals(session, campaign, claims, dialling, at, talks=False)
    left = {attempt_id: contact for attempt_id, contact in claims.items() if attempt_id not in found}
    numbers = {number for contact in left.values() for number in contact.numbers}
    refused = await callouts.list_refused(session, numbers, dialling.home, at)
    for attempt_id, contact in left.items():
        why = _refused(contact, refused)
        if why is not None:
            found[attempt_id] = Refusal(why.value)
    return found


def _refused(contact: CampaignContact, refused: dict[str, NumberRefusal]) -> NumberRefusal | None:
    """A text message goes to no number that is not dialled; a mail to nobody who is called at none of their numbers."""
    if contact.next_channel != Channel.EMAIL:
        return refused.get(contact.address)
    return NumberRefusal.DO_NOT_CALL if is_unwilling(contact, refused) else None


# -- what came of it


async def settle(session: AsyncSession, message: OutboxMessage, at: datetime, home: Home) -> None:
    """The message of an attempt is over, or was reported of. Repeating it changes nothing."""
    outcome = _OUTCOMES.get(MessageState(message.state))
    if outcome is None:
        return
    found = await queries.lock_attempts(session, [message.reference])
    if not found:
        return
    ((contact, attempt),) = found
    if attempt.is_open:
        await _close(session, contact, attempt, outcome, at=at, home=home)
    if message.report is not None:
        await _correct(session, contact, attempt, _REPORTED[Report(message.report)], at=at, home=home)


async def _close(
    session: AsyncSession,
    contact: CampaignContact,
    attempt: CampaignAttempt,
    outcome: Outcome,
    *,
    at: datetime,
    home: Home,
) -> None:
    attempt.is_open, attempt.outcome, attempt.ended_at = False, outcome, at
    attempt.dialled_at = None if outcome is Outcome.NOT_PLACED else at
    contact.attempts += 1
    log.info("campaign_attempt_over", attempt=attempt.id, outcome=outcome)
    await session.flush()
    await go_on(session, [(contact, at)], home)


async def _correct(
    session: AsyncSession,
    contact: CampaignContact,
    attempt: CampaignAttempt,
    news: Outcome,
    *,
    at: datetime,
    home: Home,
) -> None:
    """A report that came after the sending."""
    if attempt.outcome is None or not may_follow(Outcome(attempt.outcome), news):
        return
    attempt.outcome = news
    log.info("campaign_attempt_reported", attempt=attempt.id, outcome=news)
    if contact.reason != Outcome.SENT or attempt.number != contact.attempts:
        return  # something else has decided over the contact
    if news is Outcome.DELIVERED:
        contact.reason = news
        campaign = await queries.find_campaign(session, contact.campaign_id)
        if campaign is not None:
            await outcome_webhooks.tell(session, [Over(campaign, contact, attempt)])
        return
    await session.flush()
    await _reach_otherwise(session, contact, at, home)


async def _reach_otherwise(session: AsyncSession, contact: CampaignContact, at: datetime, home: Home) -> None:
    """Who counted as reached was not: the next channel, while the campaign lasts."""
    (past_of,) = (await queries.list_past(session, [contact.id])).values()
    past = [Outcome(one.outcome) for one in past_of if one.outcome is not None]
    contact.status = respondents.before_the_end(contact.status, past)
    campaign = await queries.find_campaign(session, contact.campaign_id)
    if campaign is None or campaign.state not in _GOES_ON or at >= campaign.ends_at:
        finish(contact, ContactResult.FAILED, Outcome.BOUNCED, at)
        return
    contact.state, contact.result, contact.finished_at = ContactState.DIALLING, None, None
    await go_on(session, [(contact, at)], home)
