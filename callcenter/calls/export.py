"""Calls as CSV, written while they are read."""

import csv
import io
from collections.abc import AsyncIterator, Iterable

from callcenter.calls.schemas import CallSummary
from callcenter.calls.search import CallFilter, CallScope, list_calls
from callcenter.core.db import Database
from callcenter.core.spreadsheets import cell

COLUMNS = tuple(CallSummary.model_fields)
_PAGE = 1_000


async def csv_lines(
    database: Database, wanted: CallFilter, scope: CallScope, *, show_numbers: bool
) -> AsyncIterator[str]:
    """Header and one line a call, newest first; each thousand in a transaction of its own."""
    yield _lines([COLUMNS])
    after = None
    while True:
        async with database.transaction() as session:
            calls = await list_calls(session, wanted, scope, after=after, limit=_PAGE)
        page = calls[:_PAGE]
        if page:
            summaries = [CallSummary.of(call, show_number=show_numbers).model_dump(mode="json") for call in page]
            yield _lines([cell(summary[name]) for name in COLUMNS] for summary in summaries)
        if len(calls) <= _PAGE:
            return
        after = (page[-1].started_at, page[-1].id)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
