"""All SQL of the workload report. How a moment is counted: the same rules as callcenter.agents.durations.

``:cells`` are borders in order; cell N lies between the Nth and the next. A cell belongs to one interval (``:bucket``)
and was watched or not (``:watched``). Sums are intervals, so nothing is rounded.
"""

# ruff: noqa: S608 - words of this file alone

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Person:
    """An agent of the report. ``username``: by which work orders name them."""

    agent_id: UUID
    number: str
    display_name: str
    username: str | None


@dataclass(frozen=True, slots=True)
class Cells:
    """``borders``: one more than ``buckets`` (from 0) and ``watched``."""

    borders: Sequence[datetime]
    buckets: Sequence[int]
    watched: Sequence[bool]

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "cells": list(self.borders),
            "starts": list(self.borders[:-1]),
            "bucket": list(self.buckets),
            "watched": list(self.watched),
            "start": self.borders[0],
            "end": self.borders[-1],
        }


_PEOPLE = text("""
    SELECT agents.id, agents.number, agents.display_name, users.username
    FROM agents LEFT JOIN users ON users.id = agents.user_id
    WHERE (CAST(:numbers AS text[]) IS NULL OR agents.number = ANY(CAST(:numbers AS text[])))
    AND (CAST(:queue AS text) IS NULL OR EXISTS (
        SELECT FROM queue_memberships AS place
        WHERE place.agent_id = agents.id AND place.queue_name = CAST(:queue AS text)))
    AND (CAST(:scope AS text[]) IS NULL OR agents.user_id = CAST(:user_id AS uuid) OR EXISTS (
        SELECT FROM queue_memberships AS place
        WHERE place.agent_id = agents.id AND place.queue_name = ANY(CAST(:scope AS text[]))))
    ORDER BY agents.number
""")

