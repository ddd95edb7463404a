"""How an attempt is made: claimed, placed, settled from the ledger (the way of an attempt, docs/one-call.md).

A fact is committed before the world is touched. The attempt's row is there before Asterisk hears of it, and no second
one can be open of the same contact, person or number; what became of it is read off the ledger, never guessed.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.campaign_commands import PlaceCampaignCall
from callcenter.asterisk.channel_ids import DialKind, new_channel_id
from callcenter.asterisk.commands import request_commands
from callcenter.asterisk.variables import parse_payload
from callcenter.calendar.policy import DayFact
from callcenter.callouts import do_not_call
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.callouts.policy import Refusal as NumberRefusal
from callcenter.campaigns import governor, lifecycle, queries, respondents, spoken, standings
from callcenter.campaigns.governor import Limits, Refusal
from callcenter.campaigns.models import (
    Campaign,
    CampaignAttempt,
    CampaignContact,
    CampaignKind,
    Channel,
    ContactResult,
    ContactState,
    Outcome,
)
from callcenter.campaigns.outcomes import read_attempt, user_events
from callcenter.campaigns.retry_policy import Finish, Past, Reach, Try, decide
from callcenter.campaigns.rules import Pacing, RetryRules, Windows
from callcenter.campaigns.windows import CallingHours, calling_hours
from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import SYSTEM
from callcenter.core.phone_numbers import NumberPlan
from callcenter.patients import service as patients

log = structlog.get_logger(__name__)

TOLD_AGO = timedelta(seconds=10)
"""An Originate's channel is there well before this; until then its absence proves nothing."""
_LUCK = random.Random()  # noqa: S311 - spreads tries over time, keeps no secret
BUSY_LINE = timedelta(minutes=1)
"""Somebody of the same number or person is being called now."""
_SPOKEN_WITHIN = timedelta(seconds=2)
_OPTED_OUT = "asked for it by key, in a call of a campaign"
_APPOINTMENT_STATUS = {"confirm": "confirmed", "cancel": "cancelled"}


@dataclass(frozen=True, slots=True)
class Dialling:
    """What a tick works with. ``limits``: over all campaigns. ``days``: those that are not as their weekday."""

    pbx: str
    home: Home
    plan: NumberPlan
    limits: Limits
    days: dict[date, DayFact]

    def hours(self, campaign: Campaign, zone: ZoneInfo) -> CallingHours:
        return calling_hours(Windows.model_validate(campaign.windows), zone, self.days.get)


def zone_of(campaign: Campaign, contact: CampaignContact) -> ZoneInfo:
    return ZoneInfo(contact.zone or campaign.zone)


# -- from due to dialling


async def place_due(session: AsyncSession, campaign: Campaign, dialling: Dialling, at: datetime, *, limit: int) -> int:
    """Commit an attempt, and the command that dials it, for the contacts that are due; returns how many.

    Whom the hours, the governor or another open call keep from it waits, or is finished; the reason is kept.
    """
    due = await queries.lock_due(session, campaign.id, at, limit=limit)
    if not due:
        return 0
    decided = Decided(campaign, at)
    open_now = [contact for contact in due if is_in_hours(contact, campaign, dialling, at, decided)]
    open_now = await _with_audio(session, campaign, open_now, decided)
    claims = {new_channel_id(dialling.pbx, DialKind.CAMPAIGN): contact for contact in open_now}
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
    pacing = Pacing.model_validate(campaign.pacing)
    commands = [
        PlaceCampaignCall(
            attempt=attempt_id,
            number=dialling.plan.to_dial(contact.address),
            did=campaign.caller_id,
            language=contact.language,
            ring_seconds=pacing.ring_seconds,
            machine=pacing.machine,
        )
        for attempt_id, contact in placed.items()
    ]
    await request_commands(session, dialling.pbx, commands, cause="campaign")
    return len(placed)


async def _with_audio(
    session: AsyncSession, campaign: Campaign, contacts: Sequence[CampaignContact], decided: "Decided"
) -> list[CampaignContact]:
    """Those whose texts are spoken; the others wait for it."""
    silent = await spoken.list_silent(session, campaign, contacts)
    for contact in contacts:
        if contact.id in silent:
            contact.next_at = decided.at + _SPOKEN_WITHIN  # a matter of ours, nothing about the contact
    return [contact for contact in contacts if contact.id not in silent]


def attempt_row(attempt_id: str, contact: CampaignContact, dialling: Dialling, at: datetime) -> dict[str, Any]:
    """As ``queries.insert_attempts`` takes it: by the contact's next channel."""
    return {
        "id": attempt_id,
        "contact_id": contact.id,
        "campaign_id": contact.campaign_id,
        "person": contact.person,
        "number": contact.attempts + 1,
        "channel": contact.next_channel,
        "address": contact.address,
        "pbx": dialling.pbx,
        "day": _day(dialling.home, at),
        "claimed_at": at,
        "is_open": True,
    }


def _day(home: Home, at: datetime) -> date:
    return at.astimezone(home.zone).date()


