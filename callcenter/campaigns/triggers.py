"""Campaigns that find their people by themselves: daily at a time of the hospital's clock, each day once.

An idempotent scan. Which days are done stands in rows, and the key of each contact names the occasion: a missed tick
or a lost process costs only time. A long audience is put in by parts, each a transaction that notes how far it came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callouts.policy import Home
from callcenter.campaigns import audience_queries, queries
from callcenter.campaigns.audience_models import CampaignTrigger, CampaignTriggerDay
from callcenter.campaigns.audiences import AUDIENCE, Audience, late_days, plan_look
from callcenter.campaigns.contacts import new_row
from callcenter.campaigns.errors import AudienceNotFound, CampaignOver
from callcenter.campaigns.found import contact_of
from callcenter.campaigns.lifecycle import get_campaign
from callcenter.campaigns.models import Campaign, CampaignState, Channel
from callcenter.core.audit import Actor, record_audit
from callcenter.core.db import Database
from callcenter.core.http import open_transaction
from callcenter.core.phone_numbers import NumberPlan

log = structlog.get_logger(__name__)

TRIGGER_SECONDS = 10.0
PART_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Triggers:
    """Of the campaigns of one PBX, for whoever leads it."""

    database: Database
    pbx: str
    home: Home
    plan: NumberPlan

    async def look(self) -> None:
        """Put in the people of each day whose time has come and that is not done."""
        for campaign_id, day in await self._due():
            while await self._run_part(campaign_id, day):
                pass

    async def _due(self) -> list[tuple[UUID, date]]:
        found = []
        async with self.database.transaction() as session:
            at = await queries.database_now(session)
            for campaign, trigger in await audience_queries.list_daily(session, self.pbx, at):
                audience = AUDIENCE.validate_python(trigger.audience)
                since = max(campaign.changed_at, trigger.changed_at)
                days = list(days_due(trigger.at_time or "", audience, since, at, self.home))
                if days:
                    done = await audience_queries.list_finished_days(session, campaign.id, min(days))
                    found += [(campaign.id, day) for day in days if day not in done]
        return found

    async def _run_part(self, campaign_id: UUID, day: date) -> bool:
        """Whether there is more. Not of a campaign that was stopped meanwhile."""
        async with self.database.transaction() as session:
            campaign = await get_campaign(session, campaign_id)
            trigger = await audience_queries.find_trigger(session, campaign_id)
            if trigger is None or campaign.state != CampaignState.RUNNING:
                return False
            at = await queries.database_now(session)
            done = await put_part(session, campaign, trigger, day, home=self.home, plan=self.plan, at=at)
            if done is not None and done.finished_at is not None:
                log.info("campaign_audience", campaign=str(campaign_id), found=done.found, added=done.added)
            return done is not None and done.finished_at is None


def days_due(at_time: str, audience: Audience, running_since: datetime, at: datetime, home: Home) -> Iterator[date]:
    """The days whose time has come: today's, and those before it that nobody looked at and that are still good.

    ``running_since``: those before today count only if the campaign ran, as it is, when their time came.
    """
    today = at.astimezone(home.zone).date()
    for back in range(late_days(audience), -1, -1):
        day = today - timedelta(days=back)
        moment = datetime.combine(day, time.fromisoformat(at_time), home.zone)
        if moment.timestamp() <= at.timestamp() and (back == 0 or moment.timestamp() >= running_since.timestamp()):
            yield day


async def put_part(
    session: AsyncSession,
    campaign: Campaign,
    trigger: CampaignTrigger,
    day: date,
    *,
    home: Home,
    plan: NumberPlan,
    at: datetime,
) -> CampaignTriggerDay | None:
    """The next PART_ROWS of the day become contacts; the day's row, finished when there is no more.

    None: another is at it.
    """
    row = await audience_queries.lock_day(session, campaign.id, day, at)
    if row is None or row.finished_at is not None:
        return row
    look = plan_look(AUDIENCE.validate_python(trigger.audience), day, home.zone, campaign_id=campaign.id, at=at)
    if look is None:
        row.finished_at = at
        return row
    found = await audience_queries.find_rows(session, look.query, look.parameters, after=row.position, limit=PART_ROWS)
    channels = [Channel(channel) for channel in campaign.channels]
    made = (new_row(contact_of(one, look, day, home.zone), campaign.id, channels, plan, at) for one in found)
    rows = [new for new, reason in made if reason is None]
    row.added += len(await queries.insert_contacts(session, rows))
    row.found += len(found)
    row.unreachable += len(found) - len(rows)
    row.position = found[-1].position if found else row.position
    if len(found) < PART_ROWS:
        row.finished_at = at
    return row


# -- what staff set


async def get_trigger(session: AsyncSession, campaign_id: UUID) -> CampaignTrigger:
    """Raises CampaignNotFound, AudienceNotFound."""
    await get_campaign(session, campaign_id)
    trigger = await audience_queries.find_trigger(session, campaign_id)
    if trigger is None:
        raise AudienceNotFound
    return trigger


async def put_trigger(
    session: AsyncSession,
    actor: Actor,
    campaign_id: UUID,
    audience: Audience,
    at_time: str | None,
    *,
    at: datetime,
    standard: str | None = None,
) -> CampaignTrigger:
    """From the next look on; days that are done stay done. Raises CampaignNotFound, CampaignOver."""
    campaign = await get_campaign(session, campaign_id, lock=True)
    if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
        raise CampaignOver
    await audience_queries.restart_days(session, campaign_id)
    trigger = await audience_queries.find_trigger(session, campaign_id)
    if trigger is None:
        trigger = CampaignTrigger(campaign_id=campaign_id, standard=standard)
        session.add(trigger)
    trigger.audience, trigger.at_time = audience.model_dump(mode="json"), at_time
    trigger.changed_at, trigger.changed_by = at, actor.name
    record_audit(
        session, actor, "campaigns.put_audience", subject_id=str(campaign_id), kind=audience.kind, at_time=at_time
    )
    return trigger


async def remove_trigger(session: AsyncSession, actor: Actor, campaign_id: UUID) -> None:
    """Who is in the campaign stays. Raises CampaignNotFound, AudienceNotFound."""
    await session.delete(await get_trigger(session, campaign_id))
    record_audit(session, actor, "campaigns.remove_audience", subject_id=str(campaign_id))


async def count_found(session: AsyncSession, campaign_id: UUID, day: date, *, home: Home, at: datetime) -> int:
    """How many the audience would find on ``day``, as things stand. Raises CampaignNotFound, AudienceNotFound."""
    trigger = await get_trigger(session, campaign_id)
    look = plan_look(AUDIENCE.validate_python(trigger.audience), day, home.zone, campaign_id=campaign_id, at=at)
    return 0 if look is None else await audience_queries.count_rows(session, look.query, look.parameters)


async def run_today(database: Database, actor: Actor, campaign_id: UUID, *, home: Home, plan: NumberPlan) -> date:
    """Look now, whatever the hour, also for a draft; it is the day's one look. Returns the day.

    Raises CampaignNotFound, AudienceNotFound, CampaignOver.
    """
    async with open_transaction(database) as session:
        await get_trigger(session, campaign_id)
        day = (await queries.database_now(session)).astimezone(home.zone).date()
        record_audit(session, actor, "campaigns.look_for_audience", subject_id=str(campaign_id))
    while True:
        async with open_transaction(database) as session:
            campaign = await get_campaign(session, campaign_id)
            trigger = await get_trigger(session, campaign_id)
            if campaign.state in (CampaignState.FINISHED, CampaignState.CANCELLED):
                raise CampaignOver
            at = await queries.database_now(session)
            done = await put_part(session, campaign, trigger, day, home=home, plan=plan, at=at)
        if done is None or done.finished_at is not None:
            return day
