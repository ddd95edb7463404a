"""What the engine does for call-backs from time to time: idempotent scans, a missed one costs only time."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.manager import AmiSession
from callcenter.callbacks import placing
from callcenter.callouts.policy import Home
from callcenter.core.clock import now
from callcenter.core.db import Database


class CallbackWork:
    """Of one PBX, for whoever leads it."""

    def __init__(self, database: Database, commands: AmiSession, pbx: str, home: Home) -> None:
        self._database = database
        self._commands = commands
        self._pbx = pbx
        self._home = home

    async def place(self) -> None:
        """End what has expired, place what is due: only while Asterisk hears of it, an old wish is no good."""
        async with self._database.transaction() as session:
            await placing.expire_due(session, self._pbx, now())
            if self._commands.connected:
                await placing.place_due(session, self._pbx, now(), self._home)


class CallbackDials:
    """The dials of call-backs, for calls.lost_dials."""

    async def list_to_look_for(self, session: AsyncSession, pbx: str, at: datetime) -> set[str]:
        return await placing.list_to_look_for(session, pbx, at)

    async def settle_vanished(self, session: AsyncSession, attempt_ids: Collection[str], at: datetime) -> None:
        await placing.settle_vanished(session, attempt_ids, at)

    async def hang_up_left_over(self, session: AsyncSession, pbx: str, attempt_ids: Collection[str]) -> None:
        await placing.hang_up_left_over(session, pbx, attempt_ids)
