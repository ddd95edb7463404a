"""All SQL of what agents write about calls, and of the calls shown beside a patient."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calls.models import Call
from callcenter.calls.search import hidden_from
from callcenter.desk.models import (
    CallDisposition,
    CallNote,
    CallPatient,
    CallReveal,
    DispositionForm,
    RevealReason,
)

# -- who the call is about


async def find_call_patient(session: AsyncSession, call_ids: Collection[str]) -> CallPatient | None:
    query = select(CallPatient).where(CallPatient.call_id.in_(call_ids)).order_by(CallPatient.chosen_at.desc())
    return (await session.scalars(query.limit(1))).first()


async def put_call_patient(session: AsyncSession, call_id: str, patient_id: UUID, *, by: str, at: datetime) -> None:
    values = {"patient_id": patient_id, "chosen_at": at, "chosen_by": by}
    new = insert(CallPatient).values(call_id=call_id, **values)
    await session.execute(new.on_conflict_do_update(index_elements=["call_id"], set_=values))


async def list_revealed(session: AsyncSession, call_ids: Collection[str], agent_number: str) -> set[UUID]:
    """Patients whom this agent has stated a reason for on this call."""
    query = select(CallReveal.patient_id).where(
        CallReveal.call_id.in_(call_ids), CallReveal.agent_number == agent_number
    )
    return set(await session.scalars(query))


async def put_reveal(
    session: AsyncSession, call_id: str, agent_number: str, patient_id: UUID, *, reason: str, at: datetime
) -> None:
    new = insert(CallReveal).values(
        call_id=call_id, agent_number=agent_number, patient_id=patient_id, reason=reason, revealed_at=at
    )
    again = {"reason": new.excluded.reason, "revealed_at": new.excluded.revealed_at}
    await session.execute(
        new.on_conflict_do_update(index_elements=["call_id", "agent_number", "patient_id"], set_=again)
    )


async def list_reveal_reasons(session: AsyncSession) -> Sequence[RevealReason]:
    return (await session.scalars(select(RevealReason).order_by(RevealReason.code))).all()


# -- notes and dispositions


async def find_note(session: AsyncSession, call_ids: Collection[str]) -> CallNote | None:
    """The version that counts."""
    query = select(CallNote).where(CallNote.call_id.in_(call_ids))
    return (await session.scalars(query.order_by(CallNote.version.desc(), CallNote.id.desc()).limit(1))).first()


async def list_note_versions(session: AsyncSession, call_ids: Collection[str]) -> Sequence[CallNote]:
    query = select(CallNote).where(CallNote.call_id.in_(call_ids))
    return (await session.scalars(query.order_by(CallNote.version, CallNote.id))).all()


async def insert_note(session: AsyncSession, values: dict[str, object]) -> CallNote | None:
    """None: there is this version already."""
    new = insert(CallNote).values(**values).on_conflict_do_nothing(index_elements=["call_id", "version"])
    return (await session.scalars(new.returning(CallNote))).one_or_none()


async def find_form(session: AsyncSession, queue_name: str, version: int | None = None) -> DispositionForm | None:
    """Of a version, or the one that counts."""
    query = select(DispositionForm).where(DispositionForm.queue_name == queue_name)
    if version is not None:
        query = query.where(DispositionForm.version == version)
    return (await session.scalars(query.order_by(DispositionForm.version.desc()).limit(1))).first()


async def insert_form(session: AsyncSession, values: dict[str, object]) -> DispositionForm | None:
    """None: there is this version already."""
    new = insert(DispositionForm).values(**values)
    put = new.on_conflict_do_nothing(index_elements=["queue_name", "version"]).returning(DispositionForm)
    return (await session.scalars(put)).one_or_none()


async def list_dispositions(session: AsyncSession, call_ids: Collection[str]) -> Sequence[CallDisposition]:
    query = select(CallDisposition).where(CallDisposition.call_id.in_(call_ids))
    return (await session.scalars(query.order_by(CallDisposition.saved_at, CallDisposition.id))).all()


async def put_disposition(session: AsyncSession, values: dict[str, object]) -> CallDisposition:
    new = insert(CallDisposition).values(**values)
    changed = {name: value for name, value in values.items() if name not in {"call_id", "agent_number"}}
    put = new.on_conflict_do_update(index_elements=["call_id", "agent_number"], set_=changed)
    found = await session.scalars(put.returning(CallDisposition), execution_options={"populate_existing": True})
    return found.one()


async def list_dispositions_between(
    session: AsyncSession,
    start: datetime,
    end: datetime,
    *,
    queues: Collection[str] | None,
    after: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[CallDisposition]:
    """At most ``limit + 1``, in the order in which they were saved last; ``queues`` None: of all."""
    query = select(CallDisposition).where(CallDisposition.saved_at >= start, CallDisposition.saved_at < end)
    if queues is not None:
        query = query.where(CallDisposition.queue_name.in_(queues))
    if after is not None:
        query = query.where(tuple_(CallDisposition.saved_at, CallDisposition.id) > after)
    ordered = query.order_by(CallDisposition.saved_at, CallDisposition.id)
    return (await session.scalars(ordered.limit(limit + 1))).all()


# -- calls beside a patient


async def list_calls_of_patient(
    session: AsyncSession, patient_id: UUID, *, agent_number: str, without: Collection[str], limit: int
) -> Sequence[Call]:
    """The patient's last calls that this agent may know of: recognised, verified, or said by an agent."""
    chosen = select(CallPatient.call_id).where(CallPatient.patient_id == patient_id)
    own = select(Call).where(Call.patient_id == patient_id)
    named = select(Call).where(Call.id.in_(chosen))
    found: dict[str, Call] = {}
    for query in (own, named):
        allowed = query.where(Call.id.not_in(without), ~hidden_from(agent_number))
        for call in await session.scalars(allowed.order_by(Call.started_at.desc()).limit(limit)):
            found[call.id] = call
    return sorted(found.values(), key=lambda call: call.started_at, reverse=True)[:limit]


async def list_calls_of_number(
    session: AsyncSession, e164: str, *, agent_number: str, without: Collection[str], limit: int
) -> Sequence[Call]:
    query = select(Call).where(Call.caller_number == e164, Call.id.not_in(without), ~hidden_from(agent_number))
    return (await session.scalars(query.order_by(Call.started_at.desc()).limit(limit))).all()


async def notes_of(session: AsyncSession, call_ids: Collection[str]) -> dict[str, CallNote]:
    """Call to the version that counts."""
    if not call_ids:
        return {}
    newest = (
        select(CallNote.call_id, func.max(CallNote.version).label("version"))
        .where(CallNote.call_id.in_(call_ids))
        .group_by(CallNote.call_id)
        .subquery()
    )
    same = (CallNote.call_id == newest.c.call_id) & (CallNote.version == newest.c.version)
    return {note.call_id: note for note in await session.scalars(select(CallNote).join(newest, same))}


async def dispositions_of(session: AsyncSession, call_ids: Collection[str]) -> dict[str, list[CallDisposition]]:
    found: dict[str, list[CallDisposition]] = {}
    for one in await list_dispositions(session, call_ids) if call_ids else ():
        found.setdefault(one.call_id, []).append(one)
    return found
