"""All SQL of alarm rules, where they stand, and what engines measured."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.models import User
from callcenter.alarms.models import AlarmReading, AlarmRule, AlarmRuleState
from callcenter.calls.models import LedgerFile
from callcenter.core.alarms import Alarm
from callcenter.queues.models import Queue

_LOCK = 7263014


async def lock_rules(session: AsyncSession) -> None:
    """Nobody else evaluates or changes rules until the end of this transaction."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


async def list_rules(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[AlarmRule]:
    query = select(AlarmRule).order_by(AlarmRule.id).limit(limit)
    return (await session.scalars(query.where(AlarmRule.id > after) if after is not None else query)).all()


async def list_enabled_rules(session: AsyncSession) -> Sequence[AlarmRule]:
    return (await session.scalars(select(AlarmRule).where(AlarmRule.enabled).order_by(AlarmRule.id))).all()


async def find_rule(session: AsyncSession, rule_id: str) -> AlarmRule | None:
    return await session.get(AlarmRule, rule_id, populate_existing=True)


async def add_missing_rules(session: AsyncSession, rules: Sequence[Mapping[str, Any]]) -> None:
    """Those that are there stay as they are."""
    await session.execute(insert(AlarmRule).on_conflict_do_nothing(), list(map(dict, rules)))


async def delete_rule(session: AsyncSession, rule_id: str) -> None:
    await session.execute(delete(AlarmRule).where(AlarmRule.id == rule_id))


async def list_states(session: AsyncSession, rule_id: str | None = None) -> Sequence[AlarmRuleState]:
    query = select(AlarmRuleState).order_by(AlarmRuleState.rule_id, AlarmRuleState.subject)
    return (await session.scalars(query.where(AlarmRuleState.rule_id == rule_id) if rule_id else query)).all()


async def list_untold(session: AsyncSession) -> Sequence[Alarm]:
    """Alarms that something else than a rule raised, and of which nobody was told yet."""
    query = select(Alarm).where(Alarm.acknowledged_at.is_(None), Alarm.told_at.is_(None))
    return (await session.scalars(query.order_by(Alarm.id))).all()


async def put_readings(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    new = insert(AlarmReading)
    update = {"pbx": new.excluded.pbx, "value": new.excluded.value, "at": new.excluded.at}
    await session.execute(
        new.on_conflict_do_update(index_elements=["measure", "subject"], set_=update), list(map(dict, rows))
    )


async def list_readings(session: AsyncSession, measure: str) -> Sequence[AlarmReading]:
    query = select(AlarmReading).where(AlarmReading.measure == measure).order_by(AlarmReading.subject)
    return (await session.scalars(query)).all()


async def ledger_offsets(session: AsyncSession, pbx: str, *, since: datetime) -> dict[tuple[int, int], int]:
    """Device and inode to how far it was read, of the files that grow or did lately."""
    query = (
        select(LedgerFile.device, LedgerFile.inode, LedgerFile.offset)
        .where(LedgerFile.pbx == pbx, (LedgerFile.finished_at.is_(None)) | (LedgerFile.finished_at > since))
        .order_by(LedgerFile.id)  # of a file that was cut, the last row counts
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(query)}


async def queue_names(session: AsyncSession) -> set[str]:
    return set(await session.scalars(select(Queue.name)))


async def usernames(session: AsyncSession, among: Sequence[str]) -> set[str]:
    return set(await session.scalars(select(User.username).where(User.username.in_(among))))
