"""Where the revisions of flows are kept: in memory first, and in PostgreSQL for the other ivr processes."""

import asyncio
from collections import OrderedDict

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.ivr.checks import bundle, unbundle
from callcenter.ivr.errors import DatabaseAway, FlowError
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.limits import limited
from callcenter.ivr.models import FlowRevision

log = structlog.get_logger(__name__)

KEPT_IN_MEMORY = 200

Key = tuple[str, str]
"""Flow and revision."""


class RevisionStore:
    """``database`` None: memory only (simulation)."""

    def __init__(self, database: Database | None) -> None:
        self._database = database
        self._known: OrderedDict[Key, FlowSet] = OrderedDict()
        self._unsaved: dict[Key, str] = {}
        self._saving: asyncio.Task[None] | None = None

    def keep(self, flows: FlowSet) -> None:
        """Remember these flows; nobody waits for the database, see :meth:`save_soon`."""
        for name, flow in flows.flows.items():
            key = (name, flow.revision)
            if key not in self._known and self._database is not None:
                self._unsaved[key] = bundle(flows, name)
            self._remember(key, flows.closure(name))

    def save_soon(self) -> None:
        """Store what is not stored yet, in the background; tried again by the next call when the database is away."""
        if self._unsaved and self._database is not None and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(self._save(self._database))

    async def saved(self) -> None:
        """Wait for the storing under way, if any."""
        if self._saving is not None:
            await self._saving

    async def find(self, flow: str, revision: str) -> FlowSet | None:
        """The flows of a revision; None when nobody knows it, or the database that may know it is away."""
        key = (flow, revision)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        if self._database is None:
            return None
        try:
            content = await limited(self._read(self._database, key))
            flows = unbundle(content) if content is not None else None
        except (DatabaseAway, FlowError) as error:
            log.error("flow_revision_not_read", flow=flow, revision=revision, reason=error.message)
            return None
        if flows is not None:
            self._remember(key, flows)
        return flows

    def _remember(self, key: Key, flows: FlowSet) -> None:
        self._known[key] = flows
        self._known.move_to_end(key)
        while len(self._known) > KEPT_IN_MEMORY:
            self._known.popitem(last=False)

    async def _read(self, database: Database, key: Key) -> str | None:
        async with database.transaction() as session:
            return await session.scalar(
                select(FlowRevision.content).where(FlowRevision.flow == key[0], FlowRevision.revision == key[1])
            )

    async def _save(self, database: Database) -> None:
        unsaved = dict(self._unsaved)
        try:
            await limited(self._write(database, unsaved))
        except DatabaseAway as error:
            log.warning("flow_revisions_not_saved", reason=error.message)
            return
        for key in unsaved:
            del self._unsaved[key]

    async def _write(self, database: Database, unsaved: dict[Key, str]) -> None:
        at = now()
        rows = [
            {"flow": flow, "revision": revision, "content": content, "first_seen_at": at}
            for (flow, revision), content in unsaved.items()
        ]
        async with database.transaction() as session:
            await session.execute(insert(FlowRevision).on_conflict_do_nothing(), rows)
