"""All SQL of call-backs."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.commands import HangUpChannel, PlaceCallback
from callcenter.asterisk.models import CommandState, PbxCommand, is_for_attempt
from callcenter.callbacks.models import IS_OPEN, OPEN_STATES, Callback, CallbackAttempt, CallbackRules, CallbackState
from callcenter.calls.models import Call, LedgerEvent, Leg
from callcenter.core.conditions import one_of
from callcenter.queues.models import Did

_IS_OPEN = Callback.state.in_(OPEN_STATES)


# -- asked for


async def insert_callback(session: AsyncSession, values: dict[str, Any]) -> bool:
    """False when one of this queue and number is open already."""
    new = insert(Callback).values(**values)
    result = await session.execute(
        new.on_conflict_do_nothing(index_elements=["queue_name", "e164"], index_where=IS_OPEN).returning(Callback.id)
    )
    return result.first() is not None


async def find_open(session: AsyncSession, queue_name: str, e164: str) -> Callback | None:
    query = select(Callback).where(Callback.queue_name == queue_name, Callback.e164 == e164, _IS_OPEN)
    return (await session.scalars(query)).one_or_none()


async def count_open_of_queue(session: AsyncSession, queue_name: str) -> int:
    query = select(func.count()).where(Callback.queue_name == queue_name, _IS_OPEN)
    return await session.scalar(query) or 0


async def count_open_of_line(session: AsyncSession, e164: str) -> int:
    """Open ones that this number asked for, or is to be called at."""
    query = select(func.count()).where(or_(Callback.requested_from == e164, Callback.e164 == e164), _IS_OPEN)
    return await session.scalar(query) or 0


async def find_rules(session: AsyncSession, queue_name: str) -> CallbackRules | None:
    return await session.get(CallbackRules, queue_name)


async def put_rules(session: AsyncSession, queue_name: str, values: dict[str, Any]) -> None:
    new = insert(CallbackRules).values(queue_name=queue_name, **values)
    await session.execute(new.on_conflict_do_update(index_elements=["queue_name"], set_=values))


async def list_did_numbers(session: AsyncSession) -> Sequence[str]:
    return (await session.scalars(select(Did.number))).all()


async def find_did(session: AsyncSession, queue_name: str) -> str | None:
    """A number to show for a queue: one that falls back to it, else any of ours."""
    query = select(Did.number).order_by((Did.fallback_queue == queue_name).desc(), Did.number).limit(1)
    return await session.scalar(query)


async def list_callbacks(
    session: AsyncSession,
    *,
    queue_name: str | None,
    state: str | None,
    scope: Collection[str],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Callback]:
    """At most ``limit + 1``, newest first. ``scope``: only of these queues; empty: of all."""
    query = select(Callback)
    if queue_name is not None:
        query = query.where(Callback.queue_name == queue_name)
    if state is not None:
        query = query.where(Callback.state == state)
    if scope:
        query = query.where(Callback.queue_name.in_(scope))
    if after is not None:
        query = query.where(tuple_(Callback.requested_at, Callback.id) < after)
    ordered = query.order_by(Callback.requested_at.desc(), Callback.id.desc())
    return (await session.scalars(ordered.limit(limit + 1))).all()


async def find_callback(session: AsyncSession, callback_id: UUID, *, lock: bool) -> Callback | None:
    query = select(Callback).where(Callback.id == callback_id)
    return (await session.scalars(_locked(query) if lock else query)).one_or_none()


async def list_attempts(session: AsyncSession, callback_id: UUID) -> Sequence[CallbackAttempt]:
    query = select(CallbackAttempt).where(CallbackAttempt.callback_id == callback_id)
    return (await session.scalars(query.order_by(CallbackAttempt.number))).all()


async def count_by_state(session: AsyncSession, queue_name: str, start: datetime, end: datetime) -> dict[str, int]:
    """Call-backs asked for from ``start`` until before ``end``."""
    query = (
        select(Callback.state, func.count().label("callbacks"))
        .where(Callback.queue_name == queue_name, Callback.requested_at >= start, Callback.requested_at < end)
        .group_by(Callback.state)
    )
    return {row.state: row.callbacks for row in await session.execute(query)}


# -- placed and dialled; a call-back is always locked before its attempt


async def lock_due(
    session: AsyncSession, pbx: str, at: datetime, *, hang_up_within: timedelta, limit: int
) -> Sequence[Callback]:
    """Those to be placed now. One whose caller is still on the line waits, ``hang_up_within`` at most."""
    still_talking = exists().where(Call.id == Callback.call_id, Call.state == "open")
    query = (
        select(Callback)
        .where(
            Callback.pbx == pbx,
            Callback.state == CallbackState.WAITING,
            Callback.next_attempt_at <= at,
            Callback.expires_at > at,
            or_(~still_talking, Callback.requested_at < at - hang_up_within),
        )
        .order_by(Callback.priority.desc(), Callback.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def lock_expired(session: AsyncSession, pbx: str, at: datetime) -> Sequence[Callback]:
    """One that is being dialled is not among them."""
    query = select(Callback).where(
        Callback.pbx == pbx,
        Callback.state.in_((CallbackState.WAITING, CallbackState.QUEUED)),
        Callback.expires_at <= at,
    )
    return (await session.scalars(query.with_for_update(skip_locked=True))).all()


async def lock_open_of_numbers(session: AsyncSession, numbers: Collection[str]) -> Sequence[Callback]:
    """Open call-backs to these numbers that nobody dials yet."""
    query = select(Callback).where(
        one_of(Callback.e164, numbers), Callback.state.in_((CallbackState.WAITING, CallbackState.QUEUED))
    )
    return (await session.scalars(_locked(query.where(_IS_OPEN)))).all()


async def next_number(session: AsyncSession, callback_id: UUID) -> int:
    query = select(func.count()).where(CallbackAttempt.callback_id == callback_id)
    return (await session.scalar(query) or 0) + 1


async def lock_attempt(session: AsyncSession, attempt_id: str) -> tuple[Callback, CallbackAttempt] | None:
    """The attempt and its call-back, both locked, as they are now."""
    callback_id = await session.scalar(select(CallbackAttempt.callback_id).where(CallbackAttempt.id == attempt_id))
    if callback_id is None:
        return None
    callback = (await session.scalars(_locked(select(Callback).where(Callback.id == callback_id)))).one()
    query = select(CallbackAttempt).where(CallbackAttempt.id == attempt_id)
    return callback, (await session.scalars(_locked_attempt(query))).one()


async def find_open_attempt(session: AsyncSession, callback_id: UUID) -> CallbackAttempt | None:
    query = select(CallbackAttempt).where(CallbackAttempt.callback_id == callback_id, CallbackAttempt.outcome.is_(None))
    return (await session.scalars(_locked_attempt(query))).one_or_none()


async def list_open_attempts(session: AsyncSession, pbx: str, *, placed_before: datetime) -> set[str]:
    """Ids of attempts that are not over and that this PBX has surely been told of, some time ago."""
    told = exists().where(
        PbxCommand.pbx == pbx,
        PbxCommand.action.in_((PlaceCallback.action, HangUpChannel.action)),
        or_(
            PbxCommand.state.in_((CommandState.PENDING, CommandState.SENT)),
            PbxCommand.finished_at >= placed_before,
        ),
        is_for_attempt(CallbackAttempt.id),
    )
    query = (
        select(CallbackAttempt.id)
        .join(Callback, Callback.id == CallbackAttempt.callback_id)
        .where(
            Callback.pbx == pbx,
            CallbackAttempt.outcome.is_(None),
            CallbackAttempt.placed_at < placed_before,
            ~told,
        )
    )
    return set(await session.scalars(query))


async def list_of_ended(session: AsyncSession, attempt_ids: Collection[str]) -> Sequence[str]:
    """Those of these attempts that are not over although their call-back is."""
    query = (
        select(CallbackAttempt.id)
        .join(Callback, Callback.id == CallbackAttempt.callback_id)
        .where(CallbackAttempt.id.in_(attempt_ids), CallbackAttempt.outcome.is_(None), ~_IS_OPEN)
    )
    return (await session.scalars(query)).all()


async def list_dial_events(session: AsyncSession, attempt_id: str) -> Sequence[LedgerEvent]:
    """That the patient was dialled, and how that ended, as Asterisk's dialplan wrote it."""
    query = select(LedgerEvent).where(
        LedgerEvent.linkedid == attempt_id,
        LedgerEvent.kind.in_((variables.EVENT_DIAL, variables.EVENT_DIAL_END)),
    )
    return (await session.scalars(query.order_by(LedgerEvent.at))).all()


async def find_call(session: AsyncSession, attempt_id: str) -> Call | None:
    """What the ledger tells of the attempt's call."""
    return await session.get(Call, attempt_id, populate_existing=True)


async def find_agent(session: AsyncSession, attempt_id: str) -> str | None:
    """The agent who took it."""
    query = (
        select(Leg.agent_number)
        .where(Leg.call_id == attempt_id, Leg.agent_number.is_not(None), Leg.answered_at.is_not(None))
        .order_by(Leg.answered_at.desc())
        .limit(1)
    )
    return await session.scalar(query)


def _locked(query: Select[Callback]) -> Select[Callback]:
    return query.with_for_update().execution_options(populate_existing=True)


def _locked_attempt(query: Select[CallbackAttempt]) -> Select[CallbackAttempt]:
    return query.with_for_update().execution_options(populate_existing=True)


async def find_callback_of_attempt(session: AsyncSession, attempt_id: str) -> Callback | None:
    query = select(Callback).join(CallbackAttempt, CallbackAttempt.callback_id == Callback.id)
    return (await session.scalars(query.where(CallbackAttempt.id == attempt_id))).one_or_none()
