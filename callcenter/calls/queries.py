"""SQL of writing what is derived from the ledger. Reading for people: calls/search.py, calls/figures.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, exists, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.ledger import CelRecord, QueueLogRecord
from callcenter.calls.derive import WAY_EVENTS, DerivedCall, DerivedLeg, DerivedStep
from callcenter.calls.models import (
    Call,
    CallLink,
    CallStep,
    LedgerEvent,
    Leg,
    PbxBoot,
    QueueVisit,
    Recording,
)
from callcenter.calls.visits import DerivedVisit
from callcenter.core.conditions import one_of
from callcenter.core.copying import copy_rows, driver_of

# all events of the calls, whichever linkedids they are made of, in the order of the files
_EVENTS_OF_CALLS = text("""
    SELECT call_links.call_id, e.kind, e.at, e.uniqueid, e.linkedid, e.channel, e.context, e.extension,
           e.application, e.peer, e.extra
    FROM call_links JOIN ledger_events_by_month AS e ON e.linkedid = call_links.linkedid
    WHERE call_links.call_id = ANY(CAST(:call_ids AS text[]))
    ORDER BY e.file_id, e."offset"
""").columns(extra=JSONB)

# the lines of queue_log that say more than the channel events do
_QUEUE_LOG_OF_CHANNELS = """
    SELECT at, callid, queue_name, agent, kind, data FROM queue_log_events_by_month
    WHERE callid = ANY($1::text[]) AND kind IN ('CONNECT', 'EXITWITHKEY')
    ORDER BY file_id, "offset"
"""

_BOOTS = "SELECT started_at FROM pbx_boots WHERE pbx = $1"

_DELETE_CALLS = """
    WITH gone AS (SELECT unnest($1::text[]) AS call_id),
    legs AS (DELETE FROM legs_by_month AS leg USING gone WHERE leg.call_id = gone.call_id),
    visits AS (DELETE FROM queue_visits_by_month AS visit USING gone WHERE visit.call_id = gone.call_id),
    steps AS (DELETE FROM call_steps_by_month AS step USING gone WHERE step.call_id = gone.call_id)
    DELETE FROM calls_by_month AS call USING gone WHERE call.id = gone.call_id
"""


_CALL_COLUMNS = tuple(
    field.name for field in fields(DerivedCall) if field.name not in {"legs", "visits", "steps", "recordings"}
)
_call_values = attrgetter(*_CALL_COLUMNS)
_PARTS = tuple(
    (model, columns, part, attrgetter(*columns))
    for model, kind, part in (
        (Leg, DerivedLeg, "legs"),
        (QueueVisit, DerivedVisit, "visits"),
        (CallStep, DerivedStep, "steps"),
    )
    for columns in [tuple(field.name for field in fields(kind))]
)

COMPLAINT = "complaint"
"""Purpose of the recording that belongs to a complaint."""

BOOT_SPREAD = timedelta(seconds=2)
"""No Asterisk starts twice within so short a time."""


async def find_call_id(session: AsyncSession, linkedid: str) -> str | None:
    """The call that this linkedid belongs to, if it is known yet."""
    return await session.scalar(select(CallLink.call_id).where(CallLink.linkedid == linkedid))


async def list_linkedids(session: AsyncSession, call_id: str) -> list[str]:
    """What this call is made of, as far as is known."""
    return list(await session.scalars(select(CallLink.linkedid).where(CallLink.call_id == call_id)))


async def load_events(session: AsyncSession, call_ids: Sequence[str]) -> dict[str, list[CelRecord]]:
    """All events of these calls by call, in the order of the files; one query."""
    events: dict[str, list[CelRecord]] = {}
    for call_id, *event in await session.execute(_EVENTS_OF_CALLS, {"call_ids": list(call_ids)}):
        events.setdefault(call_id, []).append(CelRecord._make(event))
    return events


async def load_ways(
    session: AsyncSession, linkedids: Collection[str], *, since: datetime
) -> Mapping[str, Sequence[CelRecord]]:
    """What the flow wrote so far about these calls, which began after ``since``: each for ``derive.derive_way``."""
    event = LedgerEvent
    query = (
        select(*(getattr(event, name) for name in CelRecord._fields))
        .where(one_of(event.linkedid, linkedids), event.at >= since, one_of(event.kind, WAY_EVENTS))
        .order_by(event.file_id, event.offset)
    )
    ways: dict[str, list[CelRecord]] = {}
    for row in await session.execute(query):
        ways.setdefault(row.linkedid, []).append(CelRecord._make(row))
    return ways


async def load_queue_log(session: AsyncSession, callids: Collection[str]) -> dict[str, list[QueueLogRecord]]:
    """Those of queue_log's lines of these channels that matter, by callid, in the order of the files."""
    lines: dict[str, list[QueueLogRecord]] = {}
    connection = await driver_of(session)
    for row in await connection.fetch(_QUEUE_LOG_OF_CHANNELS, list(callids)):
        record = QueueLogRecord._make(row)
        lines.setdefault(record.callid, []).append(record._replace(data=tuple(record.data)))
    return lines


