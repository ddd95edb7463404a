"""The dialer: what the engine of one PBX does for campaigns, from time to time. Idempotent scans, by rows alone."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.manager import AmiSession
from callcenter.callouts.policy import Home
from callcenter.campaigns import dialling as dialling_rules
from callcenter.campaigns import lifecycle, messages, placing, preparing, queries, settling
from callcenter.campaigns.crews import Crews
from callcenter.campaigns.models import MESSAGES, Campaign, Channel
from callcenter.campaigns.pacing import Pacer
from callcenter.campaigns.placing import Dialling
from callcenter.campaigns.rules import Pacing
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan

DIAL_SECONDS = 0.1
PREPARE_SECONDS = 0.5
WRITE_SECONDS = 0.5
BATCH = 100
_WRITTEN = tuple(channel for channel in Channel if channel in MESSAGES)


class Dialer:
    """Of one PBX, for whoever leads it. Between two ticks it keeps nothing but the pace."""

    def __init__(self, database: Database, commands: AmiSession, pbx: str, home: Home, plan: NumberPlan) -> None:
        self._database = database
        self._commands = commands
        self._pbx = pbx
        self._home = home
        self._plan = plan
        self._pacers: dict[UUID, Pacer] = {}
        self._whole = Pacer(0.0)
        self._crews = Crews()

    async def prepare(self) -> None:
        """Have spoken what the next contacts are to hear; end the campaigns that are over, and their contacts."""
        async with self._database.transaction() as session:
            at = now()
            for campaign in await queries.list_running(session, self._pbx):
                await preparing.prepare(session, campaign, at)
            for campaign in await queries.list_past_their_end(session, self._pbx, at):
                await lifecycle.finish_if_over(session, campaign, at)
            for campaign in await queries.list_over_with_left_over(session, self._pbx):
                await lifecycle.finish_left_over(session, campaign, at)

    async def dial(self) -> None:
        """Begin as many calls as are due: only while Asterisk hears of it, an old wish is no good."""
        if not self._commands.connected:
            return
        async with self._database.transaction() as session:
            campaigns = await queries.list_running(session, self._pbx)
            if not campaigns:
                self._pacers.clear()
                return
            at = await queries.database_now(session)
            dialling = await dialling_rules.read(session, self._pbx, self._home, self._plan, at)
            limits = dialling.limits
            open_calls = await queries.count_open(session, self._pbx)
            self._whole.rate = limits.calls_per_second
            self._pacers = {one.id: self._pacers.get(one.id) or Pacer(0.0) for one in campaigns}
            lines = limits.max_channels - sum(open_calls.values())
            self._crews.begin()
            for campaign in campaigns:
                if campaign.starts_at <= at < campaign.ends_at:
                    free = min(_lines_of(campaign) - open_calls.get(campaign.id, 0), lines)
                    lines -= await self._dial_for(session, campaign, dialling, at, free)

    async def write(self) -> None:
        """Hand over to the outbox what is due in writing: it needs no Asterisk and no line."""
        async with self._database.transaction() as session:
            campaigns = await queries.list_running(session, self._pbx)
            at = await queries.database_now(session)
            running = [campaign for campaign in campaigns if campaign.starts_at <= at < campaign.ends_at]
            if not running:
                return
            dialling = await dialling_rules.read(session, self._pbx, self._home, self._plan, at)
            under_way = {
                channel: await queries.count_open(session, self._pbx, channels=[channel]) for channel in _WRITTEN
            }
            for campaign in running:
                for channel in _WRITTEN:
                    free = messages.MOST_UNDER_WAY - under_way[channel].get(campaign.id, 0)
                    await messages.place_due(session, campaign, channel, dialling, at, limit=free)

    async def _dial_for(
        self, session: AsyncSession, campaign: Campaign, dialling: Dialling, at: datetime, free: int
    ) -> int:
        """How many calls were begun, of at most ``free``."""
        pacing = Pacing.model_validate(campaign.pacing)
        if pacing.mode == "preview":
            return 0  # its agents dial
        if pacing.mode != "automatic":
            free = min(free, await self._crews.room(session, campaign.id, pacing, at))
        pacer, tick = self._pacers[campaign.id], time.monotonic()
        pacer.rate = pacing.calls_per_second
        due = self._whole.due(tick, pacer.due(tick, min(free, BATCH)))
        if due < 1:
            return 0
        placed = await placing.place_due(session, campaign, dialling, at, limit=due)
        pacer.spend(placed)
        self._whole.spend(placed)
        return placed


@dataclass(frozen=True, slots=True)
class CampaignDials:
    """The dials of campaigns, for calls.lost_dials."""

    home: Home

    async def list_to_look_for(self, session: AsyncSession, pbx: str, at: datetime) -> set[str]:
        return await settling.list_to_look_for(session, pbx, at)

    async def settle_vanished(self, session: AsyncSession, attempt_ids: Collection[str], at: datetime) -> None:
        await settling.settle_vanished(session, attempt_ids, at, self.home)

    async def hang_up_left_over(self, session: AsyncSession, pbx: str, attempt_ids: Collection[str]) -> None:
        """A call that goes on ends by itself, whatever becomes of its contact."""


def _lines_of(campaign: Campaign) -> int:
    return Pacing.model_validate(campaign.pacing).max_channels