# each agent's changes from start to end by sequence, with the last one before them (agents.state_history.load_changes)
_HISTORY = """
    WITH people AS (
        SELECT one.agent_id, early.sequence AS early, late.sequence AS late
        FROM unnest(CAST(:agents AS uuid[])) AS one (agent_id)
        LEFT JOIN LATERAL (
            SELECT sequence FROM agent_state_changes
            WHERE agent_id = one.agent_id AND at >= :start AND at < :end ORDER BY at, sequence LIMIT 1
        ) AS early ON true
        LEFT JOIN LATERAL (
            SELECT sequence FROM agent_state_changes
            WHERE agent_id = one.agent_id AND at >= :end ORDER BY at, sequence LIMIT 1
        ) AS late ON true
    ), bounds AS (
        SELECT people.agent_id, coalesce(base.sequence, early) AS early, coalesce(late, 9223372036854775807) AS late
        FROM people LEFT JOIN LATERAL (
            SELECT sequence FROM agent_state_changes
            WHERE agent_id = people.agent_id AND at < :start
            AND sequence < coalesce(least(early, late), 9223372036854775807)
            ORDER BY sequence DESC LIMIT 1
        ) AS base ON true
    ), history AS (
        SELECT change.agent_id, change.sequence, change.wanted, change.pause_reason, change.activity, change.call_id,
            greatest(CAST(:start AS timestamptz), least(:end, max(change.at) OVER so_far)) AS began
            {extra}
        FROM bounds JOIN agent_state_changes AS change
        ON change.agent_id = bounds.agent_id AND change.sequence >= bounds.early AND change.sequence < bounds.late
        WINDOW so_far AS (PARTITION BY change.agent_id ORDER BY change.sequence)
    )
"""
_PIECES = """
    , spans AS (
        SELECT agent_id, wanted, pause_reason, activity, {of_call} AS of_call, began,
            lead(began, 1, CAST(:end AS timestamptz)) OVER (PARTITION BY agent_id ORDER BY sequence) AS ended
        FROM history
    ), placed AS (
        SELECT *, width_bucket(began, CAST(:starts AS timestamptz[])) AS first_cell,
            width_bucket(ended - interval '1 microsecond', CAST(:starts AS timestamptz[])) AS last_cell
        FROM spans WHERE ended > began AND (wanted <> 'logged_out' OR activity <> 'idle')
    ), pieces AS (
        SELECT agent_id, wanted, pause_reason, activity, of_call, first_cell AS cell, ended - began AS lasted,
            (CAST(:watched AS bool[]))[first_cell] AS is_watched
        FROM placed WHERE first_cell = last_cell
        UNION ALL
        SELECT agent_id, wanted, pause_reason, activity, of_call, cell,
            least(ended, (CAST(:cells AS timestamptz[]))[cell + 1])
            - greatest(began, (CAST(:cells AS timestamptz[]))[cell]),
            (CAST(:watched AS bool[]))[cell]
        FROM placed CROSS JOIN LATERAL generate_series(first_cell, last_cell) AS cell
        WHERE first_cell < last_cell
    ), counted AS (
        SELECT agent_id, (CAST(:bucket AS int[]))[cell] AS bucket, of_call, lasted,
            CASE WHEN wanted = 'paused' AND activity = 'idle' THEN 'paused'
                WHEN NOT is_watched THEN 'unobserved'
                WHEN activity = 'idle' THEN 'available'
                ELSE activity END AS state,
            CASE WHEN wanted = 'paused' AND activity = 'idle' THEN pause_reason END AS reason
        FROM pieces WHERE is_watched OR wanted <> 'logged_out'
    )
"""
_STATES = text(
    _HISTORY.format(extra="")
    + _PIECES.format(of_call="CAST(NULL AS text)")
    + "SELECT agent_id, bucket, NULL AS queue_name, state, reason, sum(lasted) AS lasted"
    " FROM counted GROUP BY agent_id, bucket, state, reason"
)
# ringing, talking and wrapping up are for the queue whose call it was: of an agent's several legs in it the answered
_STATES_BY_QUEUE = text(
    _HISTORY.format(extra=", count(*) FILTER (WHERE change.activity <> 'wrap_up') OVER so_far AS call_nr")
    + _PIECES.format(of_call="first_value(call_id) OVER (PARTITION BY agent_id, call_nr ORDER BY sequence)")
    + """
    , of_queue AS (
        SELECT DISTINCT ON (agents.id, leg.call_id) agents.id AS agent_id, leg.call_id, leg.queue_name
        FROM legs_by_month AS leg JOIN agents ON agents.number = leg.agent_number
        WHERE agents.id = ANY(CAST(:agents AS uuid[])) AND leg.queue_name IS NOT NULL
        AND leg.started_at >= CAST(:start AS timestamptz) - interval '1 day' AND leg.started_at < :end
        ORDER BY agents.id, leg.call_id, leg.offer = 'answered' DESC, leg.started_at DESC
    )
    SELECT counted.agent_id, bucket, queue_name, state, reason, sum(lasted) AS lasted
    FROM counted LEFT JOIN of_queue ON of_queue.agent_id = counted.agent_id AND of_queue.call_id = counted.of_call
        AND state IN ('ringing', 'on_call', 'wrap_up')
    GROUP BY counted.agent_id, bucket, queue_name, state, reason
"""
)