def is_in_hours(
    contact: CampaignContact, campaign: Campaign, dialling: Dialling, at: datetime, decided: "Decided"
) -> bool:
    """Whether the campaign's hours are open where the contact is; if not, the contact waits or is finished."""
    hours = dialling.hours(campaign, zone_of(campaign, contact))
    if hours.is_open(at):
        return True
    opens_at = hours.next_open(at)
    if opens_at is None or opens_at >= campaign.ends_at:
        decided.finish(contact, ContactResult.UNREACHABLE, "too_late")
    else:
        decided.wait(contact, "outside_hours", opens_at)
    return False


async def _refusals(
    session: AsyncSession,
    campaign: Campaign,
    claims: dict[str, CampaignContact],
    dialling: Dialling,
    at: datetime,
) -> dict[str, Refusal]:
    """By attempt: why not. The attempts are counted with the others, so that two at once do not both fit in."""
    if not claims:
        return {}
    found = await governor_refusals(session, campaign, claims, dialling, at)
    tomorrow = _tomorrow(dialling.home, at)
    numbers = {one: contact.address for one, contact in claims.items() if one not in found}
    taken = await callouts.take_places(session, set(numbers.values()), dialling.home, at)
    for attempt_id, number in numbers.items():
        if (why := taken.get(number)) is not None:
            found[attempt_id] = Refusal(why.value, tomorrow if why is NumberRefusal.NUMBER_LIMIT else None)
    return found


async def governor_refusals(
    session: AsyncSession,
    campaign: Campaign,
    claims: dict[str, CampaignContact],
    dialling: Dialling,
    at: datetime,
    *,
    talks: bool = True,
) -> dict[str, Refusal]:
    """By attempt, whose rows are there already: what stands against it over all campaigns."""
    found: dict[str, Refusal] = {}
    today = _day(dialling.home, at)
    standing = await standings.read(session, today, list(claims.values()))
    tomorrow = _tomorrow(dialling.home, at)
    for attempt_id, contact in claims.items():
        refusal = governor.find_refusal(
            CampaignKind(campaign.kind),
            standing[contact.id],
            dialling.limits,
            at=at,
            tomorrow=tomorrow,
            zone=zone_of(campaign, contact),
            talks=talks,
        )
        if refusal is not None:
            found[attempt_id] = refusal
    return found


def _tomorrow(home: Home, at: datetime) -> datetime:
    return datetime.combine(_day(home, at) + timedelta(days=1), time(), home.zone)


class Decided:
    """Moves the contacts of one batch and notes why; a reason that has not changed is not noted again."""

    def __init__(self, campaign: Campaign, at: datetime) -> None:
        self._campaign = campaign
        self.at = at
        self.rows: list[dict[str, object]] = []

    def under_way(self, contact: CampaignContact) -> None:
        contact.state = ContactState.DIALLING
        self._note(contact, "called" if contact.next_channel == Channel.TELEPHONE else "written", "due", None)

    def wait(self, contact: CampaignContact, reason: str, until: datetime) -> None:
        """What it waited for is kept, even if the campaign ends before that comes."""
        self._note(contact, "waits", reason, until)
        contact.next_at = until
        if until >= self._campaign.ends_at:
            self.finish(contact, ContactResult.UNREACHABLE, "too_late")

    def refuse(self, contact: CampaignContact, refusal: Refusal) -> None:
        if refusal.until is not None:
            self.wait(contact, refusal.reason, refusal.until)
        elif _has_another_number(contact) and refusal.reason in _OF_THE_NUMBER:
            contact.next_number += 1
            self.wait(contact, refusal.reason, self.at)
        else:
            self.finish(contact, ContactResult.REFUSED, refusal.reason)

    def finish(self, contact: CampaignContact, result: ContactResult, reason: str) -> None:
        finish(contact, result, reason, self.at)
        self._note(contact, "finished", reason, None)

    def _note(self, contact: CampaignContact, decision: str, reason: str, until: datetime | None) -> None:
        if decision == "waits" and contact.reason == reason:
            return
        contact.reason = reason
        self.rows.append(decision_row(contact, decision, reason, self.at, until))


_OF_THE_NUMBER = frozenset(refusal.value for refusal in NumberRefusal)
"""Another number of the same person may do."""
_IN_WRITING = frozenset({Outcome.SENT, Outcome.DELIVERED})


def _has_another_number(contact: CampaignContact) -> bool:
    """To write to: only before the first attempt, which may have found somebody else at that number."""
    may_change = contact.next_channel == Channel.TELEPHONE or (
        contact.next_channel == Channel.SMS and contact.attempts == 0
    )
    return may_change and contact.next_number + 1 < len(contact.numbers)


def decision_row(
    contact: CampaignContact, decision: str, reason: str, at: datetime, until: datetime | None = None
) -> dict[str, object]:
    """For queries.insert_decisions."""
    return {
        "contact_id": contact.id,
        "campaign_id": contact.campaign_id,
        "person": contact.person,
        "at": at,
        "decision": decision,
        "reason": reason,
        "until": until,
    }


