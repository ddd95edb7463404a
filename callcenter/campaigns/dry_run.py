"""What would happen: who would be called when, who not and why. By the rules that dial; nothing is changed or taken.

Each contact is looked at as if it were alone: that one conversation stands in the way of the next, or that lines are
few, is not foreseen. So ``at`` is the earliest moment; of those who are put off the reason is the first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calendar.policy import DayFact
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.callouts.policy import Refusal as NumberRefusal
from callcenter.campaigns import lists, standings
from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.governor import Limits, Refusal, Standing, find_refusal
from callcenter.campaigns.lifecycle import get_limits
from callcenter.campaigns.models import Campaign, CampaignContact, CampaignKind, CampaignState, Channel, ContactState
from callcenter.campaigns.placing import OF_THE_NUMBER, has_another_number, has_channel, is_unwilling, zone_of
from callcenter.campaigns.rules import Texts, Windows
from callcenter.campaigns.texts import letter, spoken_pieces
from callcenter.campaigns.windows import CallingHours, calling_hours

MOST_COUNTED = 10_000
"""Contacts that one look counts, a few seconds; of a larger campaign the rest is only said to be there."""
_AT_ONCE = 1_000
_MOST_PUT_OFF = 12
"""Reasons one after the other; who is put off more often than that stays so."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What comes of one contact.

    ``decision``: ``called`` or ``written`` to at ``at``; ``put_off`` for longer than is looked ahead; ``not_called``;
    ``dialling`` now; ``finished`` already. ``reason``: why not, or what puts it off until ``at``; ``due``: nothing.
    """

    contact: CampaignContact
    decision: str
    reason: str
    at: datetime | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """``page``: one more than asked for, if there is one. ``counted``: those of ``contacts`` that the counts are of."""

    page: Sequence[Foreseen]
    contacts: int
    counted: int
    by_decision: Mapping[str, int]
    by_reason: Mapping[str, int]


@dataclass(slots=True)
class View:
    """What is known of the campaign, the limits and the calendar at ``at``."""

    campaign: Campaign
    home: Home
    limits: Limits
    days: Mapping[date, DayFact]
    at: datetime
    _hours: dict[ZoneInfo, CallingHours] = field(default_factory=dict)
    _opens: dict[tuple[ZoneInfo, datetime], datetime | None] = field(default_factory=dict)

    def next_open(self, zone: ZoneInfo, after: datetime) -> datetime | None:
        if (zone, after) not in self._opens:
            if zone not in self._hours:
                windows = Windows.model_validate(self.campaign.windows)
                self._hours[zone] = calling_hours(windows, zone, self.days.get)
            self._opens[zone, after] = self._hours[zone].next_open(after)
        return self._opens[zone, after]

    def day(self, at: datetime) -> date:
        return at.astimezone(self.home.zone).date()

    def tomorrow(self, at: datetime) -> datetime:
        return datetime.combine(self.day(at) + timedelta(days=1), time(), self.home.zone)


def foresee(contact: CampaignContact, view: View, standing: Standing, refused: Mapping[str, NumberRefusal]) -> Foreseen:
    """What comes of one contact. ``refused``: numbers that may not be dialled as things stand. Pure."""
    if contact.state == ContactState.FINISHED:
        return Foreseen(contact, "finished", contact.reason or contact.result or "finished")
    if contact.state == ContactState.DIALLING:
        return Foreseen(contact, "dialling", "due")
    campaign = view.campaign
    if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
        return Foreseen(contact, "not_called", "campaign_over")
    if contact.state == ContactState.NEW and not _can_be_said(campaign, contact):
        return Foreseen(contact, "not_called", "unknown_variable")
    at = max(view.at, contact.next_at or view.at, campaign.starts_at)
    if at >= campaign.ends_at:
        return Foreseen(contact, "not_called", "too_late")
    return _foresee_next(contact, view, standing, refused, at)


def _foresee_next(
    contact: CampaignContact, view: View, standing: Standing, refused: Mapping[str, NumberRefusal], at: datetime
) -> Foreseen:
    """The dial, or the message, that comes next: from reason to reason until nothing stands against it."""
    zone, place, first = zone_of(view.campaign, contact), contact.next_number, ""
    decision = "called" if contact.next_channel == Channel.TELEPHONE else "written"
    for _ in range(_MOST_PUT_OFF):
        opens_at = view.next_open(zone, at)
        if opens_at is None or opens_at >= view.campaign.ends_at:
            return Foreseen(contact, "not_called", "too_late")
        if opens_at > at:
            first = first or "outside_hours"
        at = opens_at
        refusal = _refusal(contact, place, view, standing, refused, at=at)
        if refusal is None:
            return Foreseen(contact, decision, first or "due", at.astimezone(UTC), _number(contact, place))
        if refusal.until is None:
            if refusal.reason not in OF_THE_NUMBER or not has_another_number(contact, place):
                return Foreseen(contact, "not_called", refusal.reason)
            place += 1
        elif refusal.until >= view.campaign.ends_at:
            return Foreseen(contact, "not_called", refusal.reason)
        else:
            at = refusal.until
        first = first or refusal.reason
    return Foreseen(contact, "put_off", first, at.astimezone(UTC), _number(contact, place))


def _number(contact: CampaignContact, place: int) -> str | None:
    return None if contact.next_channel == Channel.EMAIL else contact.numbers[place]


def _refusal(
    contact: CampaignContact,
    place: int,
    view: View,
    standing: Standing,
    refused: Mapping[str, NumberRefusal],
    *,
    at: datetime,
) -> Refusal | None:
    """The governor's, else the number's. What today has used up is there again on another day."""
    is_today = view.day(at) == view.day(view.at)
    if not is_today:
        standing = replace(standing, attempts_of_number=0, attempts_of_person=0, conversations=0)
    talks, tomorrow = contact.next_channel == Channel.TELEPHONE, view.tomorrow(at)
    kind, zone = CampaignKind(view.campaign.kind), zone_of(view.campaign, contact)
    refusal = find_refusal(kind, standing, view.limits, at=at, tomorrow=tomorrow, zone=zone, talks=talks)
    if refusal is not None:
        return refusal
    if contact.next_channel == Channel.EMAIL:
        return Refusal(NumberRefusal.DO_NOT_CALL.value) if is_unwilling(contact, refused) else None
    why = refused.get(contact.numbers[place])
    if why is NumberRefusal.NUMBER_LIMIT:
        return Refusal(why.value, tomorrow) if talks and is_today else None
    return Refusal(why.value) if why is not None else None


def _can_be_said(campaign: Campaign, contact: CampaignContact) -> bool:
    texts = Texts.model_validate(campaign.texts)
    try:
        spoken_pieces(texts, contact)
        for channel in map(Channel, campaign.channels):
            if has_channel(contact, channel):
                letter(texts, channel, contact)
    except UnknownVariable:
        return False
    return True


# -- many of them


async def dry_run(
    session: AsyncSession, campaign: Campaign, home: Home, at: datetime, *, after: UUID | None, limit: int
) -> DryRun:
    """A page of contacts behind ``after``, and the counts over all, MOST_COUNTED at most."""
    days = await standings.days_around(session, at, home)
    view = View(campaign, home, await get_limits(session), days, at)
    page = await _foresee_all(session, view, await _contacts(session, campaign, after, limit + 1))
    decisions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    counted, behind = 0, None
    while counted < MOST_COUNTED:
        part = await _contacts(session, campaign, behind, min(_AT_ONCE, MOST_COUNTED - counted))
        if not part:
            break
        for one in await _foresee_all(session, view, part):
            decisions[one.decision] += 1
            reasons[one.reason] += 1
        counted, behind = counted + len(part), part[-1].id
    contacts = await lists.count_contacts(session, campaign.id)
    return DryRun(page, contacts, counted, dict(decisions), dict(reasons))


async def _contacts(
    session: AsyncSession, campaign: Campaign, after: UUID | None, count: int
) -> Sequence[CampaignContact]:
    return await lists.list_contacts(session, campaign.id, state=None, status=None, after=after, limit=count - 1)


async def _foresee_all(session: AsyncSession, view: View, contacts: Sequence[CampaignContact]) -> list[Foreseen]:
    standing = await standings.read(session, view.day(view.at), contacts, view.at, claimed=False)
    open_ones = (one for one in contacts if one.state != ContactState.FINISHED)
    numbers = {number for one in open_ones for number in one.numbers}
    refused = await callouts.find_refusals(session, numbers, view.home, view.at)
    return [foresee(one, view, standing[one.id], refused) for one in contacts]
