"""What the call was about and how it ended, as its agents say; and the forms by which queues ask for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Agent
from callcenter.core.audit import Actor, record_audit
from callcenter.desk import record_queries
from callcenter.desk.errors import AnswersRefused, FormRefused, NoDispositionForm, NotAQueueOfCall
from callcenter.desk.forms import FieldKind, FormField, Option, check_answers, check_form, without_blanks
from callcenter.desk.models import CallDisposition, DispositionForm
from callcenter.desk.own_calls import OwnCall
from callcenter.queues import queries as queue_queries
from callcenter.queues import service as queues

# -- forms as data


def fields_of(form: DispositionForm) -> list[FormField]:
    """The form as it was put."""
    return [
        FormField(
            **one | {"kind": FieldKind(one["kind"]), "options": tuple(Option(**option) for option in one["options"])}
        )
        for one in form.fields
    ]


async def get_form(session: AsyncSession, queue_name: str, version: int | None = None) -> DispositionForm:
    """The version that counts, or a former one. Raises QueueNotFound, NoDispositionForm."""
    await queues.get_queue(session, queue_name)
    form = await record_queries.find_form(session, queue_name, version)
    if form is None:
        raise NoDispositionForm
    return form


async def put_form(
    session: AsyncSession, actor: Actor, queue_name: str, fields: Sequence[FormField], at: datetime
) -> DispositionForm:
    """A new version; the same fields again make none. Raises QueueNotFound, FormRefused."""
    problems = check_form(fields)
    if problems:
        raise FormRefused(fields=problems)
    await queues.get_queue(session, queue_name)
    plain = [asdict(field) for field in fields]
    while True:
        before = await record_queries.find_form(session, queue_name)
        if before is not None and fields_of(before) == list(fields):
            return before
        values: dict[str, object] = {
            "queue_name": queue_name,
            "version": before.version + 1 if before else 1,
            "fields": plain,
            "created_at": at,
            "created_by": actor.name,
        }
        form = await record_queries.insert_form(session, values)
        if form is not None:
            record_audit(session, actor, "disposition_forms.put", subject_id=queue_name, version=form.version)
            return form


# -- what agents say


async def queues_of_call(session: AsyncSession, agent: Agent, call: OwnCall) -> list[str]:
    """Whose form may be filled in: those the call was in, the one that brought it here first; of a call that was in
    none, those the agent serves."""
    if call.queue_names:
        first = [call.stay.queue_name] if call.stay else []
        return list(dict.fromkeys([*first, *reversed(call.queue_names)]))
    return [place.queue_name for place in await queue_queries.list_memberships(session, agent.id)]


async def find_form_of_call(session: AsyncSession, agent: Agent, call: OwnCall) -> DispositionForm | None:
    """The first of these queues' that there is."""
    for queue_name in await queues_of_call(session, agent, call):
        form = await record_queries.find_form(session, queue_name)
        if form is not None:
            return form
    return None


async def put_disposition(
    session: AsyncSession,
    actor: Actor,
    agent: Agent,
    call: OwnCall,
    *,
    queue_name: str,
    form_version: int,
    answers: Mapping[str, Any],
    at: datetime,
) -> CallDisposition:
    """Say it, during the call or later; again: it is changed.

    The version is the one that was filled in, though a newer may count by now.
    Raises NotAQueueOfCall, NoDispositionForm, AnswersRefused.
    """
    allowed = await queues_of_call(session, agent, call)
    if queue_name not in allowed:
        raise NotAQueueOfCall(queues=allowed)
    form = await record_queries.find_form(session, queue_name, form_version)
    if form is None:
        raise NoDispositionForm
    problems = check_answers(fields_of(form), answers)
    if problems:
        raise AnswersRefused(fields=problems)
    values: dict[str, object] = {
        "call_id": call.id,
        "agent_number": agent.number,
        "queue_name": queue_name,
        "form_version": form.version,
        "answers": without_blanks(answers),
        "saved_at": at,
        "saved_by": actor.name,
    }
    disposition = await record_queries.put_disposition(session, values)
    record_audit(session, actor, "dispositions.put", subject_id=call.id, queue=queue_name, version=form.version)
    return disposition