def finish(contact: CampaignContact, result: ContactResult, reason: str, at: datetime) -> None:
    """For good. Why is to be noted too (:func:`decision_row`)."""
    contact.state, contact.result, contact.reason = ContactState.FINISHED, result, reason
    contact.next_at, contact.finished_at = None, at
    contact.status = respondents.at_the_end(contact.status, result, in_writing=reason in _IN_WRITING)


# -- what the ledger tells


async def settle(session: AsyncSession, attempt_id: str, at: datetime, home: Home) -> None:
    """All that was written of the attempt is read: what came of it, and what is next. Repeating it changes nothing."""
    found = await queries.lock_attempt(session, attempt_id)
    if found is None or not found[1].is_open:
        return
    contact, attempt = found
    events = await queries.list_events(session, attempt_id)
    call = await queries.find_call(session, attempt_id)
    attempt.agent_number = await queries.find_agent(session, attempt_id) if call is not None else None
    reading = read_attempt(attempt_id, events, talked=attempt.agent_number is not None)
    attempt.is_open, attempt.outcome, attempt.ended_at = False, reading.outcome, at
    attempt.dialled_at, attempt.answered_at = reading.dialled_at, reading.answered_at
    attempt.hangup_cause = reading.cause
    contact.attempts += 1
    await _note_what_was_said(session, contact, attempt, user_events(events), at)
    if reading.outcome is Outcome.OPTED_OUT:
        await do_not_call.add_entry(
            session, SYSTEM, attempt.address, reason=_OPTED_OUT, until=None, call_id=attempt.id, at=at
        )
    log.info("campaign_attempt_over", attempt=attempt_id, outcome=reading.outcome)
    await session.flush()
    await go_on(session, contact, at, home)


async def go_on(session: AsyncSession, contact: CampaignContact, at: datetime, home: Home) -> None:
    """What follows the contact's last attempt, by the policy."""
    if contact.state != ContactState.DIALLING:
        return  # withdrawn meanwhile
    campaign = await queries.find_campaign(session, contact.campaign_id)
    if campaign is None:
        raise LookupError("a contact without its campaign")
    history = [
        Past(Channel(past.channel), past.address, Outcome(past.outcome), past.ended_at)
        for past in await queries.list_past(session, contact.id)
        if past.outcome is not None and past.ended_at is not None
    ]
    zone = zone_of(campaign, contact)
    days = await standings.days_around(session, at, zone, home)
    reach = Reach(
        channels=[Channel(channel) for channel in campaign.channels if has_channel(contact, Channel(channel))],
        numbers=contact.numbers,
        hours=calling_hours(Windows.model_validate(campaign.windows), zone, days.get),
        ends_at=campaign.ends_at,
    )
    coming = decide(history, RetryRules.model_validate(campaign.retry), reach, luck=_LUCK.random())
    if isinstance(coming, Try) and campaign.state in lifecycle.OVER:
        coming = Finish(*lifecycle.end_of_contacts(campaign))
    decided = Decided(campaign, at)
    contact.status = respondents.after_attempt(contact.status, history[-1].outcome)
    if isinstance(coming, Finish):
        decided.finish(contact, coming.result, coming.reason)
        if coming.result is ContactResult.UNKNOWN:
            await raise_alarm(session, "campaign_attempt_unknown", key=str(campaign.id), campaign=str(campaign.id))
    else:
        _try_again(contact, coming)
        decided.wait(contact, coming.reason, coming.at)
    await queries.insert_decisions(session, decided.rows)


def _try_again(contact: CampaignContact, coming: Try) -> None:
    contact.state = ContactState.WAITING
    contact.next_channel, contact.next_number = coming.channel, coming.number


def has_channel(contact: CampaignContact, channel: Channel) -> bool:
    """Whether the contact can be reached by it."""
    return bool(contact.email) if channel is Channel.EMAIL else bool(contact.numbers)


async def _note_what_was_said(
    session: AsyncSession,
    contact: CampaignContact,
    attempt: CampaignAttempt,
    events: Sequence[tuple[str, str]],
    at: datetime,
) -> None:
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
    await queries.insert_answers(session, list(answers.values()))
    if answers and contact.state == ContactState.DIALLING:
        contact.status = respondents.Status.STARTED


# -- dials that vanished


async def list_to_look_for(session: AsyncSession, pbx: str, at: datetime) -> set[str]:
    """Attempts that are not over: whose channels should be there."""
    return await queries.list_open_attempts(session, pbx, claimed_before=at - TOLD_AGO)


async def settle_vanished(session: AsyncSession, attempt_ids: Collection[str], at: datetime, home: Home) -> None:
    """Asterisk no longer has these, and its ledger is read up to the moment when that was seen.

    What has no line there was never dialled; a dial without an end is ``unknown``.
    """
    for attempt_id in sorted(attempt_ids):
        await settle(session, attempt_id, at, home)
