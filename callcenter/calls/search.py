"""Finding and reading calls, as far as the asker may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.calls.errors import CallNotFound
from callcenter.calls.models import Call, CallStep, Leg, QueueVisit, Recording
from callcenter.calls.queries import COMPLAINT


@dataclass(frozen=True, slots=True)
class CallFilter:
    """All that are given must hold. ``started_to`` is excluded; ``queue``: any visit; ``agent``: talked in it."""

    started_from: datetime | None = None
    started_to: datetime | None = None
    caller_number: str | None = None
    patient_id: UUID | None = None
    agent: str | None = None
    queue: str | None = None
    outcome: str | None = None
    direction: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.started_from is not None:
            found.append(Call.started_at >= self.started_from)
        if self.started_to is not None:
            found.append(Call.started_at < self.started_to)
        for column, value in (
            (Call.caller_number, self.caller_number),
            (Call.patient_id, self.patient_id),
            (Call.outcome, self.outcome),
            (Call.direction, self.direction),
        ):
            if value is not None:
                found.append(column == value)
        if self.agent is not None:
            found.append(_talked(self.agent))
        if self.queue is not None:
            found.append(_visited([self.queue]))
        return found


@dataclass(frozen=True, slots=True)
class CallScope:
    """Which calls an asker may see: all; those that visited ``queues``; those in which ``agent_number`` talked.

    An agent does not see a call in which the caller complained after talking to that agent (domain rule 7), nor
    one in which the caller complained of ``agent_number``, whatever the asker's role.
    """

    everything: bool = False
    queues: frozenset[str] = frozenset()
    agent_number: str | None = None

    def condition(self) -> ColumnElement[bool] | None:
        """None: no limit."""
        own = self.agent_number
        not_about = Call.about_agent_number.is_distinct_from(own) if own is not None else None
        if self.everything:
            return not_about
        allowed: list[ColumnElement[bool]] = []
        if self.queues:
            allowed.append(_visited(sorted(self.queues)))
        if own is not None:
            allowed.append(and_(_talked(own), ~_complained_of(own)))
        if not allowed:
            return Call.id.is_(None)
        return or_(*allowed) if not_about is None else and_(or_(*allowed), not_about)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call with everything that belongs to it, each list in the order of time."""

    call: Call
    legs: Sequence[Leg]
    visits: Sequence[QueueVisit]
    steps: Sequence[CallStep]
    recordings: Sequence[Recording]


def hidden_from(agent_number: str) -> ColumnElement[bool]:
    """Calls that do not exist for this agent: somebody complained of them there, or after talking to them."""
    about = Call.about_agent_number.is_not_distinct_from(agent_number)
    return or_(about, _complained_of(agent_number))


async def list_calls(
    session: AsyncSession, wanted: CallFilter, scope: CallScope, *, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Call]:
    """At most ``limit + 1`` calls, newest first, behind the call whose (started_at, id) is ``after``."""
    query = select(Call).where(*wanted.conditions())
    limited = scope.condition()
    if limited is not None:
        query = query.where(limited)
    if after is not None:
        query = query.where(tuple_(Call.started_at, Call.id) < after)
    return (await session.scalars(query.order_by(Call.started_at.desc(), Call.id.desc()).limit(limit + 1))).all()


async def get_record(session: AsyncSession, call_id: str, scope: CallScope) -> CallRecord:
    """Raises CallNotFound, also when it is outside ``scope``."""
    query = select(Call).where(Call.id == call_id)
    limited = scope.condition()
    if limited is not None:
        query = query.where(limited)
    call = (await session.scalars(query)).one_or_none()
    if call is None:
        raise CallNotFound(call_id=call_id)
    return CallRecord(
        call,
        legs=(await session.scalars(select(Leg).where(Leg.call_id == call_id).order_by(Leg.started_at))).all(),
        visits=(
            await session.scalars(
                select(QueueVisit).where(QueueVisit.call_id == call_id).order_by(QueueVisit.entered_at)
            )
        ).all(),
        steps=(
            await session.scalars(select(CallStep).where(CallStep.call_id == call_id).order_by(CallStep.number))
        ).all(),
        recordings=(
            await session.scalars(select(Recording).where(Recording.call_id == call_id).order_by(Recording.started_at))
        ).all(),
    )


def _talked(agent_number: str) -> ColumnElement[bool]:
    return exists().where(Leg.call_id == Call.id, Leg.agent_number == agent_number, Leg.answered_at.is_not(None))


def _visited(queues: Sequence[str]) -> ColumnElement[bool]:
    return exists().where(QueueVisit.call_id == Call.id, QueueVisit.queue_name.in_(queues))


def _complained_of(agent_number: str) -> ColumnElement[bool]:
    """The caller talked to this agent and complained afterwards."""
    leg = aliased(Leg)
    return exists().where(
        Recording.call_id == Call.id,
        Recording.purpose == COMPLAINT,
        leg.call_id == Call.id,
        leg.agent_number == agent_number,
        leg.started_at < Recording.started_at,
    )
