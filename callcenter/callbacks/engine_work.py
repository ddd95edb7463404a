"""What the engine does for call-backs from time to time: idempotent scans, a missed one costs only time."""

import asyncio

from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.snapshot import read_linkedids
from callcenter.callbacks import placing
from callcenter.callouts.policy import Home
from callcenter.calls.reader import LedgerReader
from callcenter.core.clock import now
from callcenter.core.db import Database

LEDGER_SECONDS = 10.0


class CallbackWork:
    """Of one PBX, for whoever leads it."""

    def __init__(self, database: Database, commands: AmiSession, ledger: LedgerReader, pbx: str, home: Home) -> None:
        self._database = database
        self._commands = commands
        self._ledger = ledger
        self._pbx = pbx
        self._home = home
        self._missed: set[str] = set()

    async def place(self) -> None:
        """End what has expired, place what is due: only while Asterisk hears of it, an old wish is no good."""
        async with self._database.transaction() as session:
            await placing.expire_due(session, self._pbx, now())
            if self._commands.connected:
                await placing.place_due(session, self._pbx, now(), self._home)

    async def settle_lost(self) -> None:
        """Attempts whose channels are gone without an end in the ledger: Asterisk died, or never got them.

        Twice missed in a row, with the ledger read to its end in between: then nothing more is to come of them.
        """
        async with self._database.transaction() as session:
            wanted = await placing.list_to_look_for(session, self._pbx, now())
        if not (wanted and self._commands.connected):
            self._missed = set()
            return
        alive = await read_linkedids(self._commands)
        lost, self._missed = self._missed & (wanted - alive), wanted - alive
        if lost:
            async with asyncio.timeout(LEDGER_SECONDS):
                await self._ledger.caught_up()
        async with self._database.transaction() as session:
            await placing.settle_vanished(session, lost, now())
            await placing.hang_up_left_over(session, self._pbx, wanted & alive)
