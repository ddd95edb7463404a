"""The ivr role: answers the dialplan's AGI() visits."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from callcenter.asterisk.fastagi import AgiChannel, FastAgiServer
from callcenter.calendar.public_days import Place, read_lists
from callcenter.callouts.policy import Home
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.jobs import run_every
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.secrets import get_secret
from callcenter.ivr.announcements import DatabaseAnnouncements
from callcenter.ivr.articles import DatabaseArticles
from callcenter.ivr.callback_desk import CallbackDialling, DatabaseCallbackDesk
from callcenter.ivr.callers import DatabaseCallers
from callcenter.ivr.campaign_calls import DatabaseCampaignCalls
from callcenter.ivr.catalogue import Catalogue
from callcenter.ivr.hours import DatabaseHours, RecentOpenings
from callcenter.ivr.last_agents import DatabaseLastAgents
from callcenter.ivr.line import AgiLine
from callcenter.ivr.queue_guide import DatabaseQueueGuide
from callcenter.ivr.recorded_prompts import REFRESH_SECONDS, RecordedPrompts
from callcenter.ivr.revisions import RevisionStore
from callcenter.ivr.runner import FlowRunner
from callcenter.ivr.services import FlowServices
from callcenter.patients.code_guard import CodeLimits

log = structlog.get_logger(__name__)

AgiHandler = Callable[[AgiChannel], Awaitable[None]]

FLOW_PATH = "flow"
CALLBACK_PATH = "callback"


class IvrServer:
    """Runs call flows (``agi://host/flow``) and what else it is given by the first word of the path.

    ``handlers``: e.g. ``{"seat": ...}`` for the agents' feature codes (``agi://host/seat/login``).
    ``queue_names``: queues that flows may name; None: not checked.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        handlers: Mapping[str, AgiHandler] | None = None,
        queue_names: Collection[str] | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._revisions = RevisionStore(database)
        self._recorded_prompts = RecordedPrompts(database)
        self._refreshing: asyncio.Task[None] | None = None
        self.catalogue = Catalogue(
            settings.flows_dir,
            settings.prompts_dir,
            revisions=self._revisions,
            database=database,
            queue_names=queue_names,
        )
        plan = NumberPlan(settings.country, settings.area_code)
        openings = RecentOpenings(database, Place.of(settings))
        self._runner = FlowRunner(
            FlowServices(
                callers=DatabaseCallers(database, get_secret(settings, "check_code_key"), CodeLimits.of(settings)),
                hours=DatabaseHours(database, openings),
                last_agents=DatabaseLastAgents(database),
                articles=DatabaseArticles(database),
                queues=DatabaseQueueGuide(database, openings),
                callback_desk=DatabaseCallbackDesk(database, plan, settings.pbx_name),
                announcements=DatabaseAnnouncements(database),
                campaign_calls=DatabaseCampaignCalls(database),
            ),
            self._revisions,
            plan,
        )
        self._handlers: dict[str, AgiHandler] = {
            **(handlers or {}),
            FLOW_PATH: self._run_flow,
            CALLBACK_PATH: CallbackDialling(database, plan, Home.of(settings)),
        }
        self._server = FastAgiServer(
            settings.fastagi_host, settings.fastagi_port, self._serve, shared=settings.fastagi_shared
        )

    @property
    def port(self) -> int:
        """The FastAGI port it listens on."""
        return self._server.port

    async def start(self) -> None:
        """Read the flows, then listen. Raises OSError when the port is taken, InvalidPrompts without prompts."""
        await self.catalogue.current()
        await asyncio.to_thread(read_lists, Place.of(self._settings), now())
        await self._server.start()
        self._refreshing = asyncio.create_task(
            run_every("recorded-prompts", REFRESH_SECONDS, self._recorded_prompts.refresh)
        )

    async def stop(self) -> None:
        """Take no new visit, let running ones finish up to ``drain_seconds``, end the rest (dialplan fall-back)."""
        self._server.stop_accepting()
        left = await self._server.drain(self._settings.drain_seconds)
        if left:
            log.warning("flows_cut_short", visits=left)
        await self._server.close()
        await self._revisions.saved()
        if self._refreshing is not None:
            self._refreshing.cancel()

    async def _serve(self, channel: AgiChannel) -> None:
        handler = self._handlers.get(channel.path.split("/", 1)[0])
        if handler is None:
            log.error("agi_path_unknown", uniqueid=channel.variables["uniqueid"], path=channel.path)
            return
        await handler(channel)

    async def _run_flow(self, channel: AgiChannel) -> None:
        published = await self.catalogue.current()
        prompts = self._recorded_prompts.apply(published.prompts)
        await self._runner.run(AgiLine(channel, prompts, self._settings.recordings_dir), published.flows)
