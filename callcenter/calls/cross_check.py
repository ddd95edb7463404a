"""Is the ledger true? What Asterisk shows live is compared with what it wrote: silence and lost ends raise alarms.

On a full disk Asterisk goes on with its calls and writes nothing, without a word. A file that is cut before it was
read takes lines with it. Both are seen here, seconds later: calls that are live but in no line, and calls without an
end that are live no more. None of this is counted: the record stays what was written.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls import lost_lines
from callcenter.calls.reader import LedgerReader
from callcenter.core.alarms import raise_alarm
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
GONE_SECONDS = 15.0
"""A call that Asterisk has not shown for so long, with the ledger read to its end, gets no more lines."""
LEDGER_SECONDS = 4.0
"""Longer than this is not waited for a reader that is behind: its own figures tell that."""

SILENT = "ledger_silent"
CUT = "ledger_lines_lost"

_SILENT_CALLS = Counter("callcenter_ledger_silent_calls", "Live calls found in no ledger line.", ["pbx"])


class LedgerCrossCheck:
    """Of one PBX. ``live_calls`` tells the linkedids that Asterisk has channels of now; it may raise."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerReader,
        live_calls: Callable[[], Awaitable[set[str]]],
        *,
        pbx: str,
        plan: NumberPlan,
        gone_seconds: float = GONE_SECONDS,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._live_calls = live_calls
        self._pbx = pbx
        self._plan = plan
        self._gone_seconds = gone_seconds
        self._seen_before: set[str] = set()
        self._gone_since: dict[str, float] = {}
        """By call id, on the monotonic clock."""

    async def look(self) -> None:
        """One comparison, every :data:`LOOK_SECONDS`. A call is judged by the look after the one that saw it."""
        try:
            live = await self._live_calls()
        except BaseException:
            self._gone_since.clear()  # nobody knows what was there meanwhile
            raise
        try:
            async with asyncio.timeout(LEDGER_SECONDS):
                await self._ledger.caught_up()
        except TimeoutError:
            return
        async with self._database.transaction() as session:
            await self._tell_silence(session)
            await self._close_cut_calls(session, live)
        self._seen_before = live

    async def _tell_silence(self, session: AsyncSession) -> None:
        silent = await lost_lines.find_unwritten(session, self._seen_before)
        if silent:
            _SILENT_CALLS.labels(self._pbx).inc(len(silent))
            log.error("ledger_silent", pbx=self._pbx, calls=len(silent))
            await raise_alarm(session, SILENT, key=self._pbx, severity="critical", pbx=self._pbx, calls=len(silent))

    async def _close_cut_calls(self, session: AsyncSession, live: set[str]) -> None:
        gone = await lost_lines.list_open_calls_but(session, self._pbx, live)
        at = time.monotonic()
        self._gone_since = {call_id: self._gone_since.get(call_id, at) for call_id in gone}
        cut = sorted(call_id for call_id, since in self._gone_since.items() if at - since >= self._gone_seconds)
        if cut:
            self._ledger.forget_open_calls()
            await lost_lines.close_cut_calls(session, self._pbx, cut, now(), plan=self._plan)
            log.error("ledger_lines_lost", pbx=self._pbx, calls=len(cut))
            await raise_alarm(session, CUT, key=self._pbx, severity="critical", pbx=self._pbx, calls=len(cut))
