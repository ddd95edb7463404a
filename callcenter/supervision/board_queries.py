"""All SQL of the live board. Each statement reads a whole table of it, or the rows named; no statement counts a day."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callbacks.placing import is_attempt_id
from callcenter.core.logging import mask
from callcenter.supervision.board import Row, masked_name

LONGEST_CALL = timedelta(hours=12)
"""A call that has been open for longer is no live one: some fault left it behind."""
MOST_ALARMS = 200

_QUEUES = text("""
    SELECT name, label_zh, label_en, active, schedule_name, closed_at, closed_by, service_level_seconds
    FROM queues ORDER BY name
""")

# a caller whose call is not derived yet (the ledger is read every two seconds) has no name for so long
_WAITING = text("""
    SELECT w.uniqueid, w.queue_name, w.caller_number, w.priority, w.joined_at, c.vip_grade, c.verified, p.name
    FROM waiting_callers AS w
    LEFT JOIN LATERAL (
        SELECT vip_grade, verified, patient_id FROM calls_by_month
        WHERE id = w.uniqueid AND started_at > w.joined_at - CAST(:longest AS interval) LIMIT 1
    ) AS c ON true
    LEFT JOIN patients AS p ON p.id = c.patient_id
    ORDER BY w.queue_name, w.priority DESC, w.joined_at, w.uniqueid
""")

_AGENT_COLUMNS = """
    SELECT a.number, a.display_name, a.wanted, a.pause_reason, a.wanted_since, a.activity, a.activity_since,
        a.activity_call_id, a.live_call, a.seat_name, coalesce(s.registered, false) AS registered,
        ARRAY(SELECT m.queue_name FROM queue_memberships AS m WHERE m.agent_id = a.id ORDER BY 1) AS queues,
        l.user_name AS listener, l.mode, l.call_id AS listened_call_id
    FROM agents AS a
    LEFT JOIN seats AS s ON s.name = a.seat_name
    LEFT JOIN LATERAL (
        SELECT user_name, mode, call_id FROM listenings
        WHERE agent_id = a.id AND ended_at IS NULL AND begun_at IS NOT NULL ORDER BY begun_at LIMIT 1
    ) AS l ON true
"""
_ALL_AGENTS = text(f"{_AGENT_COLUMNS} ORDER BY a.number").columns(live_call=JSONB)
_SOME_AGENTS = text(f"{_AGENT_COLUMNS} WHERE a.number = ANY(CAST(:numbers AS text[]))").columns(live_call=JSONB)

# by ix_calls_by_month_open; the last visit and step of each by index, in the partition of the call's time or later
_OPEN_CALLS = text("""
    SELECT c.id, c.direction, c.caller_number, c.dialled_number, c.queue_name, c.vip_grade, c.verified, c.started_at,
        p.name, d.fallback_queue, v.outcome AS visit, v.reason AS visit_end, s.flow, s.step, s.at AS step_at,
        (SELECT count(*) FROM legs_by_month AS leg
         WHERE leg.call_id = c.id AND leg.started_at >= c.started_at AND leg.ended_at IS NULL
           AND leg.channel LIKE 'PJSIP/trunk-%') AS trunk_legs
    FROM calls_by_month AS c
    LEFT JOIN patients AS p ON p.id = c.patient_id
    LEFT JOIN dids AS d ON d.number = c.dialled_number
    LEFT JOIN LATERAL (
        SELECT outcome, reason FROM queue_visits_by_month
        WHERE call_id = c.id AND entered_at >= c.started_at ORDER BY number DESC LIMIT 1
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT flow, step, at FROM call_steps_by_month
        WHERE call_id = c.id AND at >= c.started_at ORDER BY number DESC LIMIT 1
    ) AS s ON true
    WHERE c.state = 'open' AND c.started_at > :since
    ORDER BY c.started_at, c.id
""")

_ALARMS = text("""
    SELECT id, kind, severity, queues, raised_at, last_at, occurrences, cleared_at
    FROM alarms WHERE acknowledged_at IS NULL ORDER BY id DESC LIMIT :limit
""")


async def list_queues(session: AsyncSession) -> list[dict[str, Any]]:
    return await _rows(session, _QUEUES)


async def list_waiting(session: AsyncSession) -> list[Row]:
    """Who waits, by queue, next first."""
    return [
        {
            "uniqueid": row["uniqueid"],
            "queue": row["queue_name"],
            "name": masked_name(row["name"]),
            "number": _masked(row["caller_number"]),
            "vip_grade": row["vip_grade"],
            "verified": bool(row["verified"]),
            "is_callback": is_attempt_id(row["uniqueid"]),
            "priority": row["priority"],
            "joined_at": row["joined_at"],
        }
        for row in await _rows(session, _WAITING, longest=LONGEST_CALL)
    ]


async def list_agents(session: AsyncSession, numbers: Collection[str] | None = None) -> list[dict[str, Any]]:
    """All agents, or these. ``queue``: of the call, as the live events tell it."""
    if numbers is None:
        rows = await _rows(session, _ALL_AGENTS)
    else:
        rows = await _rows(session, _SOME_AGENTS, numbers=sorted(numbers))
    return [
        {
            "number": row["number"],
            "name": row["display_name"],
            "wanted": row["wanted"],
            "pause_reason": row["pause_reason"],
            "wanted_since": row["wanted_since"],
            "activity": row["activity"],
            "activity_since": row["activity_since"],
            "call_id": row["activity_call_id"],
            "queue": (row["live_call"] or {}).get("queue"),
            "call_state": (row["live_call"] or {}).get("state"),
            "direction": (row["live_call"] or {}).get("direction"),
            "queues": row["queues"],
            "seat": row["seat_name"],
            "registered": row["registered"],
            "listener": row["listener"] if row["listened_call_id"] == row["activity_call_id"] else None,
            "mode": row["mode"] if row["listened_call_id"] == row["activity_call_id"] else None,
        }
        for row in rows
    ]


async def list_open_calls(session: AsyncSession, at: datetime) -> list[dict[str, Any]]:
    """The calls that go on, as the ledger tells them; at most some seconds old."""
    return await _rows(session, _OPEN_CALLS, since=at - LONGEST_CALL)


def menu_row(call: dict[str, Any]) -> Row | None:
    """The row of a call that is in a menu: inbound, in no queue and with no agent now; None for others."""
    waits_or_talks = call["visit"] == "open" or (call["visit"] == "answered" and call["visit_end"] is None)
    if call["direction"] != "inbound" or waits_or_talks:
        return None
    return {
        "call_id": call["id"],
        "name": masked_name(call["name"]),
        "number": _masked(call["caller_number"]),
        "vip_grade": call["vip_grade"],
        "verified": call["verified"],
        "dialled_number": call["dialled_number"],
        "queue": call["fallback_queue"],
        "flow": call["flow"],
        "step": call["step"],
        "step_at": call["step_at"],
        "started_at": call["started_at"],
    }


async def list_alarms(session: AsyncSession) -> list[Row]:
    """Those that nobody has acknowledged, the newest first."""
    return list(await _rows(session, _ALARMS, limit=MOST_ALARMS))


def _masked(number: str | None) -> str | None:
    return mask(number) if number else None


async def _rows(session: AsyncSession, query: Executable, **values: Any) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await session.execute(query, values)]