async def replace_calls(
    session: AsyncSession, pbx: str, calls: Sequence[DerivedCall], written: Collection[str], at: datetime
) -> None:
    """Put these calls, with what belongs to each, in the place of what was known of those that were ``written``."""
    if written:
        await (await driver_of(session)).execute(_DELETE_CALLS, list(written))
    rows = [(*_call_values(call), pbx, at) for call in calls]
    await copy_rows(session, Call.__tablename__, (*_CALL_COLUMNS, "pbx", "derived_at"), rows)
    for model, columns, part, values in _PARTS:
        parts = [(call.id, *values(one)) for call in calls for one in getattr(call, part)]
        if parts:
            await copy_rows(session, model.__tablename__, ("call_id", *columns), parts)


async def list_boots(session: AsyncSession, pbx: str) -> Sequence[datetime]:
    connection = await driver_of(session)
    return [row["started_at"] for row in await connection.fetch(_BOOTS, pbx)]


async def note_boot(session: AsyncSession, pbx: str, started_at: datetime) -> None:
    """One row per boot. Its time comes a little different each time it is asked for: the latest known one stays."""
    near = select(PbxBoot).where(
        PbxBoot.pbx == pbx, PbxBoot.started_at.between(started_at - BOOT_SPREAD, started_at + BOOT_SPREAD)
    )
    boot = (await session.scalars(near.limit(1))).first()
    if boot is None:
        session.add(PbxBoot(pbx=pbx, started_at=started_at))
    else:
        boot.started_at = max(boot.started_at, started_at)
    await session.flush()


async def list_gone_calls(
    session: AsyncSession, pbx: str, *, before: datetime, live: Collection[str]
) -> Sequence[tuple[str, datetime]]:
    """Id and begin of the calls of this PBX that began before ``before``, have not ended and are not ``live``."""
    is_live = exists().where(CallLink.call_id == Call.id, CallLink.linkedid.in_(live))
    query = select(Call.id, Call.started_at).where(
        Call.pbx == pbx, Call.state == "open", Call.started_at < before, ~is_live
    )
    return [(call_id, started_at) for call_id, started_at in await session.execute(query.order_by(Call.id))]


async def find_ended_calls(session: AsyncSession, call_ids: Collection[str]) -> set[str]:
    """Those of these calls that are known and have ended."""
    if not call_ids:
        return set()
    return set(await session.scalars(select(Call.id).where(Call.id.in_(call_ids), Call.state != "open")))


def _last_agent_of(whose: ColumnElement[bool]) -> Select[str | None]:
    complaint_taken = exists().where(
        Recording.call_id == Call.id, Recording.purpose == COMPLAINT, Recording.started_at <= Leg.started_at
    )
    return (
        select(Leg.agent_number)
        .join(Call, Call.id == Leg.call_id)
        .where(
            whose,
            Call.started_at >= bindparam("since"),
            Leg.role == "agent",
            Leg.agent_number.is_not(None),
            Leg.answered_at.is_not(None),
            ~complaint_taken,
        )
        .order_by(Call.started_at.desc(), Leg.answered_at.desc())
        .limit(1)
    )


_LAST_AGENT_OF_PATIENT = _last_agent_of(Call.patient_id == bindparam("patient_id"))
_LAST_AGENT_OF_NUMBER = _last_agent_of(Call.caller_number == bindparam("e164"))
"""Made once: every call asks, and building the statement takes longer than its answer."""


async def find_last_agent_of_patient(session: AsyncSession, patient_id: UUID, *, since: datetime) -> str | None:
    """By ix_calls_patient_id_started_at."""
    return await session.scalar(_LAST_AGENT_OF_PATIENT, {"patient_id": patient_id, "since": since})


async def find_last_agent_of_number(session: AsyncSession, e164: str, *, since: datetime) -> str | None:
    """By ix_calls_caller_number_started_at."""
    return await session.scalar(_LAST_AGENT_OF_NUMBER, {"e164": e164, "since": since})