# a call counts in the interval in which the agent's telephone began to ring
_CALLS = text("""
    SELECT agent_number, (CAST(:bucket AS int[]))[width_bucket(started_at, CAST(:starts AS timestamptz[]))] AS bucket,
        queue_name, count(offer) AS offered,
        count(*) FILTER (WHERE offer = 'answered') AS answered,
        count(*) FILTER (WHERE offer = 'missed') AS missed,
        count(*) FILTER (WHERE offer = 'withdrawn') AS withdrawn,
        count(transferred_at) AS transferred
    FROM legs_by_month
    WHERE started_at >= :start AND started_at < :end AND agent_number = ANY(CAST(:numbers AS text[]))
    AND (offer IS NOT NULL OR transferred_at IS NOT NULL)
    GROUP BY 1, 2, 3
""")
_HELD = text("""
    SELECT agent_number, (CAST(:bucket AS int[]))[cell] AS bucket, queue_name,
        sum(least(upper(hold), (CAST(:cells AS timestamptz[]))[cell + 1])
            - greatest(lower(hold), (CAST(:cells AS timestamptz[]))[cell])) AS lasted
    FROM legs_by_month CROSS JOIN LATERAL unnest(held) AS hold
    CROSS JOIN LATERAL generate_series(
        width_bucket(greatest(lower(hold), CAST(:start AS timestamptz)), CAST(:starts AS timestamptz[])),
        width_bucket(
            least(upper(hold), CAST(:end AS timestamptz)) - interval '1 microsecond', CAST(:starts AS timestamptz[]))
        ) AS cell
    WHERE held IS NOT NULL AND agent_number = ANY(CAST(:numbers AS text[]))
    AND started_at >= CAST(:start AS timestamptz) - interval '1 day' AND started_at < :end
    AND lower(hold) < :end AND upper(hold) > :start
    AND (CAST(:watched AS bool[]))[cell]
    GROUP BY 1, 2, 3
""")
# a mark counts in the interval in which the agent answered the call
_RATINGS = text("""
    SELECT agent_number, (CAST(:bucket AS int[]))[width_bucket(answered_at, CAST(:starts AS timestamptz[]))] AS bucket,
        queue_name, count(*) AS rated, sum(rating) AS rating_sum
    FROM queue_visits_by_month
    WHERE rating IS NOT NULL AND agent_number = ANY(CAST(:numbers AS text[]))
    AND answered_at >= :start AND answered_at < :end
    AND entered_at >= CAST(:start AS timestamptz) - interval '1 day' AND entered_at < :end
    GROUP BY 1, 2, 3
""")
_WORK_ORDERS = text("""
    SELECT username, (CAST(:bucket AS int[]))[width_bucket(at, CAST(:starts AS timestamptz[]))] AS bucket, queue_name,
        count(*) FILTER (WHERE did = 'taken') AS taken, count(*) FILTER (WHERE did = 'closed') AS closed
    FROM work_orders CROSS JOIN LATERAL (
        VALUES (taken_by, taken_at, 'taken'), (closed_by, closed_at, 'closed')) AS act (username, at, did)
    WHERE at >= :start AND at < :end AND username = ANY(CAST(:usernames AS text[]))
    GROUP BY 1, 2, 3
""")


_FOR_MANY_ROWS = (text("SET LOCAL jit = off"), text("SET LOCAL work_mem = '64MB'"))
"""A month of changes is sorted in memory; compiling would take longer than the statement."""


async def list_people(
    session: AsyncSession,
    *,
    numbers: Collection[str] | None,
    queue: str | None,
    scope: Collection[str] | None,
    user_id: UUID | None,
) -> list[Person]:
    """By number. ``numbers``: only these; ``queue``: only its members; ``scope``: only members of one of these
    queues, and the asker ``user_id``."""
    rows = await session.execute(
        _PEOPLE,
        {
            "numbers": None if numbers is None else sorted(numbers),
            "queue": queue,
            "scope": None if scope is None else sorted(scope),
            "user_id": user_id,
        },
    )
    return [Person(*row) for row in rows]


async def list_states(
    session: AsyncSession, people: Sequence[Person], cells: Cells, *, by_queue: bool
) -> Sequence[Row[Any]]:
    """(agent_id, bucket, queue_name, state, reason, lasted)."""
    for setting in _FOR_MANY_ROWS:
        await session.execute(setting)
    statement = _STATES_BY_QUEUE if by_queue else _STATES
    return await _ask(session, statement, cells, agents=[person.agent_id for person in people])


async def list_calls(session: AsyncSession, people: Sequence[Person], cells: Cells) -> Sequence[Row[Any]]:
    """(agent_number, bucket, queue_name, offered, answered, missed, withdrawn, transferred)."""
    return await _ask(session, _CALLS, cells, numbers=[person.number for person in people])


async def list_holds(session: AsyncSession, people: Sequence[Person], cells: Cells) -> Sequence[Row[Any]]:
    """(agent_number, bucket, queue_name, lasted)."""
    return await _ask(session, _HELD, cells, numbers=[person.number for person in people])


async def list_ratings(session: AsyncSession, people: Sequence[Person], cells: Cells) -> Sequence[Row[Any]]:
    """(agent_number, bucket, queue_name, rated, rating_sum)."""
    return await _ask(session, _RATINGS, cells, numbers=[person.number for person in people])


async def list_work_orders(session: AsyncSession, people: Sequence[Person], cells: Cells) -> Sequence[Row[Any]]:
    """(username, bucket, queue_name, taken, closed)."""
    usernames = [person.username for person in people if person.username is not None]
    return await _ask(session, _WORK_ORDERS, cells, usernames=usernames)


async def _ask(session: AsyncSession, statement: TextClause, cells: Cells, **who: object) -> Sequence[Row[Any]]:
    parameters = {**cells.parameters, **who}
    wanted = {name: parameters[name] for name in statement.compile().params}
    return (await session.execute(statement, wanted)).all()
