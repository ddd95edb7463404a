"""Dials of ours whose channels are gone without an end in the ledger: Asterisk died, or never got them."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.snapshot import read_linkedids
from callcenter.calls.reader import LedgerReader
from callcenter.core.clock import now
from callcenter.core.db import Database

LEDGER_SECONDS = 10.0


class Dials(Protocol):
    """One domain's dials."""

    async def list_to_look_for(self, session: AsyncSession, pbx: str, at: datetime) -> set[str]:
        """Ids of those that are not over and of which this PBX was told some time ago."""

    async def settle_vanished(self, session: AsyncSession, attempt_ids: Collection[str], at: datetime) -> None:
        """Asterisk no longer has these, and its ledger is read up to the moment when that was seen."""

    async def hang_up_left_over(self, session: AsyncSession, pbx: str, attempt_ids: Collection[str]) -> None:
        """Of these, which Asterisk still has: out with those that nobody wants any more."""


class LostDials:
    """Of one PBX, for whoever leads it; an idempotent scan."""

    def __init__(
        self, database: Database, commands: AmiSession, ledger: LedgerReader, pbx: str, dials: Sequence[Dials]
    ) -> None:
        self._database = database
        self._commands = commands
        self._ledger = ledger
        self._pbx = pbx
        self._dials = dials
        self._missed: set[str] = set()

    async def settle(self) -> None:
        """Twice missed in a row, with the ledger read to its end in between: then nothing more is to come of them."""
        async with self._database.transaction() as session:
            wanted = [await dials.list_to_look_for(session, self._pbx, now()) for dials in self._dials]
        every = set().union(*wanted)
        if not (every and self._commands.connected):
            self._missed = set()
            return
        alive = await read_linkedids(self._commands)
        lost, self._missed = self._missed & (every - alive), every - alive
        if lost:
            async with asyncio.timeout(LEDGER_SECONDS):
                await self._ledger.caught_up()
        async with self._database.transaction() as session:
            for dials, own in zip(self._dials, wanted, strict=True):
                await dials.settle_vanished(session, own & lost, now())
                await dials.hang_up_left_over(session, self._pbx, own & alive)
