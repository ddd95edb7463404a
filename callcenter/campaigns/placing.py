"""How an attempt begins: claimed and placed (the way of an attempt, docs/one-call.md; its end: settling).

A fact is committed before the world is touched. The attempt's row is there before Asterisk hears of it, and no second
one can be open of the same contact, person or number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.campaign_commands import PlaceCampaignCall
from callcenter.asterisk.channel_ids import DialKind, new_channel_id
from callcenter.asterisk.commands import request_commands
from callcenter.calendar.policy import DayFact
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.callouts.policy import Refusal as NumberRefusal
from callcenter.campaigns import governor, queries, respondents, spoken, standings
from callcenter.campaigns.governor import Limits, Refusal
from callcenter.campaigns.models import (
    Campaign,
    CampaignContact,
    CampaignKind,
    Channel,
    ContactResult,
    ContactState,
    Outcome,
)
from callcenter.campaigns.retry_policy import Try
from callcenter.campaigns.rules import Pacing, Windows
from callcenter.campaigns.windows import CallingHours, calling_hours
from callcenter.core.phone_numbers import NumberPlan

BUSY_LINE = timedelta(minutes=1)
"""Somebody of the same number or person is being called now."""
_SPOKEN_WITHIN = timedelta(seconds=2)


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
    placed = await claim(session, campaign, due, dialling, at) if due else {}
    pacing = Pacing.model_validate(campaign.pacing)
    commands = [
        PlaceCampaignCall(
            attempt=attempt_id,
            number=dialling.plan.to_dial(contact.address),
            did=campaign.caller_id,
            language=contact.language,
            ring_seconds=pacing.ring_seconds,
            machine=pacing.machine,
            queue=pacing.queue if pacing.mode != "automatic" else None,
        )
        for attempt_id, contact in placed.items()
    ]
    await request_commands(session, dialling.pbx, commands, cause="campaign")
    return len(placed)


async def claim(
    session: AsyncSession,
    campaign: Campaign,
    due: Sequence[CampaignContact],
    dialling: Dialling,
    at: datetime,
    *,
    kind: DialKind = DialKind.CAMPAIGN,
) -> dict[str, CampaignContact]:
    """Make an attempt of each of these contacts, who are locked; by its id who may be dialled now.

    The others wait, or are finished; the reason is kept.
    """
    decided = Decided(campaign, at)
    open_now = [contact for contact in due if is_in_hours(contact, campaign, dialling, at, decided)]
    open_now = await _with_audio(session, campaign, open_now, decided)
    claims = {new_channel_id(dialling.pbx, kind): contact for contact in open_now}
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
    return placed


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
    standing = await standings.read(session, today, list(claims.values()), at)
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
        elif has_another_number(contact, contact.next_number) and refusal.reason in OF_THE_NUMBER:
            contact.next_number += 1
            self.wait(contact, refusal.reason, self.at)
        else:
            self.finish(contact, ContactResult.REFUSED, refusal.reason)

    def try_again(self, contact: CampaignContact, coming: Try) -> None:
        contact.next_channel, contact.next_number = coming.channel, coming.number
        self.wait_again(contact, coming.reason, coming.at)

    def wait_again(self, contact: CampaignContact, reason: str, until: datetime) -> None:
        """Who was under way waits."""
        contact.state = ContactState.WAITING
        self.wait(contact, reason, until)

    def finish(self, contact: CampaignContact, result: ContactResult, reason: str) -> None:
        finish(contact, result, reason, self.at)
        self._note(contact, "finished", reason, None)

    def _note(self, contact: CampaignContact, decision: str, reason: str, until: datetime | None) -> None:
        if decision == "waits" and contact.reason == reason:
            return
        contact.reason = reason
        self.rows.append(decision_row(contact, decision, reason, self.at, until))


OF_THE_NUMBER = frozenset(refusal.value for refusal in NumberRefusal)
"""Another number of the same person may do."""
_IN_WRITING = frozenset({Outcome.SENT, Outcome.DELIVERED})


def has_another_number(contact: CampaignContact, place: int) -> bool:
    """Behind the one at ``place``. To write to: only before the first attempt, which may have found somebody else."""
    may_change = contact.next_channel == Channel.TELEPHONE or (
        contact.next_channel == Channel.SMS and contact.attempts == 0
    )
    return may_change and place + 1 < len(contact.numbers)


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


def is_unwilling(contact: CampaignContact, refused: Mapping[str, NumberRefusal]) -> bool:
    """Whether the person is to be called at none of their numbers, and so is written no mail either."""
    return bool(contact.numbers) and all(refused.get(number) is NumberRefusal.DO_NOT_CALL for number in contact.numbers)


def has_channel(contact: CampaignContact, channel: Channel) -> bool:
    """Whether the contact can be reached by it."""
    return bool(contact.email) if channel is Channel.EMAIL else bool(contact.numbers)
